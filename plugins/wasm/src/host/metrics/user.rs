//! Metrics that a policy names itself.
//!
//! A known series is found under a lock that readers share, and counted without one.

use std::{
    collections::{BTreeMap, hash_map::RandomState},
    hash::BuildHasher as _,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use adit_policy_rules::{Refused, limits, observe};
use hashbrown::HashTable;
use parking_lot::RwLock;

use super::{Metric, MetricValue};

/// Upper bounds of every histogram: from a thousandth to a thousand.
const BOUNDS: [f64; 19] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0,
    100.0, 250.0, 500.0, 1_000.0,
];

type Labels = Vec<(String, String)>;

/// Metrics of one policy, within its limits.
#[derive(Debug, Default)]
pub(super) struct User {
    table: RwLock<Table>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Table {
    families: BTreeMap<String, Family>,
    n_series: usize,
}

/// The series of one name.
#[derive(Debug)]
struct Family {
    kind: Kind,
    series: HashTable<Series>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

#[derive(Debug)]
struct Series {
    labels: Labels,
    hash: u64,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Counter(AtomicU64),
    /// The bits of the number.
    Gauge(AtomicU64),
    Histogram(Box<Histogram>),
}

#[derive(Debug, Default)]
struct Histogram {
    /// Observations up to each bound and above the one before.
    counts: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    /// The bits of the sum.
    sum: AtomicU64,
}

impl User {
    pub(super) fn add(&self, name: &str, by: u64, labels: Labels) -> Result<(), Refused> {
        self.with(name, Kind::Counter, labels, |value| {
            if let Value::Counter(counter) = value {
                counter.fetch_add(by, Relaxed);
            }
        })
    }

    pub(super) fn set(&self, name: &str, to: f64, labels: Labels) -> Result<(), Refused> {
        self.with(name, Kind::Gauge, labels, |value| {
            if let Value::Gauge(gauge) = value {
                gauge.store(to.to_bits(), Relaxed);
            }
        })
    }

    pub(super) fn observe(&self, name: &str, seen: f64, labels: Labels) -> Result<(), Refused> {
        if !seen.is_finite() {
            return Err(Refused::invalid("only finite numbers can be observed"));
        }
        self.with(name, Kind::Histogram, labels, |value| {
            if let Value::Histogram(histogram) = value {
                histogram.observe(seen);
            }
        })
    }

    pub(super) fn collect(&self, policy: &(String, String), all: &mut Vec<Metric>) {
        for (name, family) in &self.table.read().families {
            let from = all.len();
            for series in &family.series {
                let labels = std::iter::once(policy).chain(&series.labels).cloned().collect();
                let name = format!("{}{name}", observe::METRIC_PREFIX);
                all.push(Metric { name, labels, value: series.value.read() });
            }
            all[from..].sort_by(|a, b| a.labels.cmp(&b.labels));
        }
    }

    fn with(
        &self,
        name: &str,
        kind: Kind,
        mut labels: Labels,
        update: impl FnOnce(&Value),
    ) -> Result<(), Refused> {
        observe::metric(name, labels.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
        labels.sort_unstable();
        if labels.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Refused::invalid("a label is given twice"));
        }
        let hash = self.hasher.hash_one(&labels);
        if let Some(family) = self.table.read().families.get(name) {
            family.check(kind)?;
            if let Some(series) = family.series.find(hash, |series| series.labels == labels) {
                update(&series.value);
                return Ok(());
            }
        }
        self.table.write().begin(name, kind, labels, hash, update)
    }
}

impl Table {
    /// Finds or begins a series, within the limits.
    fn begin(
        &mut self,
        name: &str,
        kind: Kind,
        labels: Labels,
        hash: u64,
        update: impl FnOnce(&Value),
    ) -> Result<(), Refused> {
        let Self { families, n_series } = self;
        let is_new_name = !families.contains_key(name);
        if is_new_name && families.len() >= limits::METRIC_NAMES {
            let most = limits::METRIC_NAMES;
            return Err(Refused::limit(format!("metric names: there are {most} already")));
        }
        let n_before = *n_series;
        let full = || {
            let most = limits::METRIC_SERIES;
            Refused::limit(format!("metric series: there are {most} already"))
        };
        if is_new_name && n_before >= limits::METRIC_SERIES {
            return Err(full());
        }
        let new = || Family { kind, series: HashTable::new() };
        let family = families.entry(name.to_owned()).or_insert_with(new);
        family.check(kind)?;
        if let Some(series) = family.series.find(hash, |series| series.labels == labels) {
            update(&series.value);
            return Ok(());
        }
        if n_before >= limits::METRIC_SERIES {
            return Err(full());
        }
        let value = Value::new(kind);
        update(&value);
        family.series.insert_unique(hash, Series { labels, hash, value }, |series| series.hash);
        *n_series += 1;
        Ok(())
    }
}

impl Family {
    fn check(&self, kind: Kind) -> Result<(), Refused> {
        match self.kind == kind {
            true => Ok(()),
            false => Err(Refused::invalid("the metric has another kind")),
        }
    }
}

impl Value {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Self::Counter(AtomicU64::new(0)),
            Kind::Gauge => Self::Gauge(AtomicU64::new(0)),
            Kind::Histogram => Self::Histogram(Box::default()),
        }
    }

    fn read(&self) -> MetricValue {
        match self {
            Self::Counter(counter) => MetricValue::Counter(counter.load(Relaxed)),
            Self::Gauge(gauge) => MetricValue::Gauge(f64::from_bits(gauge.load(Relaxed))),
            Self::Histogram(histogram) => histogram.read(),
        }
    }
}

