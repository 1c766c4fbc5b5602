//! Numbers for the operator's dashboards.
//!
//! Names get the prefix `adit_policy_user_` and the label `policy`. A policy may have 100 names with
//! 8 labels each and 1 000 series; what is beyond that is dropped and counted.

use crate::backend::metrics;

/// Adds to a counter.
pub fn add(name: &str, by: u64, labels: &[(&str, &str)]) {
    metrics::add(name, by, &owned(labels));
}

/// Sets a gauge.
pub fn set(name: &str, value: f64, labels: &[(&str, &str)]) {
    metrics::set(name, value, &owned(labels));
}

/// Puts a value into a histogram.
pub fn observe(name: &str, value: f64, labels: &[(&str, &str)]) {
    metrics::observe(name, value, &owned(labels));
}

fn owned(labels: &[(&str, &str)]) -> Vec<(String, String)> {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
