//! Endpoints that change while they are served.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use adit_agent::EndpointSpec;
use adit_tests::{Upstream, World};
use serde_json::json;
use tokio::task::JoinSet;

const N_UPDATES: usize = 1000;

fn spec(upstream: &Upstream, n: usize) -> EndpointSpec {
    let add = format!("x-n: {n}");
    EndpointSpec::http(&upstream.http_url()).handler("response-headers", json!({"add": [add]}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_updates_under_load_lose_no_request() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().in_memory().agent(spec(&upstream, 0)).up().await;
    let over = Arc::new(AtomicBool::new(false));
    let mut visitors = JoinSet::new();
    for i in 0..4 {
        let (visitor, over) = (world.visitor(), Arc::clone(&over));
        visitors.spawn(async move {
            // Half of them on a connection that stays open, the others on fresh ones.
            let mut kept = if i % 2 == 0 { Some(visitor.http1().await) } else { None };
            let (mut n_asked, mut last) = (0, 0);
            while !over.load(Relaxed) {
                let reply = match &mut kept {
                    Some(requests) => visitor.get("/").on(requests).await,
                    None => visitor.get("/").await,
                };
                assert_eq!((reply.status().as_u16(), reply.text()), (200, "hello".into()));
                let n: usize = reply.header("x-n").parse().unwrap();
                assert!(n >= last, "{n} after {last}");
                (n_asked, last) = (n_asked + 1, n);
            }
            n_asked
        });
    }
    for n in 1..=N_UPDATES {
        world.endpoint(0).update(spec(&upstream, n)).await.unwrap();
    }
    assert_eq!(world.get("/").await.header("x-n"), N_UPDATES.to_string());
    over.store(true, Relaxed);
    let n_asked: u64 = visitors.join_all().await.into_iter().sum();
    assert_eq!(world.endpoint(0).route().metrics.exchanges(), n_asked + 1);
    assert_eq!(upstream.hits() as u64, n_asked + 1);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn an_update_that_makes_no_sense_changes_nothing() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().agent(spec(&upstream, 7)).up().await;
    let bad = EndpointSpec::http(&upstream.http_url()).handler("ip-restriction", json!(3));
    let text = world.endpoint(0).update(bad).await.unwrap_err().to_string();
    assert!(text.contains("handler \"ip-restriction\""), "{text}");
    let moved = spec(&upstream, 8).url("https://elsewhere.example");
    let text = world.endpoint(0).update(moved).await.unwrap_err().to_string();
    assert!(text.contains("cannot change while it is served"), "{text}");
    assert_eq!(world.get("/").await.header("x-n"), "7");
    world.down().await.assert_clean();
}
