//! What all instances of one policy share.

use std::sync::Arc;

use tokio::sync::Semaphore;

use adit_policy_rules::limits;

use super::{PolicyMetrics, Services, kv, log::Quota, rate};
use crate::grants::Grants;

/// What all instances of one policy share: its name, what it is granted, and quotas that hold for
/// all of them together. Buckets that it is granted are looked up once, here.
#[derive(Debug)]
pub(crate) struct Shared {
    name: Arc<str>,
    services: Arc<Services>,
    kv: Vec<(Box<str>, Arc<kv::Bucket>)>,
    rate: Vec<(Box<str>, Arc<rate::Bucket>)>,
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
        Self { name, services, kv, rate, grants, metrics, log: Quota::default(), outbound }
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
        find(&self.kv, bucket)
    }

    pub(super) fn rate(&self, bucket: &str) -> Option<&rate::Bucket> {
        find(&self.rate, bucket)
    }
}

/// Few buckets are granted to one policy: comparing beats hashing.
fn find<'a, T>(list: &'a [(Box<str>, Arc<T>)], name: &str) -> Option<&'a T> {
    list.iter().find(|(known, _)| &**known == name).map(|(_, bucket)| &**bucket)
}
