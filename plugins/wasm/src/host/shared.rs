//! What all instances of one policy share.

use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;

use adit_policy_rules::limits;

use super::{PolicyMetrics, Services, kv, log::Quota, rate};
use crate::grants::{ANY, Grants};

/// Buckets of one kind that a policy may name freely.
///
/// Reason: it names them in its code, so there are few; a name made of what a visitor sends must
/// not make buckets without end.
const MAX_FREE: usize = 16;

/// What all instances of one policy share: its name, what it is granted, and quotas that hold for
/// all of them together. Buckets that it is granted are looked up once, here.
#[derive(Debug)]
pub(crate) struct Shared {
    name: Arc<str>,
    services: Arc<Services>,
    kv: Vec<(Box<str>, Arc<kv::Bucket>)>,
    rate: Vec<(Box<str>, Arc<rate::Bucket>)>,
    free_kv: Free<kv::Bucket>,
    free_rate: Free<rate::Bucket>,
    grants: Arc<Grants>,
    metrics: Arc<PolicyMetrics>,
    pub(super) log: Quota,
    pub(super) outbound: Semaphore,
}

impl Shared {
    /// A policy of that name with these grants.
    pub(crate) fn new(name: Arc<str>, grants: Arc<Grants>, services: Arc<Services>) -> Self {
        let kv = grants
            .kv
            .iter()
            .map(|(name, quota)| (name.as_str().into(), services.kv().bucket(name, *quota)));
        let rate = grants
            .rate
            .iter()
            .map(|(name, quota)| (name.as_str().into(), services.rate().bucket(name, *quota)));
        let (kv, rate) = (kv.collect(), rate.collect());
        services.hide(grants.secrets.values().map(|secret| secret.expose()));
        let metrics = services.metrics().policy(&name);
        let outbound = Semaphore::new(limits::OUTBOUND_IN_FLIGHT);
        let (free_kv, free_rate) = (Free::default(), Free::default());
        let log = Quota::default();
        Self { name, services, kv, rate, free_kv, free_rate, grants, metrics, log, outbound }
    }

    /// The name in the configuration.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What all policies share.
    pub(crate) const fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// What the file lets it do.
    pub(crate) const fn grants(&self) -> &Arc<Grants> {
        &self.grants
    }

    /// Where its calls and faults are counted.
    pub(crate) const fn metrics(&self) -> &Arc<PolicyMetrics> {
        &self.metrics
    }

    pub(super) fn kv(&self, bucket: &str) -> Option<&kv::Bucket> {
        let make = || Some(self.services.kv().bucket(bucket, *self.grants.kv.get(ANY)?));
        find(&self.kv, bucket).or_else(|| self.free_kv.find(bucket, make))
    }

    pub(super) fn rate(&self, bucket: &str) -> Option<&rate::Bucket> {
        let make = || Some(self.services.rate().bucket(bucket, *self.grants.rate.get(ANY)?));
        find(&self.rate, bucket).or_else(|| self.free_rate.find(bucket, make))
    }
}

/// Few buckets are granted to one policy: comparing beats hashing.
fn find<'a, T>(list: &'a [(Box<str>, Arc<T>)], name: &str) -> Option<&'a T> {
    list.iter().find(|(known, _)| &**known == name).map(|(_, bucket)| &**bucket)
}

/// Buckets that were named by the policy and not by the file.
#[derive(Debug)]
struct Free<T>([OnceLock<(Box<str>, Arc<T>)>; MAX_FREE]);

impl<T> Default for Free<T> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| OnceLock::new()))
    }
}

impl<T> Free<T> {
    /// The bucket of that name. `make` says whether there may be one, and makes it; a name too many
    /// has none.
    fn find(&self, name: &str, make: impl Fn() -> Option<Arc<T>>) -> Option<&T> {
        for place in &self.0 {
            let (known, bucket) = match place.get() {
                Some(found) => found,
                None => {
                    let fresh = make()?;
                    // Somebody else may have been faster, with this name or with another one.
                    place.get_or_init(|| (name.into(), fresh))
                }
            };
            if **known == *name {
                return Some(bucket);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grants::RateQuota;

    #[test]
    fn a_policy_that_may_name_its_buckets_freely_has_a_few() {
        let mut grants = Grants::default();
        grants.rate.insert(ANY.into(), RateQuota::default());
        let shared = Shared::new("p".into(), Arc::new(grants), Services::builder().build());
        let same =
            |a: &str, b: &str| std::ptr::eq(shared.rate(a).unwrap(), shared.rate(b).unwrap());
        assert!(same("a", "a") && !same("a", "b"));
        assert!(shared.kv("a").is_none(), "only what is granted");
        let n_found = (0..100).filter(|n| shared.rate(&n.to_string()).is_some()).count();
        assert_eq!(n_found, MAX_FREE - 2);
        assert!(same("a", "a"));
    }
}
