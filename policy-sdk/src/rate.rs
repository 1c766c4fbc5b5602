//! Token buckets, decided by the agent in one step. Grant: `rate: [bucket, …]`.
//!
//! Buckets live in one agent: they survive reloads and not restarts, and an endpoint that several
//! agents share counts in each.

use crate::backend::rate;
use crate::bindings::imports::adit::policy::rate as raw;
use crate::error::Result;

/// How much is allowed: `burst` at once, and that many again evenly over `per_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Tokens in a full bucket.
    pub burst: u32,
    /// The milliseconds in which that many tokens come back.
    pub per_ms: u32,
}

/// What a bucket answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the tokens were there. They are taken if they were, and nothing is if not.
    pub allowed: bool,
    /// Tokens that are left.
    pub remaining: u32,
    /// When to ask again; 0 if allowed.
    pub retry_after_ms: u32,
}

/// Takes one token of this key.
///
/// # Errors
///
/// `Denied` without a grant for the bucket and in `configure`, `Limit` if the bucket is full of
/// keys, `Invalid` for a quota or a key that makes no sense.
pub fn take(bucket: &str, key: &str, quota: Quota) -> Result<Decision> {
    take_many(bucket, key, quota, 1)
}

/// Takes several tokens of this key, or none. A cost of 0 asks what is left.
///
/// # Errors
///
/// As [`take`].
pub fn take_many(bucket: &str, key: &str, quota: Quota, cost: u32) -> Result<Decision> {
    let Quota { burst, per_ms } = quota;
    let decision = rate::take(bucket, key, raw::Quota { burst, per_ms }, cost)?;
    let raw::Decision { allowed, remaining, retry_after_ms } = decision;
    Ok(Decision { allowed, remaining, retry_after_ms })
}
