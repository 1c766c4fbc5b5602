//! How long to wait before the next attempt to connect.

use std::time::Duration;

/// First pause, after the attempt that follows a loss at once has failed.
pub(crate) const FIRST: Duration = Duration::from_millis(500);
/// Longest pause. Fact: published clients stop doubling here, too.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

/// Longest pause while the edge's host refuses connections. Reason: service is to be back within
/// two seconds of the edge, however long it was away.
const ABSENT: Duration = Duration::from_millis(1_500);

/// Pauses that double from [`FIRST`] to [`LONGEST`], each shortened by chance.
///
/// ```text
/// loss -> 0 -> ~0.5 s -> ~1 s -> ~2 s -> … -> ~30 s -> ~30 s
/// ```
///
/// Reason for the chance: a thousand agents that lost the same edge at the same moment must not
/// come back at the same moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backoff {
    n_failed: u32,
}

impl Backoff {
    /// The pause before the next attempt: none before the first one.
    ///
    /// `chance` is uniform in `0..=u32::MAX`. The result is between three quarters of the nominal
    /// pause and all of it. Reason: the attempts then fall about 0.5, 1.5 and 3.5 s after the loss,
    /// and never so early that a fourth is needed after a restart of 2 s.
    pub(crate) fn next(&mut self, chance: u32) -> Duration {
        let n_failed = self.n_failed;
        self.n_failed = n_failed.saturating_add(1);
        let Some(doublings) = n_failed.checked_sub(1) else { return Duration::ZERO };
        let nominal = FIRST.saturating_mul(1 << doublings.min(16)).min(LONGEST);
        jittered(nominal, chance)
    }

    /// The pause after nobody listened at the edge's address: an edge that starts again is found
    /// soon after, and a refused connection costs nobody anything. Grows as the others do, to
    /// [`ABSENT`].
    pub(crate) fn next_absent(&mut self, chance: u32) -> Duration {
        self.next(chance).min(jittered(ABSENT, chance))
    }

    /// The pause after the edge refused the credential of a session that it had accepted before:
    /// somebody may be about to put it right, but asking often is no help.
    pub(crate) fn next_slow(&mut self, chance: u32) -> Duration {
        self.n_failed = self.n_failed.saturating_add(1);
        LONGEST + jittered(LONGEST, chance) / 4
    }

    /// A session was established, and lost soon after: pauses are short again, but there is one.
    /// An edge that restarts twice in a row is not one that has been away for long.
    pub(crate) fn start_over(&mut self) {
        self.n_failed = self.n_failed.min(1);
    }

    /// A session was established and lasted.
    pub(crate) fn reset(&mut self) {
        self.n_failed = 0;
    }
}

fn jittered(nominal: Duration, chance: u32) -> Duration {
    let quarter = nominal / 4;
    quarter * 3 + quarter.mul_f64(f64::from(chance) / f64::from(u32::MAX))
}

/// A number by chance. Without a source of randomness the pauses are only less spread.
pub(crate) fn chance() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(chance: u32, n: usize) -> Vec<u128> {
        let mut backoff = Backoff::default();
        (0..n).map(|_| backoff.next(chance).as_millis()).collect()
    }

    #[test]
    fn an_edge_that_is_not_there_is_looked_for_often() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..6).map(|_| backoff.next_absent(u32::MAX).as_millis()).collect();
        assert_eq!(pauses, [0, 500, 1000, 1500, 1500, 1500]);
        assert_eq!(backoff.next(u32::MAX).as_millis(), 16_000, "other troubles go on from there");
    }

    #[test]
    fn the_first_attempt_is_immediate_and_pauses_double_to_thirty_seconds() {
        let longest = pauses(u32::MAX, 10);
        assert_eq!(longest, [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(pauses(0, 4), [0, 375, 750, 1500]);
    }

    #[test]
    fn many_failures_do_not_overflow() {
        let mut backoff = Backoff { n_failed: u32::MAX };
        assert_eq!(backoff.next(u32::MAX), LONGEST);
        assert_eq!(backoff.next(u32::MAX), LONGEST);
    }

    #[test]
    fn a_success_starts_over() {
        let mut backoff = Backoff::default();
        backoff.next(0);
        backoff.next(0);
        backoff.reset();
        assert_eq!(backoff.next(0), Duration::ZERO);
    }

    #[test]
    fn after_a_short_session_the_pauses_start_over_without_the_immediate_attempt() {
        let mut backoff = Backoff { n_failed: 7 };
        backoff.start_over();
        assert_eq!(backoff.next(u32::MAX), FIRST);
        assert_eq!(backoff.next(u32::MAX), 2 * FIRST);
    }

    #[test]
    fn a_refused_credential_waits_at_least_thirty_seconds() {
        assert!(Backoff::default().next_slow(0) >= LONGEST);
    }
}
