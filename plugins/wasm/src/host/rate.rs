//! `rate`: token buckets, decided in one call.

mod bucket;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use adit_policy_rules::{rate::Quota, state};
use parking_lot::Mutex;

pub(super) use self::bucket::Bucket;
use super::{
    State,
    error::{Answer, not_granted, not_in_configure},
};
use crate::{
    bindings::adit::policy::rate::{Decision, Host, Quota as Asked},
    grants::RateQuota,
    hook::Hook,
};

/// Every bucket of the process, by name.
#[derive(Debug, Default)]
pub(super) struct Stores(Mutex<BTreeMap<String, Arc<Bucket>>>);

impl Stores {
    /// The bucket of that name. Policies that share one may ask for different sizes; the size is
    /// what was asked for last, for that is what the file says now.
    pub(super) fn bucket(&self, name: &str, quota: RateQuota) -> Arc<Bucket> {
        let mut buckets = self.0.lock();
        let bucket = buckets.entry(name.to_owned()).or_default();
        bucket.resize(quota.max_keys);
        Arc::clone(bucket)
    }
}

impl Host for State {
    fn take(&mut self, bucket: String, key: String, limit: Asked, cost: u32) -> Answer<Decision> {
        Self::take(self, &bucket, &key, limit, cost)
    }
}

impl State {
    /// Takes tokens out of a bucket that was granted.
    pub(super) fn take(
        &self,
        bucket: &str,
        key: &str,
        limit: Asked,
        cost: u32,
    ) -> Answer<Decision> {
        if self.phase.hook == Hook::Configure {
            return Err(not_in_configure("rate").into());
        }
        let Some(bucket) = self.policy.rate(bucket) else {
            return Err(not_granted("rate", bucket).into());
        };
        state::key(key)?;
        let quota = Quota { burst: limit.burst, per_ms: limit.per_ms };
        quota.check()?;
        // A call that nothing interrupted began less than a tick ago: that clock will do.
        let began = self.phase.began.filter(|_| self.slice.is_first());
        let now = || began.unwrap_or_else(Instant::now);
        let now = self.policy.services().clock().monotonic_at(now);
        let decision = bucket.take(key, now, quota, cost)?;
        Ok(Decision {
            allowed: decision.allowed,
            remaining: decision.remaining,
            retry_after_ms: decision.retry_after_ms,
        })
    }
}
