//! What policies cost end to end, and whether a bad one costs its neighbours anything.
//!
//! - `native_and_policy`: requests per second of an endpoint whose requests all pass `key-limit`,
//!   against the same endpoint with a native handler that does the same. Goal: 0.85.
//! - `neighbour_of_*`: requests per second of an endpoint beside one that is asked 100 times a
//!   second and whose policy misbehaves, against the same beside one that does nothing. Goal: 0.9,
//!   and memory that does not grow.
//! - `replaced`: a policy is replaced again and again under load. Goal: no request is lost, and
//!   memory does not grow.
//!
//! Without `--bench`, as under `cargo test`, a short run that only shows that it works.

#![allow(clippy::print_stdout, reason = "its output is what a benchmark is for")]

mod native;
mod setup;

use std::time::{Duration, Instant};

use adit_tests::{Upstream, Visitor, World};
use serde_json::json;
use tokio::{runtime, task::JoinSet, time::timeout};

use self::setup::{Plugins, guest};

/// A policy is replaced 400 times a second, beside 1,000 requests: so each meets a few requests, and
/// a thousand of them take two seconds and a half.
const REPLACED_EVERY: Duration = Duration::from_micros(2_500);

/// Visitors at a time, each on a connection that stays open.
const N_VISITORS: usize = 16;

const DEEDS: [&str; 7] = ["spin", "hoard", "recurse", "storm", "chatter", "panic", "long-body"];

struct Scale {
    n_rounds: usize,
    round: Duration,
    n_replaced: usize,
}

fn main() {
    let is_bench = std::env::args().any(|arg| arg == "--bench")
        && !std::env::args().any(|arg| arg == "--test");
    let scale = match is_bench {
        true => Scale { n_rounds: 5, round: Duration::from_secs(2), n_replaced: 1000 },
        false => Scale { n_rounds: 1, round: Duration::from_millis(100), n_replaced: 20 },
    };
    let runtime = runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("the system has threads").block_on(async {
        Box::pin(native_and_policy(&scale)).await;
        Box::pin(neighbours(&scale)).await;
        Box::pin(replaced(&scale)).await;
    });
}

async fn native_and_policy(scale: &Scale) {
    let upstream = Upstream::counting("hello").await;
    let plugins = Plugins::with("key-limit", &guest("examples/policies/key-limit"));
    let registry = plugins.registry().with([native::factory()]);
    let mut world = World::new().up().await;
    let limit = json!({"burst": 4_000_000_000_u32, "per_ms": 1000});
    let specs = ["key-limit-native", "key-limit"]
        .map(|kind| setup::spec(&upstream, kind).handler(kind, limit.clone()));
    world.join_as(world.agent().registry(registry), specs).await;
    let mut ratios = Vec::new();
    for _ in 0..scale.n_rounds {
        let native = rate(&world.visitor_to(0), scale.round).await;
        let policy = rate(&world.visitor_to(1), scale.round).await;
        println!("native_and_policy: native {native:.0}/s, policy {policy:.0}/s");
        ratios.push(policy / native);
    }
    println!("native_and_policy: median ratio {:.2} (goal 0.85)", median(ratios));
    world.down().await.assert_no_task_left();
}

async fn neighbours(scale: &Scale) {
    let file = guest("tests/guests/hostile");
    for deed in DEEDS {
        let upstream = Upstream::counting("hello").await;
        let plugins = Plugins::with("hostile", &file);
        let mut world = World::new().up().await;
        let told = |deed| json!({"deed": deed, "hook": "on_request"});
        let specs = [
            setup::spec(&upstream, "neighbour"),
            setup::spec(&upstream, "idle").handler("hostile", told("nothing")),
            setup::spec(&upstream, "hostile").handler("hostile", told(deed)),
        ];
        world.join_as(world.agent().registry(plugins.registry()), specs).await;
        let (mut ratios, before) = (Vec::new(), setup::resident());
        for _ in 0..scale.n_rounds {
            let [beside_good, beside_bad] =
                [beside(&world, 1, scale.round).await, beside(&world, 2, scale.round).await];
            ratios.push(beside_bad / beside_good);
        }
        let grown = setup::resident().saturating_sub(before) >> 10;
        let ratio = median(ratios);
        println!("neighbour_of_{deed}: median ratio {ratio:.2} (goal 0.9), {grown} KiB more");
        world.down().await.assert_no_task_left();
    }
}

