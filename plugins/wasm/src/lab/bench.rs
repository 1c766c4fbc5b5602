//! How fast a policy is on this machine.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use adit_chain::{Body, Conn, Exchange, OnError};
use bytes::Bytes;
use http::Request;
use wasmtime::component::Component;

use super::{Lab, rig};
use crate::{
    handler::Link, hook::HookInterface, instance::Instance, plugin::Instances, pool::Entry,
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
    /// Octets that an instance takes once it was called, as the system counts them: pages that
    /// instances share count in part. `None`: it does not say.
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
        let (resident, memory) = weigh(&self.link, from, request).await?;
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
async fn weigh(
    link: &Arc<Link>,
    from: SocketAddr,
    request: &Request<Bytes>,
) -> Result<(Option<usize>, usize), wasmtime::Error> {
    let conn = rig::conn(from, true);
    // What the first one has the process load is nobody's weight.
    let mut instances = vec![called(link, &conn, request).await?];
    let before = resident();
    for _ in 0..WEIGHED {
        instances.push(called(link, &conn, request).await?);
    }
    let after = resident();
    let weight = after.zip(before).map(|(after, before)| after.saturating_sub(before) / WEIGHED);
    let memory = instances.iter().flatten().next();
    let memory = memory.map_or(0, |instance| instance.store.data().limiter.memory);
    drop(instances);
    Ok((weight, memory))
}

/// A new instance that was called once. `None`: the call broke it.
async fn called(
    link: &Arc<Link>,
    conn: &Arc<Conn>,
    request: &Request<Bytes>,
) -> Result<Option<Box<Instance>>, wasmtime::Error> {
    let policy = &*link.policy;
    let Some(place) = policy.pool().room() else { return Ok(None) };
    let made = policy.create(place).await;
    let instance = made.map_err(|error| wasmtime::format_err!("{error:?}"))?;
    policy.pool().give(instance, Instant::now());
    if policy.has(HookInterface::Request) {
        let mut exchange = Exchange::new(Arc::clone(conn), request.clone().map(Body::from));
        // What it decides is not the question here.
        let _ = request::on_request(link, &mut exchange).await;
    }
    Ok(match policy.pool().try_enter() {
        Some(Entry::Idle(instance)) => Some(instance),
        Some(Entry::Room(_)) | None => None,
    })
}

/// Octets of this process that are in memory, its share of what it shares with others included.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
