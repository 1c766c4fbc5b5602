//! What a policy finds around it.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Duration;

use adit_policy_rules::{Refused, rate};
use serde::Serialize;

use super::Harness;
use super::world::{self, START_NS, World};
use crate::hooks::Hooks;
use crate::log::Level;
use crate::outbound::Answer;

/// What the configuration grants. `None` grants every name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Buckets of `kv`.
    pub kv: Option<Vec<String>>,
    /// Buckets of `rate`.
    pub rate: Option<Vec<String>>,
    /// Upstreams of `outbound`; with `None`, those that have a script.
    pub outbound: Option<Vec<String>>,
    /// Endpoints for `Verdict::Reroute`.
    pub reroute: Option<Vec<String>>,
}

impl Grants {
    pub(super) fn check(
        &self,
        interface: &str,
        names: Option<&[String]>,
        name: &str,
    ) -> Result<(), Refused> {
        match names {
            Some(names) if !names.iter().any(|other| other == name) => {
                let text = format!("{interface} {name:?} is not granted; see the policy's grants");
                Err(Refused::denied(text))
            }
            _ => Ok(()),
        }
    }
}

/// A harness that is being set up: what the policy finds around it.
#[must_use = "nothing is configured before `start`"]
pub struct Setup<P> {
    world: World,
    is_fresh: bool,
    policy: PhantomData<P>,
}

impl<P: Hooks> Setup<P> {
    pub(super) fn new() -> Self {
        let world = World {
            policy_name: "policy".to_owned(),
            now_ns: START_NS,
            monotonic_ns: 1_000_000_000,
            grants: Grants::default(),
            secrets: BTreeMap::new(),
            random: world::random::Sequence(0),
            kv: world::kv::Buckets::default(),
            rate: world::rate::Buckets::default(),
            outbound: world::outbound::Upstreams::default(),
            log: world::log::Records {
                level: Level::Trace,
                records: Vec::new(),
                quota: rate::Bucket::full(),
            },
            metrics: world::metrics::Values::default(),
            configuring: false,
            outbound_left: 0,
        };
        Self { world, is_fresh: false, policy: PhantomData }
    }

    /// The name of the policy in the configuration.
    pub fn policy_name(mut self, name: &str) -> Self {
        self.world.policy_name = name.to_owned();
        self
    }

    /// Grants only these names; without it every name is granted.
    pub fn grants(mut self, grants: Grants) -> Self {
        self.world.grants = grants;
        self
    }

    /// A secret. Those that are not given are denied.
    pub fn secret(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.world.secrets.insert(name.to_owned(), value.into());
        self
    }

    /// One more answer of an upstream, in order.
    pub fn outbound(mut self, upstream: &str, answer: Answer) -> Self {
        let script = self.world.outbound.scripts.entry(upstream.to_owned()).or_default();
        script.push_back(Some(answer));
        self
    }

    /// An upstream that does not answer, from the next call on or after its answers.
    pub fn silent(mut self, upstream: &str) -> Self {
        let script = self.world.outbound.scripts.entry(upstream.to_owned()).or_default();
        script.push_back(None);
        self
    }

    /// Another sequence of random numbers.
    pub fn seed(mut self, seed: u64) -> Self {
        self.world.random = world::random::Sequence(seed);
        self
    }

    /// The time at the start, since the start of 1970; the start of 2026 unless said.
    pub fn at(mut self, time: Duration) -> Self {
        self.world.now_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self
    }

    /// The finest level that somebody listens to; all of them unless said.
    pub fn log_level(mut self, level: Level) -> Self {
        self.world.log.level = level;
        self
    }

    /// Configures a new instance for every call, as `instances: fresh` does, and as may happen at
    /// any moment otherwise. A policy that needs its fields from one hook to the next fails here.
    pub fn fresh_instances(mut self) -> Self {
        self.is_fresh = true;
        self
    }

    /// Configures the policy.
    ///
    /// # Errors
    ///
    /// The text that the operator would see.
    pub fn start(self, config: impl Serialize) -> Result<Harness<P>, String> {
        let config = serde_json::to_string(&config).map_err(|error| error.to_string())?;
        Harness::start(self.world, self.is_fresh, config)
    }
}
