//! The states of a circuit. Pure: the clock is passed in.

use tokio::time::Instant;

use super::{Rules, window::Window};

#[derive(Debug)]
pub(super) struct Breaker {
    rules: Rules,
    state: State,
    /// Requests that are still under way when the circuit changes have no say afterwards.
    era: u64,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one per handler, and closed is the usual state")]
enum State {
    Closed(Window),
    /// Nothing passes until then; after it, the next request is a probe.
    Open {
        until: Instant,
    },
    /// A probe is under way.
    Probing,
}

/// A request that was let through, in the era it belongs to.
#[derive(Debug)]
pub(super) struct Passed {
    era: u64,
    is_probe: bool,
}

impl Passed {
    pub(super) const fn is_probe(&self) -> bool {
        self.is_probe
    }
}

impl Breaker {
    pub(super) fn new(rules: Rules, now: Instant) -> Self {
        Self { rules, state: State::Closed(Window::new(rules.window, now)), era: 0 }
    }

    /// Lets a request through, or not.
    pub(super) fn enter(&mut self, now: Instant) -> Option<Passed> {
        match &mut self.state {
            State::Closed(window) => {
                let (total, errors) = window.sums(now);
                if self.rules.trip(total, errors) {
                    self.open(now);
                    return None;
                }
                window.passed(now);
            }
            State::Open { until } if now < *until => return None,
            State::Open { .. } => self.turn(State::Probing),
            State::Probing => return None,
        }
        Some(Passed { era: self.era, is_probe: matches!(self.state, State::Probing) })
    }

    /// The upstream answered.
    pub(super) fn succeeded(&mut self, passed: Passed, now: Instant) {
        if passed.era == self.era && matches!(self.state, State::Probing) {
            self.turn(State::Closed(Window::new(self.rules.window, now)));
        }
    }

    /// The upstream failed.
    pub(super) fn failed(&mut self, passed: Passed, now: Instant) {
        if passed.era != self.era {
            return;
        }
        match &mut self.state {
            State::Closed(window) => window.failed(now),
            State::Probing => self.open(now),
            State::Open { .. } => {}
        }
    }

    /// Nobody will ever know how it went. A probe makes room for the next.
    pub(super) fn abandoned(&mut self, passed: Passed, now: Instant) {
        if passed.era == self.era && matches!(self.state, State::Probing) {
            self.turn(State::Open { until: now });
        }
    }

    fn open(&mut self, now: Instant) {
        self.turn(State::Open { until: now + self.rules.tripped });
    }

    fn turn(&mut self, state: State) {
        self.state = state;
        self.era += 1;
    }
}

impl Rules {
    fn trip(&self, total: u64, errors: u64) -> bool {
        // Counts of one window are far below 2^52.
        let ratio = errors as f64 / total.max(1) as f64;
        total >= self.volume_threshold && ratio >= self.error_threshold
    }
}
