//! `metrics`: what policies count, and what the agent counts about them.

mod counts;
mod render;
mod user;

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::RwLock;

pub use self::counts::PolicyMetrics;
use super::State;
use crate::bindings::adit::policy::metrics::Host;

/// Everything that is counted, by policy. Outlives reloads.
#[derive(Debug, Default)]
pub struct Metrics(RwLock<BTreeMap<Arc<str>, Arc<PolicyMetrics>>>);

impl Metrics {
    /// Where a policy's calls are counted.
    pub fn policy(&self, name: &str) -> Arc<PolicyMetrics> {
        if let Some(metrics) = self.0.read().get(name) {
            return Arc::clone(metrics);
        }
        Arc::clone(self.0.write().entry(name.into()).or_default())
    }

    /// Every series as it is now, ordered by name, then by policy.
    pub fn snapshot(&self) -> Vec<Metric> {
        let mut all = Vec::new();
        for (policy, metrics) in &*self.0.read() {
            metrics.collect(policy, &mut all);
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Every series in the text format that Prometheus reads.
    pub fn render(&self) -> String {
        render::render(&self.snapshot())
    }
}

/// One series of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its full name.
    pub name: String,
    /// What tells it from the others of that name.
    pub labels: Vec<(String, String)>,
    /// Its value.
    pub value: MetricValue,
}

/// The value of a series.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MetricValue {
    /// A number that only grows, in whole steps.
    Counter(u64),
    /// A number that only grows.
    Sum(f64),
    /// A number that comes and goes.
    Gauge(f64),
    /// How many observations there were of which size.
    Histogram {
        /// Upper bounds, each with the number of observations up to it.
        buckets: Vec<(f64, u64)>,
        /// All observations.
        count: u64,
        /// Their sum.
        sum: f64,
    },
}

impl Host for State {
    fn add(&mut self, name: String, by: u64, labels: Vec<(String, String)>) {
        self.policy.metrics().add(&name, by, labels);
    }

    fn set(&mut self, name: String, value: f64, labels: Vec<(String, String)>) {
        self.policy.metrics().set(&name, value, labels);
    }

    fn observe(&mut self, name: String, value: f64, labels: Vec<(String, String)>) {
        self.policy.metrics().observe(&name, value, labels);
    }
}
