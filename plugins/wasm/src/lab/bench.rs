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

use super::{Lab, Weight, rig};
use crate::{handler::Link, hook::HookInterface, plugin::Instances, request, time::thread_cpu};

/// Calls between two looks at the clock.
const BATCH: u32 = 100;

/// How fast a policy is on this machine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Bench {
    /// A request's side on instances that are used again.
    pub reused: Rate,
    /// A request's side on a new instance each time, which is configured first.
    pub fresh: Rate,
    /// See [`Weight::resident`].
    pub resident: Option<usize>,
    /// See [`Weight::memory`].
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
        let conn = rig::conn(from, true);
        let exchange = || Exchange::new(Arc::clone(&conn), request.clone().map(Body::from));
        let Weight { resident, memory } = self.weigh(exchange).await?;
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