/// The rate of the first endpoint while another one is asked 100 times a second.
async fn beside(world: &World, other: usize, round: Duration) -> f64 {
    let visitor = world.visitor_to(other);
    let mut bother = JoinSet::new();
    bother.spawn(async move {
        let mut every = tokio::time::interval(Duration::from_millis(10));
        let mut asked = JoinSet::new();
        loop {
            every.tick().await;
            let asks = visitor.get("/").try_send();
            asked.spawn(timeout(Duration::from_secs(5), asks));
            while asked.try_join_next().is_some() {}
        }
    });
    rate(&world.visitor_to(0), round).await
}

async fn replaced(scale: &Scale) {
    let upstream = Upstream::counting("hello").await;
    let file = guest("examples/policies/key-limit");
    let plugins = Plugins::with("key-limit", &file);
    let mut world = World::new().up().await;
    let spec = |burst: usize| {
        let limit = json!({"burst": 1_000_000 + burst, "per_ms": 1000});
        setup::spec(&upstream, "key-limit").handler("key-limit", limit)
    };
    world.join_as(world.agent().registry(plugins.registry()), [spec(0)]).await;
    let mut visitors = JoinSet::new();
    let over = tokio_util::sync::CancellationToken::new();
    for _ in 0..4 {
        let (visitor, over) = (world.visitor(), over.clone());
        visitors.spawn(async move {
            let mut requests = visitor.http1().await;
            let (mut every, mut n) = (tokio::time::interval(Duration::from_millis(4)), 0_u64);
            while !over.is_cancelled() {
                every.tick().await;
                let reply = visitor.get("/").on(&mut requests).await;
                assert_eq!(reply.status(), 200, "{}", reply.text());
                n += 1;
            }
            n
        });
    }
    let mut before = 0;
    let began = Instant::now();
    let mut every = tokio::time::interval(REPLACED_EVERY);
    for n in 1..=scale.n_replaced {
        every.tick().await;
        world.endpoint(0).update(spec(n)).await.expect("the policy takes the configuration");
        if n == scale.n_replaced / 10 {
            before = setup::resident();
        }
    }
    let took = began.elapsed();
    over.cancel();
    let n_asked: u64 = visitors.join_all().await.into_iter().sum();
    let grown = setup::resident().saturating_sub(before) >> 10;
    assert_eq!(upstream.hits() as u64, n_asked, "none is lost, none is sent twice");
    println!(
        "replaced: {} times in {took:.1?} under {:.0} requests/s, none lost, {grown} KiB more since \
         the first tenth",
        scale.n_replaced,
        n_asked as f64 / took.as_secs_f64()
    );
    world.down().await.assert_no_task_left();
}

/// Requests per second of all visitors together.
async fn rate(visitor: &Visitor, round: Duration) -> f64 {
    let mut visitors = JoinSet::new();
    for n in 0..N_VISITORS {
        let visitor = visitor.clone();
        visitors.spawn(async move {
            let mut requests = visitor.http1().await;
            let (began, key, mut n_asked) = (Instant::now(), format!("key-{n}"), 0_u64);
            while began.elapsed() < round {
                let reply = visitor.get("/").header("x-api-key", &key).on(&mut requests).await;
                assert_eq!(reply.status(), 200, "{}", reply.text());
                n_asked += 1;
            }
            n_asked as f64 / began.elapsed().as_secs_f64()
        });
    }
    visitors.join_all().await.into_iter().sum()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
