//! `kv`: state that outlives an instance, and a reload of the configuration.

mod bucket;
mod lru;

use std::{collections::BTreeMap, sync::Arc};

use adit_policy_rules::{Refused, state};
use parking_lot::Mutex;

pub(super) use self::bucket::Bucket;
use super::{
    State,
    error::{Answer, not_granted, not_in_configure},
};
use crate::{bindings::adit::policy::kv::Host, grants::KvQuota, hook::Hook};

/// Every bucket of the process, by name.
#[derive(Debug, Default)]
pub(super) struct Stores(Mutex<BTreeMap<String, Arc<Bucket>>>);

impl Stores {
    /// The bucket of that name. Policies that share one may ask for different sizes; the size is
    /// what was asked for last, for that is what the file says now.
    pub(super) fn bucket(&self, name: &str, quota: KvQuota) -> Arc<Bucket> {
        let mut buckets = self.0.lock();
        let bucket = buckets.entry(name.to_owned()).or_default();
        bucket.resize(quota);
        Arc::clone(bucket)
    }
}

impl State {
    /// The bucket, if it is granted and the key may be one; and what time it is.
    fn store(&self, bucket: &str, key: &str) -> Result<(&Bucket, u64), Refused> {
        if self.phase.hook == Hook::Configure {
            return Err(not_in_configure("kv"));
        }
        let found = self.policy.kv(bucket).ok_or_else(|| not_granted("kv", bucket))?;
        state::key(key)?;
        Ok((found, self.policy.services().clock().monotonic()))
    }
}

impl Host for State {
    fn get(&mut self, bucket: String, key: String) -> Answer<Option<Vec<u8>>> {
        let (bucket, now) = self.store(&bucket, &key)?;
        Ok(bucket.get(&key, now))
    }

    fn set(&mut self, bucket: String, key: String, value: Vec<u8>, ttl_ms: u32) -> Answer<()> {
        let (bucket, now) = self.store(&bucket, &key)?;
        state::value(&value)?;
        Ok(bucket.set(&key, value, ttl_ms, now)?)
    }

    fn delete(&mut self, bucket: String, key: String) -> Answer<bool> {
        let (bucket, now) = self.store(&bucket, &key)?;
        Ok(bucket.delete(&key, now))
    }

    fn increment(&mut self, bucket: String, key: String, by: i64, ttl_ms: u32) -> Answer<i64> {
        let (bucket, now) = self.store(&bucket, &key)?;
        Ok(bucket.increment(&key, by, ttl_ms, now)?)
    }

    fn swap(
        &mut self,
        bucket: String,
        key: String,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
        ttl_ms: u32,
    ) -> Answer<bool> {
        let (bucket, now) = self.store(&bucket, &key)?;
        state::value(&value)?;
        Ok(bucket.swap(&key, expected.as_deref(), value, ttl_ms, now)?)
    }
}
