//! Token buckets in memory.

use std::collections::HashMap;

use adit_policy_rules::rate::{Bucket, Quota as RuleQuota};
use adit_policy_rules::{Refused, limits, state};

use super::try_ask;
use crate::backend::types::Error;
use crate::bindings::imports::adit::policy::rate::{Decision, Quota};

/// By name, then by key.
pub(crate) type Buckets = HashMap<String, HashMap<String, Bucket>>;

pub(crate) fn take(bucket: &str, key: &str, limit: Quota, cost: u32) -> Result<Decision, Error> {
    try_ask(|world| {
        world.effects("rate")?;
        world.grants.check("rate", world.grants.rate.as_deref(), bucket)?;
        state::key(key)?;
        let quota = RuleQuota { burst: limit.burst, per_ms: limit.per_ms };
        quota.check()?;
        let now = world.monotonic_ns;
        let keys = world.rate.entry(bucket.to_owned()).or_default();
        if keys.len() >= limits::RATE_KEYS && !keys.contains_key(key) {
            keys.retain(|_, bucket| !bucket.is_full(now));
            if keys.len() >= limits::RATE_KEYS {
                return Err(Refused::limit(format!("rate keys: there are {}", keys.len())));
            }
        }
        let decision = keys.entry(key.to_owned()).or_default().take(now, quota, cost);
        Ok(Decision {
            allowed: decision.allowed,
            remaining: decision.remaining,
            retry_after_ms: decision.retry_after_ms,
        })
    })
}
