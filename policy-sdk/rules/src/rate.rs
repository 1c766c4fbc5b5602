//! The token bucket: a pure state machine of sixteen octets.
//!
//! A bucket holds `burst` tokens and regains them evenly over `per_ms`. What is stored is the moment
//! at which it will be full again, so a bucket that has refilled equals one that was never used and
//! may be forgotten. Arithmetic is exact: fractions of a nanosecond are kept, nobody gains a token
//! by asking often.
//!
//! ```
//! use adit_policy_rules::rate::{Bucket, Quota};
//!
//! let mut bucket = Bucket::full();
//! let quota = Quota { burst: 1, per_ms: 1_000 };
//! assert!(bucket.take(0, quota, 1).allowed);
//! let refused = bucket.take(250_000_000, quota, 1);
//! assert_eq!((refused.allowed, refused.retry_after_ms), (false, 750));
//! ```

use crate::refused::Refused;

const NS_PER_MS: u128 = 1_000_000;

/// How much is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    /// Tokens in a full bucket.
    pub burst: u32,
    /// The time in which that many tokens come back.
    pub per_ms: u32,
}

impl Quota {
    /// Refuses a bucket that could never hold a token and one that refills in no time.
    pub fn check(self) -> Result<(), Refused> {
        match self {
            Self { burst: 0, .. } => Err(Refused::invalid("quota: burst must be at least 1")),
            Self { per_ms: 0, .. } => Err(Refused::invalid("quota: per-ms must be at least 1")),
            _ => Ok(()),
        }
    }
}

/// What a bucket answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the tokens were there, and are taken now.
    pub allowed: bool,
    /// Whole tokens that are left.
    pub remaining: u32,
    /// When to ask again after a refusal, rounded up; `u32::MAX` if the cost is above the burst.
    pub retry_after_ms: u32,
}

/// One key's bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Bucket {
    full_at_ns: u64,
    /// Parts of a nanosecond beyond `full_at_ns`, counted in 1/burst.
    parts: u32,
}

impl Bucket {
    /// A bucket that nothing was taken from.
    pub const fn full() -> Self {
        Self { full_at_ns: 0, parts: 0 }
    }

    /// Whether everything has come back, so that forgetting this bucket changes nothing.
    pub fn is_full(&self, now_ns: u64) -> bool {
        (self.full_at_ns, self.parts) <= (now_ns, 0)
    }

    /// When everything will have come back, on the clock that [`take`](Self::take) is told.
    pub const fn full_at(&self) -> u64 {
        self.full_at_ns.saturating_add((self.parts > 0) as u64)
    }

    /// Takes `cost` tokens if they are there. Nothing is taken when they are not. A cost of 0 asks
    /// without taking. `now_ns` is a clock that never runs backwards.
    ///
    /// The quota may change from call to call: what is missing from the bucket is then measured in
    /// the new quota, and is never more than a whole bucket.
    pub fn take(&mut self, now_ns: u64, quota: Quota, cost: u32) -> Decision {
        let burst = u128::from(quota.burst);
        let per = u128::from(quota.per_ms) * NS_PER_MS;
        if burst == 0 || per == 0 {
            let allowed = cost <= quota.burst;
            let retry_after_ms = if allowed { 0 } else { u32::MAX };
            return Decision { allowed, remaining: quota.burst, retry_after_ms };
        }
        // Amounts are in 1/per of a token: `burst` of them come back each nanosecond.
        let capacity = burst * per;
        let mut missing = self.missing(now_ns, burst).min(capacity);
        let needed = u128::from(cost) * per;
        let allowed = missing + needed <= capacity;
        if allowed && cost > 0 {
            missing += needed;
            self.full_at_ns = now_ns.saturating_add((missing / burst) as u64);
            self.parts = (missing % burst) as u32;
        }
        let remaining = ((capacity - missing) / per) as u32;
        let retry_after_ms = match allowed {
            true => 0,
            false if cost > quota.burst => u32::MAX,
            false => {
                let wait_ns = (missing + needed - capacity).div_ceil(burst);
                u32::try_from(wait_ns.div_ceil(NS_PER_MS)).unwrap_or(u32::MAX)
            }
        };
        Decision { allowed, remaining, retry_after_ms }
    }

