//! What time it is: the machine's clocks, or one that only a test moves.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::State;
use crate::bindings::adit::policy::clock::Host;

/// What time it is for policies. Read at each call, never cached.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clocks.
    #[default]
    System,
    /// A clock that only moves when it is told to.
    Manual(Arc<ManualClock>),
}

impl Clock {
    /// Nanoseconds since the Unix epoch.
    pub fn now(&self) -> u64 {
        match self {
            Self::System => nanos(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()),
            Self::Manual(clock) => clock.epoch_at_zero.saturating_add(clock.monotonic()),
        }
    }

    /// Nanoseconds that never run backwards. They count from no particular moment.
    pub fn monotonic(&self) -> u64 {
        self.monotonic_at(Instant::now)
    }

    /// As [`monotonic`](Self::monotonic), at a moment that was looked up already.
    pub(super) fn monotonic_at(&self, moment: impl FnOnce() -> Instant) -> u64 {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match self {
            // Later than 0, which is what a bucket that nothing was taken from remembers.
            Self::System => nanos(moment().saturating_duration_since(*START)).saturating_add(1),
            Self::Manual(clock) => clock.monotonic(),
        }
    }
}

/// A clock that only moves when it is told to.
#[derive(Debug, Default)]
pub struct ManualClock {
    epoch_at_zero: u64,
    passed: AtomicU64,
}

impl ManualClock {
    /// A clock that starts at this many nanoseconds since the Unix epoch.
    pub const fn starting_at(epoch_ns: u64) -> Self {
        Self { epoch_at_zero: epoch_ns, passed: AtomicU64::new(0) }
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.passed.fetch_add(nanos(by), Relaxed);
    }

    fn monotonic(&self) -> u64 {
        self.passed.load(Relaxed)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Host for State {
    fn now(&mut self) -> u64 {
        self.policy.services().clock().now()
    }

    fn monotonic(&mut self) -> u64 {
        self.policy.services().clock().monotonic()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let manual = Arc::new(ManualClock::starting_at(1_000));
        let clock = Clock::Manual(Arc::clone(&manual));
        assert_eq!((clock.now(), clock.monotonic()), (1_000, 0));
        manual.advance(Duration::from_nanos(5));
        assert_eq!((clock.now(), clock.monotonic()), (1_005, 5));
    }

    #[test]
    fn the_machines_clock_runs_and_knows_the_year() {
        let clock = Clock::System;
        let before = clock.monotonic();
        assert!(before > 0);
        assert!(clock.monotonic() >= before);
        let year_2020 = 1_577_836_800_000_000_000;
        assert!(clock.now() > year_2020);
    }
}
