//! Instances: how many, for how long, and whose.

use std::{sync::Arc, time::Duration};

use adit_chain::OnError;
use adit_wasm::Instances;
use serde_json::json;

use crate::{
    guest::{FIRST, Guest},
    rig::{Rig, chain, get, request},
};

/// Traps when the instance has served before.
fn only_once() -> Guest {
    Guest::new().with("(global $n (mut i32) (i32.const 0))").on_request(&format!(
        "(if (global.get $n) (then unreachable)) (global.set $n (i32.const 1)) {FIRST}"
    ))
}

#[tokio::test]
async fn instances_are_used_again_unless_the_file_says_fresh() {
    let rig = Rig::new();
    let mut spec = rig.spec(&only_once());
    let chain = rig.chain(spec.clone(), OnError::Deny);
    assert!(request(&chain, get()).await.is_next());
    assert_eq!(request(&chain, get()).await.refused(), 500);
    spec.instances = Instances::Fresh;
    let chain = rig.chain(spec, OnError::Deny);
    for _ in 0..3 {
        assert!(request(&chain, get()).await.is_next());
    }
    assert_eq!(rig.host.stats().policies.iter().map(|policy| policy.idle).sum::<usize>(), 0);
}

#[tokio::test]
async fn an_instance_is_replaced_after_its_phases() {
    let rig = Rig::new();
    let mut spec = rig.spec(&only_once());
    spec.limits.recycle_after = 1;
    let chain = rig.chain(spec, OnError::Deny);
    for _ in 0..3 {
        assert!(request(&chain, get()).await.is_next());
    }
}

#[tokio::test]
async fn an_instance_that_grew_is_replaced() {
    let rig = Rig::new();
    let guest = Guest::new().on_request(&format!(
        "(if (i32.gt_u (memory.size) (i32.const 32)) (then unreachable)) \
         (drop (memory.grow (i32.const 128))) {FIRST}"
    ));
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    for _ in 0..3 {
        assert!(request(&chain, get()).await.is_next());
    }
}

/// Takes several ticks, and yields at each to whoever waits.
fn slow() -> Guest {
    Guest::new().with("(global $i (mut i32) (i32.const 0))").on_request(&format!(
        "(global.set $i (i32.const 0)) \
         (loop $l (global.set $i (i32.add (global.get $i) (i32.const 1))) \
         (br_if $l (i32.lt_u (global.get $i) (i32.const 10000000)))) {FIRST}"
    ))
}

#[tokio::test]
async fn beyond_its_instances_a_policy_makes_callers_wait_and_then_says_it_is_overloaded() {
    let rig = Rig::new();
    let mut spec = rig.spec(&Guest::new().on_data(FIRST).on_request(FIRST));
    spec.limits.max_instances = 1;
    spec.limits.queue_wait = Duration::from_millis(20);
    let chain = rig.chain(spec, OnError::Deny);
    // A raw connection holds the only instance.
    let (mut visitor, inner) = tokio::io::duplex(64);
    let mut connected = adit_chain::Connected::default();
    chain.connect(&adit_chain::conformance::conn(), &mut connected).await.unwrap();
    let mut relay = connected.wrap(Box::new(inner));
    tokio::io::AsyncWriteExt::write_all(&mut visitor, b"x").await.unwrap();
    tokio::io::AsyncReadExt::read_u8(&mut relay).await.unwrap();
    assert_eq!(request(&chain, get()).await.refused(), 503);
    let text = rig.host.services().metrics().render();
    assert!(text.contains("kind=\"overloaded\"} 1"), "{text}");
    // It is gone: there is room again.
    drop(relay);
    assert!(request(&chain, get()).await.is_next());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_who_wait_are_served_in_time() {
    let rig = Rig::new();
    let mut spec = rig.spec(&slow());
    spec.limits.max_instances = 2;
    spec.limits.cpu = Duration::from_secs(1);
    spec.limits.wall = Duration::from_secs(20);
    spec.limits.queue_wait = Duration::from_secs(5);
    let chain = Arc::new(rig.chain(spec, OnError::Deny));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let chain = Arc::clone(&chain);
        tasks.spawn(async move { request(&chain, get()).await.is_next() });
    }
    while let Some(result) = tasks.join_next().await {
        assert!(result.unwrap());
    }
    assert!(rig.host.stats().policies[0].instances <= 2);
}

#[tokio::test]
async fn the_same_policy_has_one_pool_and_another_has_its_own() {
    let rig = Rig::new();
    let spec = rig.spec(&Guest::new().on_request(FIRST));
    let one = chain(rig.plugin(spec.clone()), &json!({ "a": 1 }), OnError::Deny).unwrap();
    let same = chain(rig.plugin(spec.clone()), &json!({ "a": 1 }), OnError::Pass).unwrap();
    assert_eq!((rig.host.stats().policies.len(), rig.host.stats().instances), (1, 1));
    let other = chain(rig.plugin(spec.clone()), &json!({ "a": 2 }), OnError::Deny).unwrap();
    let mut slower = spec;
    slower.limits.cpu = Duration::from_millis(11);
    let slower = chain(rig.plugin(slower), &json!({ "a": 1 }), OnError::Deny).unwrap();
    assert_eq!((rig.host.stats().policies.len(), rig.host.stats().instances), (3, 3));
    drop((one, same, other, slower));
    assert_eq!((rig.host.stats().policies.len(), rig.host.stats().instances), (0, 0));
}

#[tokio::test]
async fn nothing_is_left_of_a_policy_that_was_replaced() {
    let rig = Rig::with(|options| options.warm = 3);
    let spec = rig.spec(&Guest::new().on_request(FIRST));
    let plugin = rig.plugin(spec);
    for n in 0..50 {
        let chain = chain(Arc::clone(&plugin), &json!({ "n": n }), OnError::Deny).unwrap();
        assert_eq!(rig.host.stats().instances, 3);
        assert!(request(&chain, get()).await.is_next());
    }
    assert_eq!(rig.host.stats().instances, 0);
}

#[tokio::test]
async fn a_call_that_is_dropped_takes_its_instance_along() {
    let rig = Rig::new();
    let mut spec = rig.spec(&Guest::new().on_request("(loop $l (br $l)) (i32.const 0)"));
    spec.limits.cpu = Duration::from_secs(1);
    let chain = rig.chain(spec, OnError::Deny);
    {
        let mut call = std::pin::pin!(request(&chain, get()));
        // Polled until it has yielded once: it is inside the guest.
        std::future::poll_fn(|cx| {
            let _ = call.as_mut().poll(cx);
            std::task::Poll::Ready(())
        })
        .await;
        assert_eq!(rig.host.stats().policies[0].idle, 0);
    }
    assert_eq!(rig.host.stats().instances, 0);
}
