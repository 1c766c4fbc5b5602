//! `long_path_tcp_single`: bytes per second of one TCP stream between our own agent and edge over
//! a path with a round trip of 100 ms, and how that compares with a fixed window of 256 KiB, which
//! gives 256 KiB per round trip whatever the network could do.
//!
//! ```text
//! visitor - edge ==== 50 ms each way, no limit on what is under way ==== agent - service
//! ```
//!
//! Without `--bench`, as under `cargo test`, a short run that only shows that it works.

#![allow(clippy::print_stdout, reason = "its output is what a benchmark is for")]

use std::time::{Duration, Instant};

use adit_agent::EndpointSpec;
use adit_tests::{Upstream, World, service, soon};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    runtime,
};

const ONE_WAY: Duration = Duration::from_millis(50);

/// Fact: the initial window of every published client, and the whole window of some.
const FIXED_WINDOW: f64 = 262_144.0;

const GOAL: f64 = 20.0;

const MIB: usize = 1024 * 1024;

fn main() {
    let is_bench = std::env::args().any(|arg| arg == "--bench")
        && !std::env::args().any(|arg| arg == "--test");
    let (size, n_runs) = if is_bench { (512 * MIB, 3) } else { (8 * MIB, 1) };
    let runtime = runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("the system has threads").block_on(async {
        for _ in 0..n_runs {
            report("download", size, Box::pin(download(size)).await);
            report("upload", size, Box::pin(upload(size)).await);
        }
    });
}

fn report(name: &str, size: usize, took: Duration) {
    let rate = size as f64 / took.as_secs_f64();
    let fixed = FIXED_WINDOW / (2 * ONE_WAY).as_secs_f64();
    let ratio = rate / fixed;
    println!(
        "long_path_tcp_single_{name}: {} MiB in {took:.2?}: {:.1} MB/s, {ratio:.1} times a fixed \
         window (goal {GOAL})",
        size / MIB,
        rate / 1e6,
    );
}

/// From the service to the visitor.
async fn download(size: usize) -> Duration {
    let upstream = Upstream::serve(service::sends(size)).await;
    let world = world(&upstream).await;
    let mut socket = world.visitor().connect().await;
    let start = Instant::now();
    assert_eq!(drain(&mut socket).await, size);
    let took = start.elapsed();
    drop(socket);
    world.down().await.assert_no_task_left();
    took
}

/// From the visitor to the service, until the service says that it has all.
async fn upload(size: usize) -> Duration {
    let upstream = Upstream::counts_to_the_end().await;
    let world = world(&upstream).await;
    let mut socket = world.visitor().connect().await;
    let start = Instant::now();
    let chunk = vec![0; 256 * 1024];
    for _ in 0..size / chunk.len() {
        soon("room", socket.write_all(&chunk)).await.expect("the service takes it");
    }
    socket.shutdown().await.expect("the service listens");
    let mut count = String::new();
    soon("the count", socket.read_to_string(&mut count)).await.expect("the service answers");
    assert_eq!(count, size.to_string());
    let took = start.elapsed();
    drop(socket);
    world.down().await.assert_no_task_left();
    took
}

async fn world(upstream: &Upstream) -> World {
    World::new().path(ONE_WAY).agent(EndpointSpec::tcp(&upstream.tcp_url())).up().await
}

async fn drain(socket: &mut (impl AsyncRead + Unpin)) -> usize {
    let (mut buffer, mut total) = (vec![0; 256 * 1024], 0);
    loop {
        match soon("more", socket.read(&mut buffer)).await.expect("the service sends all") {
            0 => return total,
            n => total += n,
        }
    }
}
