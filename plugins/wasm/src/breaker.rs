//! Leaves a policy alone that does nothing but break: a stranger who found the request that breaks
//! it could otherwise have the agent make instances as fast as he can ask.
//!
//! ```text
//! closed ──20 faults in 10 s, no success──▶ open ──probe succeeds──▶ closed
//!                                            └──probe breaks──▶ open, twice as long (≤ 10 s)
//! ```

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    time::{Duration, Instant},
};

use adit_policy_rules::limits::{
    BREAKER_FAULTS as FAULTS, BREAKER_FIRST_WAIT as FIRST_PAUSE,
    BREAKER_LONGEST_WAIT as LONGEST_PAUSE, BREAKER_WINDOW as WINDOW,
};
use parking_lot::Mutex;

/// What a policy's breaker says of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admit {
    Call,
    Skip,
}

/// Counts faults in a row. A policy that works pays two loads a call.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    /// Faults since the last success.
    faults: AtomicU32,
    is_open: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the run of faults began.
    first: Option<Instant>,
    pause: Duration,
    /// When the next probe may go.
    next: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be made now.
    pub(crate) fn admit(&self) -> Admit {
        if !self.is_open.load(Relaxed) {
            return Admit::Call;
        }
        let now = Instant::now();
        let mut state = self.state.lock();
        match state.next {
            Some(next) if now < next => Admit::Skip,
            _ => {
                state.next = Some(now + state.pause);
                Admit::Call
            }
        }
    }

    /// A call was answered.
    pub(crate) fn succeeded(&self) {
        if self.faults.load(Relaxed) != 0 {
            let mut state = self.state.lock();
            *state = State::default();
            self.faults.store(0, Relaxed);
            self.is_open.store(false, Relaxed);
        }
    }

    /// A call broke.
    pub(crate) fn failed(&self) {
        self.failed_at(Instant::now());
    }

    fn failed_at(&self, now: Instant) {
        let mut state = self.state.lock();
        if self.is_open.load(Relaxed) {
            state.pause = (state.pause * 2).min(LONGEST_PAUSE);
            state.next = Some(now + state.pause);
            return;
        }
        let first = *state.first.get_or_insert(now);
        let faults = if now.duration_since(first) > WINDOW {
            state.first = Some(now);
            1
        } else {
            self.faults.load(Relaxed) + 1
        };
        self.faults.store(faults, Relaxed);
        if faults >= FAULTS {
            state.pause = FIRST_PAUSE;
            state.next = Some(now + FIRST_PAUSE);
            self.is_open.store(true, Relaxed);
        }
    }

    /// Whether the policy is left alone.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_faults_opens_it_and_a_success_in_between_does_not() {
        let breaker = Breaker::default();
        for _ in 0..FAULTS - 1 {
            breaker.failed();
        }
        breaker.succeeded();
        for _ in 0..FAULTS - 1 {
            breaker.failed();
        }
        assert_eq!(breaker.admit(), Admit::Call);
        breaker.failed();
        assert!(breaker.is_open());
        assert_eq!(breaker.admit(), Admit::Skip);
    }

    #[test]
    fn faults_far_apart_do_not_open_it() {
        let breaker = Breaker::default();
        let start = Instant::now();
        for n in 0..FAULTS * 2 {
            breaker.failed_at(start + Duration::from_secs(u64::from(n)));
        }
        assert!(!breaker.is_open());
    }

    #[test]
    fn probes_come_further_and_further_apart_and_one_success_closes_it() {
        let breaker = Breaker::default();
        for _ in 0..FAULTS {
            breaker.failed();
        }
        let pause = |breaker: &Breaker| breaker.state.lock().pause;
        assert_eq!(pause(&breaker), FIRST_PAUSE);
        for _ in 0..20 {
            breaker.failed();
        }
        assert_eq!(pause(&breaker), LONGEST_PAUSE);
        breaker.state.lock().next = None;
        assert_eq!(breaker.admit(), Admit::Call);
        assert_eq!(breaker.admit(), Admit::Skip);
        breaker.succeeded();
        assert!(!breaker.is_open());
        assert_eq!(breaker.admit(), Admit::Call);
    }
}
