//! What is counted for one policy.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use super::{Metric, MetricValue, user::User};
use crate::{fault::FaultKind, hook::Hook};

/// Copies of the counters of calls, so that threads do not meet at them.
const COPIES: usize = 8;

/// What is counted for one policy: by the agent about it, and by itself.
#[derive(Debug, Default)]
pub struct PolicyMetrics {
    calls: [Calls; COPIES],
    faults: [AtomicU64; FaultKind::ALL.len()],
    dropped_logs: AtomicU64,
    dropped_metrics: AtomicU64,
    user: User,
}

/// Calls and the time that they took, by hook. On cache lines of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Calls {
    number: [AtomicU64; Hook::ALL.len()],
    nanos: [AtomicU64; Hook::ALL.len()],
}

impl PolicyMetrics {
    /// A call ended, with an answer or without, after so long by the clock on the wall.
    pub fn call(&self, hook: Hook, took: Duration) {
        let calls = &self.calls[this_thread() % COPIES];
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        calls.number[hook.index()].fetch_add(1, Relaxed);
        calls.nanos[hook.index()].fetch_add(nanos, Relaxed);
    }

    /// The policy broke.
    pub fn fault(&self, kind: FaultKind) {
        self.faults[kind.index()].fetch_add(1, Relaxed);
    }

    /// Calls of one hook so far.
    pub fn calls(&self, hook: Hook) -> u64 {
        self.calls.iter().map(|calls| calls.number[hook.index()].load(Relaxed)).sum()
    }

    /// Faults of one kind so far.
    pub fn faults(&self, kind: FaultKind) -> u64 {
        self.faults[kind.index()].load(Relaxed)
    }

    /// Log records that were dropped so far, because there were too many.
    pub fn dropped_logs(&self) -> u64 {
        self.dropped_logs.load(Relaxed)
    }

    /// Observations that were dropped so far: names that are none, or too many series.
    pub fn dropped_metrics(&self) -> u64 {
        self.dropped_metrics.load(Relaxed)
    }

    pub(in crate::host) fn dropped_log(&self) {
        self.dropped_logs.fetch_add(1, Relaxed);
    }

    pub(super) fn add(&self, name: &str, by: u64, labels: Vec<(String, String)>) {
        self.count_dropped(self.user.add(name, by, labels));
    }

    pub(super) fn set(&self, name: &str, value: f64, labels: Vec<(String, String)>) {
        self.count_dropped(self.user.set(name, value, labels));
    }

    pub(super) fn observe(&self, name: &str, value: f64, labels: Vec<(String, String)>) {
        self.count_dropped(self.user.observe(name, value, labels));
    }

    fn count_dropped<E>(&self, result: Result<(), E>) {
        if result.is_err() {
            self.dropped_metrics.fetch_add(1, Relaxed);
        }
    }

    /// Adds every series that has begun.
    pub(super) fn collect(&self, policy: &str, all: &mut Vec<Metric>) {
        let policy = || ("policy".to_owned(), policy.to_owned());
        let mut push = |name: &str, label: Option<(&str, &str)>, value: MetricValue| {
            let label = label.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let labels = std::iter::once(policy()).chain(label).collect();
            all.push(Metric { name: name.to_owned(), labels, value });
        };
        for hook in Hook::ALL {
            let number = self.calls(hook);
            if number > 0 {
                let nanos = |calls: &Calls| calls.nanos[hook.index()].load(Relaxed);
                let nanos = self.calls.iter().map(nanos).fold(0, u64::saturating_add);
                let seconds = Duration::from_nanos(nanos).as_secs_f64();
                let label = Some(("hook", hook.as_str()));
                push("adit_policy_calls_total", label, MetricValue::Counter(number));
                push("adit_policy_seconds_total", label, MetricValue::Sum(seconds));
            }
        }
        for kind in FaultKind::ALL {
            let number = self.faults(kind);
            if number > 0 {
                let label = Some(("kind", kind.as_str()));
                push("adit_policy_faults_total", label, MetricValue::Counter(number));
            }
        }
        for (name, dropped) in [
            ("adit_policy_log_dropped_total", self.dropped_logs()),
            ("adit_policy_metrics_dropped_total", self.dropped_metrics()),
        ] {
            if dropped > 0 {
                push(name, None, MetricValue::Counter(dropped));
            }
        }
        self.user.collect(&policy(), all);
    }
}

/// A number that tells this thread from most others.
fn this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static NUMBER: usize = NEXT.fetch_add(1, Relaxed));
    NUMBER.with(|number| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_faults_are_counted_by_hook_and_kind() {
        let metrics = PolicyMetrics::default();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| metrics.call(Hook::Request, Duration::from_millis(500)));
            }
        });
        metrics.fault(FaultKind::Trap);
        metrics.dropped_log();
        let mut all = Vec::new();
        metrics.collect("p", &mut all);
        let of = |name: &str, value| {
            let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            let mut labels = vec![label("policy", "p")];
            match name {
                "adit_policy_faults_total" => labels.push(label("kind", "trap")),
                "adit_policy_log_dropped_total" => {}
                _ => labels.push(label("hook", "on-request")),
            }
            Metric { name: name.to_owned(), labels, value }
        };
        let expected = [
            of("adit_policy_calls_total", MetricValue::Counter(3)),
            of("adit_policy_seconds_total", MetricValue::Sum(1.5)),
            of("adit_policy_faults_total", MetricValue::Counter(1)),
            of("adit_policy_log_dropped_total", MetricValue::Counter(1)),
        ];
        assert_eq!(all, expected);
    }
}
