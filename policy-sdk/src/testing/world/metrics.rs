//! Metrics, kept for the test.

use std::collections::{BTreeMap, BTreeSet};

use adit_policy_rules::{limits, observe};

use super::ask;

type Labels = Vec<(String, String)>;

/// A metric's value: a counter's total, a gauge's last value, the sum of a histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name, without prefix.
    pub name: String,
    /// Its labels, without the policy's name, sorted.
    pub labels: Vec<(String, String)>,
    /// Its value.
    pub value: f64,
}

/// Values of metrics by name and labels. A histogram's is the sum of what was observed.
#[derive(Debug, Default)]
pub(crate) struct Values(pub(crate) BTreeMap<(String, Labels), f64>);

impl Values {
    fn at(&mut self, name: &str, labels: &[(String, String)]) -> Option<&mut f64> {
        let pairs = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        observe::metric(name, pairs).ok()?;
        let mut labels = labels.to_vec();
        labels.sort();
        let at = (name.to_owned(), labels);
        if !self.0.contains_key(&at) {
            let names: BTreeSet<&str> = self.0.keys().map(|(name, _)| name.as_str()).collect();
            let new_name = !names.contains(name);
            let full = self.0.len() >= limits::METRIC_SERIES;
            if full || (new_name && names.len() >= limits::METRIC_NAMES) {
                return None;
            }
        }
        Some(self.0.entry(at).or_default())
    }
}

pub(crate) fn add(name: &str, by: u64, labels: &[(String, String)]) {
    ask(|world| world.metrics.at(name, labels).map(|value| *value += by as f64));
}

pub(crate) fn set(name: &str, value: f64, labels: &[(String, String)]) {
    ask(|world| world.metrics.at(name, labels).map(|old| *old = value));
}

pub(crate) fn observe(name: &str, value: f64, labels: &[(String, String)]) {
    ask(|world| world.metrics.at(name, labels).map(|sum| *sum += value));
}
