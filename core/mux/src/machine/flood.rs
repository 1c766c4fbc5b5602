//! Counting what costs the peer little and us something.

use std::time::{Duration, Instant};

use crate::Limits;

/// Cheap frames that no honest peer sends in numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cheap {
    /// DATA without payload, SYN or FIN.
    EmptyData,
    /// Credit above what is honoured, or of nothing.
    OverGrant,
    /// Streams opened above the limits.
    RefusedOpen,
    /// WNDINC, RST or FIN of streams that have been closed. Honest peers send some for each
    /// stream that ended while they were still reading, so these get a higher limit.
    Stale,
    /// DATA with payload for streams that are not open.
    StrayData,
    /// WNDINC, RST or FIN of streams that never were.
    Stray,
    /// Frames of an unassigned kind.
    UnknownKind,
}

/// Length of `Cheap`.
const N_KINDS: usize = 7;
/// One second of counting.
const SLICE: Duration = Duration::from_secs(1);
impl Cheap {
    fn per_second(self, limits: &Limits) -> u32 {
        match self {
            Self::RefusedOpen => limits.junk_per_second / 10,
            Self::Stale => limits.junk_per_second.saturating_mul(20),
            _ => limits.junk_per_second,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Counter {
    since: Instant,
    n: u32,
    streak: u32,
}

/// Counters of one session.
#[derive(Debug)]
pub(super) struct Flood {
    counters: [Counter; N_KINDS],
}

/// Whether the session may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Tolerable,
    Flood,
}

impl Flood {
    pub(super) fn new(now: Instant) -> Self {
        Self { counters: [Counter { since: now, n: 0, streak: 0 }; N_KINDS] }
    }

    pub(super) fn count(&mut self, kind: Cheap, limits: &Limits, now: Instant) -> Verdict {
        let counter = &mut self.counters[kind as usize];
        let elapsed = now.saturating_duration_since(counter.since);
        if elapsed >= SLICE {
            let flooded = counter.n > kind.per_second(limits) && elapsed < 2 * SLICE;
            counter.streak = if flooded { counter.streak.saturating_add(1) } else { 0 };
            counter.since = now;
            counter.n = 0;
        }
        counter.n = counter.n.saturating_add(1);
        let streak = u64::from(counter.streak);
        if streak >= slices(limits.junk_for) { Verdict::Flood } else { Verdict::Tolerable }
    }
}

/// So many slices above the limit, one after the other, and the session ends.
fn slices(junk_for: Duration) -> u64 {
    junk_for.as_secs().saturating_add(u64::from(junk_for.subsec_nanos() > 0)).max(1)
}

/// Token bucket of streams that the peer may open.
#[derive(Debug)]
pub(super) struct Opens {
    tokens: f64,
    burst: f64,
    per_second: f64,
    at: Instant,
}

impl Opens {
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        let burst = f64::from(limits.open_burst);
        Self { tokens: burst, burst, per_second: f64::from(limits.opens_per_second), at: now }
    }

    /// Takes a token, if there is one.
    pub(super) fn admit(&mut self, now: Instant) -> Option<()> {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.tokens = elapsed.mul_add(self.per_second, self.tokens).min(self.burst);
        (self.tokens >= 1.0).then(|| self.tokens -= 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(n_per_second: u32, seconds: u32) -> Verdict {
        run_within(&Limits::edge(), n_per_second, seconds)
    }

    fn run_within(limits: &Limits, n_per_second: u32, seconds: u32) -> Verdict {
        let start = Instant::now();
        let mut flood = Flood::new(start);
        let mut verdict = Verdict::Tolerable;
        for i in 0..n_per_second * seconds {
            verdict = flood.count(Cheap::Stray, limits, start + SLICE * i / n_per_second);
        }
        verdict
    }

    #[test]
    fn a_burst_is_tolerable() {
        assert_eq!(run(100_000, 1), Verdict::Tolerable);
    }

    #[test]
    fn a_steady_trickle_is_tolerable() {
        assert_eq!(run(900, 20), Verdict::Tolerable);
    }

    #[test]
    fn more_than_the_limit_for_five_seconds_is_a_flood() {
        assert_eq!(run(1100, 5), Verdict::Tolerable);
        assert_eq!(run(1100, 6), Verdict::Flood);
    }

    #[test]
    fn how_much_is_a_flood_and_for_how_long_are_limits() {
        let few = Limits { junk_per_second: 10, ..Limits::edge() };
        assert_eq!(run_within(&few, 11, 6), Verdict::Flood);
        assert_eq!(run_within(&few, 10, 20), Verdict::Tolerable);
        let soon = Limits { junk_for: Duration::from_millis(1500), ..few };
        assert_eq!(run_within(&soon, 11, 2), Verdict::Tolerable);
        assert_eq!(run_within(&soon, 11, 3), Verdict::Flood);
        let at_once = Limits { junk_for: Duration::ZERO, ..few };
        assert_eq!(run_within(&at_once, 11, 1), Verdict::Tolerable);
        assert_eq!(run_within(&at_once, 11, 2), Verdict::Flood);
    }

    #[test]
    fn opening_is_bounded_by_a_burst_and_then_a_rate() {
        let start = Instant::now();
        let limits = Limits { open_burst: 3, opens_per_second: 2, ..Limits::edge() };
        let mut opens = Opens::new(&limits, start);
        let mut at = |ms| opens.admit(start + Duration::from_millis(ms)).is_some();
        assert_eq!([at(0), at(0), at(0), at(0)], [true, true, true, false]);
        assert_eq!([at(500), at(500), at(900), at(1000)], [true, false, false, true]);
    }
}