impl Histogram {
    fn observe(&self, seen: f64) {
        if let Some(i) = BOUNDS.iter().position(|bound| seen <= *bound) {
            self.counts[i].fetch_add(1, Relaxed);
        }
        self.count.fetch_add(1, Relaxed);
        let add = |bits: u64| Some((f64::from_bits(bits) + seen).to_bits());
        let _always = self.sum.fetch_update(Relaxed, Relaxed, add);
    }

    fn read(&self) -> MetricValue {
        let mut up_to = 0;
        let bucket = |(bound, count): (&f64, &AtomicU64)| {
            up_to += count.load(Relaxed);
            (*bound, up_to)
        };
        let buckets = BOUNDS.iter().zip(&self.counts).map(bucket).collect();
        let sum = f64::from_bits(self.sum.load(Relaxed));
        MetricValue::Histogram { buckets, count: self.count.load(Relaxed), sum }
    }
}

#[cfg(test)]
mod tests {
    use adit_policy_rules::Kind as Refusal;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn series(user: &User) -> Vec<Metric> {
        let mut all = Vec::new();
        user.collect(&("policy".to_owned(), "p".to_owned()), &mut all);
        all
    }

    #[test]
    fn counters_gauges_and_histograms_are_kept_by_name_and_labels() {
        let user = User::default();
        user.add("hits", 2, labels(&[("b", "2"), ("a", "1")])).unwrap();
        user.add("hits", 3, labels(&[("a", "1"), ("b", "2")])).unwrap();
        user.set("level", -0.5, Vec::new()).unwrap();
        user.observe("took", 0.3, Vec::new()).unwrap();
        user.observe("took", 5_000.0, Vec::new()).unwrap();
        let all = series(&user);
        assert_eq!(all[0].name, "adit_policy_user_hits");
        assert_eq!(all[0].labels, labels(&[("policy", "p"), ("a", "1"), ("b", "2")]));
        assert_eq!(all[0].value, MetricValue::Counter(5));
        assert_eq!(all[1].value, MetricValue::Gauge(-0.5));
        let MetricValue::Histogram { buckets, count, sum } = &all[2].value else { panic!() };
        assert_eq!((*count, *sum), (2, 5_000.3));
        assert_eq!(buckets[7], (0.25, 0));
        assert_eq!(buckets[8], (0.5, 1));
        assert_eq!(buckets[18], (1_000.0, 1));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let user = User::default();
        user.add("hits", 1, Vec::new()).unwrap();
        let kind = |result: Result<(), Refused>| result.unwrap_err().kind;
        assert_eq!(kind(user.set("hits", 1.0, Vec::new())), Refusal::Invalid);
        assert_eq!(kind(user.add("no-dash", 1, Vec::new())), Refusal::Invalid);
        assert_eq!(kind(user.add("x", 1, labels(&[("policy", "other")]))), Refusal::Invalid);
        assert_eq!(kind(user.add("x", 1, labels(&[("a", "1"), ("a", "2")]))), Refusal::Invalid);
        assert_eq!(kind(user.observe("x", f64::NAN, Vec::new())), Refusal::Invalid);
        let nine: Vec<String> = (0..9).map(|n| format!("l{n}")).collect();
        let nine: Labels = nine.into_iter().map(|name| (name, String::new())).collect();
        assert_eq!(kind(user.add("x", 1, nine)), Refusal::Limit);
        assert_eq!(series(&user).len(), 1);
    }

    #[test]
    fn names_and_series_have_limits_and_what_is_known_goes_on() {
        let user = User::default();
        for n in 0..limits::METRIC_NAMES {
            user.add(&format!("n{n}"), 1, Vec::new()).unwrap();
        }
        let refused = user.add("one_more", 1, Vec::new()).unwrap_err();
        assert_eq!(refused.message, "metric names: there are 100 already");
        for n in limits::METRIC_NAMES..limits::METRIC_SERIES {
            user.add("n0", 1, labels(&[("n", &n.to_string())])).unwrap();
        }
        let refused = user.add("n0", 1, labels(&[("n", "one more")])).unwrap_err();
        assert_eq!(refused.message, "metric series: there are 1000 already");
        user.add("n0", 1, Vec::new()).unwrap();
        assert_eq!(series(&user).len(), limits::METRIC_SERIES);
    }
}
