//! How fast a policy is on this machine.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use adit_chain::{Body, Exchange, OnError};
use bytes::Bytes;
use http::Request;
use wasmtime::component::Component;

use super::{Lab, rig};
use crate::{
    handler::Link, hook::HookInterface, instance::Instance, plugin::Instances, policy::Policy,
    request, time::thread_cpu,
};

/// Calls between two looks at the clock.
const BATCH: u32 = 100;
/// Instances that are made to weigh one.
const WEIGHED: usize = 32;

/// How fast a policy is on this machine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Bench {
    /// A request's side on instances that are used again.
    pub reused: Rate,
    /// A request's side on a new instance each time, which is configured first.
    pub fresh: Rate,
    /// Octets that an instance takes, as the system counts them. `None`: it does not say.
    pub resident: Option<usize>,
    /// Octets of an instance's linear memory, used or not.
    pub memory: usize,
    /// Compiling the component, on all cores.
    pub compile: Duration,
    /// Octets of the component.
    pub size: usize,
    /// Octets of its machine code.
    pub code: usize,
}

/// How fast one thing goes.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Rate {
    /// CPU time of one call: of the fastest batch, which was disturbed least.
    pub best: Duration,
    /// CPU time of one call, in the middle of all batches.
    pub median: Duration,
    /// Calls that were made.
    pub calls: u64,
}

impl Lab {
    /// Measures the policy with this request, for about so long for each number.
    ///
    /// # Errors
    /// The component cannot be compiled again, or no instance can be made.
    pub async fn bench(
        &self,
        from: SocketAddr,
        request: &Request<Bytes>,
        time: Duration,
    ) -> Result<Bench, wasmtime::Error> {
        let policy = self.policy();
        let bytes = std::fs::read(self.factory.wasm())?;
        let engine = &policy.machine().engine;
        let began = Instant::now();
        let component = Component::from_binary(engine, &bytes)?;
        let compile = began.elapsed();
        let range = component.image_range();
        let code = (range.end as usize).saturating_sub(range.start as usize);
        drop(component);
        let fresh = Arc::new(policy.alike(Instances::Fresh));
        let fresh = Arc::new(Link::new(fresh, OnError::Deny));
        let (resident, memory) = weigh(policy).await?;
        Ok(Bench {
            reused: rate(&self.link, from, request, time).await,
            fresh: rate(&fresh, from, request, time).await,
            resident,
            memory,
            compile,
            size: bytes.len(),
            code,
        })
    }
}

async fn rate(
    link: &Arc<Link>,
    from: SocketAddr,
    request: &Request<Bytes>,
    time: Duration,
) -> Rate {
    let conn = rig::conn(from, true);
    let (began, mut batches, mut calls) = (Instant::now(), Vec::new(), 0_u64);
    if !link.policy.has(HookInterface::Request) {
        return Rate::default();
    }
    while began.elapsed() < time || batches.is_empty() {
        let mut exchanges: Vec<_> = (0..BATCH)
            .map(|_| Exchange::new(Arc::clone(&conn), request.clone().map(Body::from)))
            .collect();
        let before = thread_cpu();
        for exchange in &mut exchanges {
            // What it decides is not the question here.
            let _ = request::on_request(link, exchange).await;
        }
        batches.push(thread_cpu().saturating_sub(before) / u64::from(BATCH));
        calls += u64::from(BATCH);
        tokio::task::yield_now().await;
    }
    batches.sort_unstable();
    let best = Duration::from_nanos(batches.first().copied().unwrap_or(0));
    let median = Duration::from_nanos(batches.get(batches.len() / 2).copied().unwrap_or(0));
    Rate { best, median, calls }
}

/// Octets that an instance takes, and octets of its linear memory.
async fn weigh(policy: &Policy) -> Result<(Option<usize>, usize), wasmtime::Error> {
    let before = resident();
    let mut instances: Vec<Box<Instance>> = Vec::new();
    for _ in 0..WEIGHED {
        let Some(place) = policy.pool().room() else { break };
        let made = policy.create(place).await;
        instances.push(made.map_err(|error| wasmtime::format_err!("{error:?}"))?);
    }
    let after = resident();
    let n = instances.len().max(1);
    let memory = instances.first().map_or(0, |instance| instance.store.data().limiter.memory);
    let weight = after.zip(before).map(|(after, before)| after.saturating_sub(before) / n);
    Ok((weight, memory))
}

/// Octets of this process that are in memory.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
