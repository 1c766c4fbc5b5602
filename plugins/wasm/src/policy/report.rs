//! Tells the operator of faults: at most once a second for each policy, with how many were not
//! told.

use std::time::{Duration, Instant};

use adit_policy_rules::limits::FAULT_LOG_EVERY;
use parking_lot::Mutex;
use tracing::{debug, warn};

use crate::fault::Fault;

/// When a fault was told last, and how many were not since.
#[derive(Debug, Default)]
pub(crate) struct Report(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    last: Option<Instant>,
    suppressed: u64,
}

impl Report {
    pub(crate) fn fault(&self, policy: &str, fault: &Fault, redact: impl Fn(&str) -> String) {
        let Some(suppressed) = self.0.lock().admit(Instant::now(), FAULT_LOG_EVERY) else { return };
        let text = redact(&fault.message);
        let (kind, hook) = (fault.kind.as_str(), fault.hook.as_str());
        warn!(%policy, kind, hook, suppressed, "policy failed: {text}");
        if let Some(backtrace) = &fault.backtrace {
            debug!(%policy, kind, hook, "{backtrace}");
        }
    }
}

impl Told {
    /// Whether to tell now, and how many were not told before.
    fn admit(&mut self, now: Instant, every: Duration) -> Option<u64> {
        if self.last.is_some_and(|last| now.duration_since(last) < every) {
            self.suppressed += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_fault_a_second_is_told_with_the_number_of_the_others() {
        let (mut told, start) = (Told::default(), Instant::now());
        let second = Duration::from_secs(1);
        assert_eq!(told.admit(start, second), Some(0));
        assert_eq!(told.admit(start + second / 2, second), None);
        assert_eq!(told.admit(start + second / 2, second), None);
        assert_eq!(told.admit(start + second, second), Some(2));
        assert_eq!(told.admit(start + second * 2, second), Some(0));
    }
}
