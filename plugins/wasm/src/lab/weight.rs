//! What an instance weighs.

use std::time::Instant;

use adit_chain::Exchange;

use super::Lab;
use crate::{hook::HookInterface, instance::Instance, pool::Entry, request};

/// Instances that are made to weigh one.
const WEIGHED: usize = 32;

/// What an instance weighs.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Weight {
    /// Octets that it takes once it was called, as the system counts them: pages that instances
    /// share count in part. `None`: it does not say.
    pub resident: Option<usize>,
    /// Octets of its linear memory, used or not.
    pub memory: usize,
}

impl Lab {
    /// Weighs an instance of the policy: makes some, and shows each one of these exchanges.
    ///
    /// # Errors
    /// No instance can be made.
    pub async fn weigh(&self, exchange: impl Fn() -> Exchange) -> Result<Weight, wasmtime::Error> {
        // What the first one has the process load is nobody's weight.
        let mut instances = vec![self.called(&exchange).await?];
        let before = resident();
        for _ in 0..WEIGHED {
            instances.push(self.called(&exchange).await?);
        }
        let after = resident();
        let resident =
            after.zip(before).map(|(after, before)| after.saturating_sub(before) / WEIGHED);
        let first = instances.iter().flatten().next();
        let memory = first.map_or(0, |instance| instance.store.data().limiter.memory);
        Ok(Weight { resident, memory })
    }

    /// A new instance that was called once. `None`: the call broke it.
    async fn called(
        &self,
        exchange: impl Fn() -> Exchange,
    ) -> Result<Option<Box<Instance>>, wasmtime::Error> {
        let policy = self.policy();
        let Some(place) = policy.pool().room() else { return Ok(None) };
        let made = policy.create(place).await;
        let instance = made.map_err(|error| wasmtime::format_err!("{error:?}"))?;
        policy.pool().give(instance, Instant::now());
        if policy.has(HookInterface::Request) {
            // What it decides is not the question here.
            let _ = request::on_request(&self.link, &mut exchange()).await;
        }
        Ok(match policy.pool().try_enter() {
            Some(Entry::Idle(instance)) => Some(instance),
            Some(Entry::Room(_)) | None => None,
        })
    }
}

/// Octets of this process that are in memory, its share of what it shares with others included.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