    fn missing(&self, now_ns: u64, burst: u128) -> u128 {
        match self.full_at_ns.checked_sub(now_ns) {
            Some(ns) => u128::from(ns) * burst + u128::from(self.parts).min(burst - 1),
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const TWO_A_SECOND: Quota = Quota { burst: 2, per_ms: 1_000 };

    fn decision(allowed: bool, remaining: u32, retry_after_ms: u32) -> Decision {
        Decision { allowed, remaining, retry_after_ms }
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_says_when_to_return() {
        let mut bucket = Bucket::full();
        assert_eq!(bucket.take(0, TWO_A_SECOND, 1), decision(true, 1, 0));
        assert_eq!(bucket.take(0, TWO_A_SECOND, 1), decision(true, 0, 0));
        assert_eq!(bucket.take(0, TWO_A_SECOND, 1), decision(false, 0, 500));
        assert_eq!(bucket.take(499 * MS, TWO_A_SECOND, 1), decision(false, 0, 1));
        assert_eq!(bucket.take(500 * MS, TWO_A_SECOND, 1), decision(true, 0, 0));
    }

    #[test]
    fn a_refusal_takes_nothing() {
        let mut bucket = Bucket::full();
        bucket.take(0, TWO_A_SECOND, 2);
        let before = bucket;
        bucket.take(1, TWO_A_SECOND, 2);
        assert_eq!(bucket, before);
    }

    #[test]
    fn a_refilled_bucket_equals_a_new_one() {
        let mut bucket = Bucket::full();
        bucket.take(7, TWO_A_SECOND, 2);
        assert!(!bucket.is_full(7 + 1_000 * MS - 1));
        assert!(bucket.is_full(7 + 1_000 * MS));
        assert_eq!(bucket.take(7 + 1_000 * MS, TWO_A_SECOND, 0), decision(true, 2, 0));
    }

    #[test]
    fn a_cost_above_the_burst_never_fits() {
        assert_eq!(Bucket::full().take(0, TWO_A_SECOND, 3), decision(false, 2, u32::MAX));
    }

    #[test]
    fn fractions_of_a_nanosecond_are_neither_lost_nor_given_away() {
        let quota = Quota { burst: 700_000, per_ms: 1 };
        let mut bucket = Bucket::full();
        let allowed = (0..1_000_000).filter(|_| bucket.take(5, quota, 1).allowed).count();
        assert_eq!(allowed, 700_000);
        let later = (0..1_000_000).filter(|_| bucket.take(5 + 10, quota, 1).allowed).count();
        assert_eq!(later, 7);
    }

    #[test]
    fn a_smaller_quota_never_owes_more_than_one_bucket() {
        let mut bucket = Bucket::full();
        bucket.take(0, Quota { burst: 1, per_ms: u32::MAX }, 1);
        let small = Quota { burst: 1, per_ms: 10 };
        assert_eq!(bucket.take(0, small, 1), decision(false, 0, 10));
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let quota = Quota { burst: u32::MAX, per_ms: u32::MAX };
        let mut bucket = Bucket::full();
        assert_eq!(bucket.take(0, quota, u32::MAX), decision(true, 0, 0));
        assert_eq!(bucket.take(0, quota, 1), decision(false, 0, 1));
        assert_eq!(bucket.take(u64::MAX, quota, u32::MAX), decision(true, 0, 0));
    }

    #[test]
    fn senseless_quotas_are_named() {
        let text = |burst, per_ms| Quota { burst, per_ms }.check().unwrap_err().to_string();
        assert_eq!(text(0, 1), "quota: burst must be at least 1");
        assert_eq!(text(1, 0), "quota: per-ms must be at least 1");
        assert_eq!(Quota { burst: 1, per_ms: 1 }.check(), Ok(()));
    }
}
