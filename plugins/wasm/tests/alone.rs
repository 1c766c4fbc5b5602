//! What needs a process of its own: the engine belongs to the process, and so does its clock.
//!
//! Each test runs this binary again, with itself as the only test.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "it/guest.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod guest;
#[path = "it/rig.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod rig;

use std::{
    process::{Command, Output},
    time::Duration,
};

use adit_chain::OnError;
use adit_wasm::Allocation;
use serde_json::json;

use crate::{
    guest::{FIRST, Guest},
    rig::{Rig, chain, get, request},
};

const INNER: &str = "ADIT_TEST_INNER";

/// Runs one test of this binary in a shell that sets limits first.
fn inner(test: &str, limits: &str) -> Output {
    let binary = std::env::current_exe().unwrap();
    let script = format!("{limits} exec \"$0\" --exact {test} --nocapture --test-threads 1");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(binary).env(INNER, "1").output().unwrap()
}

fn is_inner() -> bool {
    std::env::var_os(INNER).is_some()
}

fn assert_passed(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("1 passed"), "{text}");
}

/// Which engine there is with so many KiB of address space; a policy works on it.
async fn works() -> Allocation {
    let rig = Rig::with(|options| options.pool = 1_024);
    let chain = rig.chain(rig.spec(&Guest::new().on_request(FIRST)), OnError::Deny);
    assert!(request(&chain, get()).await.is_next());
    rig.host.stats().engine.unwrap().allocation
}

#[tokio::test]
async fn with_all_the_room_the_pool_is_large() {
    if !is_inner() {
        return assert_passed(&inner("with_all_the_room_the_pool_is_large", ""));
    }
    let expected = Allocation::Pool { instances: 1_024, reservation: 4 << 30 };
    assert_eq!(works().await, expected);
}

#[tokio::test]
async fn with_little_room_the_pool_is_small() {
    if !is_inner() {
        let limits = "ulimit -v 67108864;"; // 64 GiB
        return assert_passed(&inner("with_little_room_the_pool_is_small", limits));
    }
    let expected = Allocation::Pool { instances: 256, reservation: 64 << 20 };
    assert_eq!(works().await, expected);
}

#[tokio::test]
async fn with_hardly_any_room_there_is_no_pool() {
    if !is_inner() {
        let limits = "ulimit -v 4194304;"; // 4 GiB
        return assert_passed(&inner("with_hardly_any_room_there_is_no_pool", limits));
    }
    assert_eq!(works().await, Allocation::OnDemand);
}

#[tokio::test]
async fn all_policies_together_have_so_many_instances() {
    if !is_inner() {
        return assert_passed(&inner("all_policies_together_have_so_many_instances", ""));
    }
    let rig = Rig::with(|options| (options.pool, options.warm) = (3, 2));
    let spec = rig.spec(&Guest::new().on_data(FIRST).on_request(FIRST));
    let of = |n: u32| chain(rig.plugin(spec.clone()), &json!({ "n": n }), OnError::Deny).unwrap();
    // The other one finds room for one more only, and begins with that.
    let (one, other) = (of(1), of(2));
    assert_eq!(rig.host.stats().instances, 3);
    // Raw connections hold both instances of one.
    let mut held = Vec::new();
    for _ in 0..2 {
        let (mut visitor, inner) = tokio::io::duplex(64);
        let mut connected = adit_chain::Connected::default();
        one.connect(&adit_chain::conformance::conn(), &mut connected).await.unwrap();
        let mut relay = connected.wrap(Box::new(inner));
        tokio::io::AsyncWriteExt::write_all(&mut visitor, b"x").await.unwrap();
        tokio::io::AsyncReadExt::read_u8(&mut relay).await.unwrap();
        held.push((visitor, relay));
    }
    assert_eq!(request(&one, get()).await.refused(), 503);
    assert!(request(&other, get()).await.is_next(), "who has one is not concerned");
    let text = rig.host.services().metrics().render();
    assert!(text.contains("kind=\"overloaded\"} 1"), "{text}");
    drop(held);
    assert!(request(&one, get()).await.is_next());
}

#[tokio::test]
async fn an_idle_agent_makes_no_ticks() {
    if !is_inner() {
        return assert_passed(&inner("an_idle_agent_makes_no_ticks", ""));
    }
    let rig = Rig::new();
    assert!(rig.host.stats().engine.is_none(), "no policy, no engine");
    let chain = rig.chain(rig.spec(&Guest::new().on_request(FIRST)), OnError::Deny);
    assert!(request(&chain, get()).await.is_next());
    let engine = || rig.host.stats().engine.unwrap();
    for _ in 0..5_000 {
        if engine().is_parked {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(engine().is_parked);
    let ticks = engine().ticks;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(engine().ticks, ticks);
    assert!(request(&chain, get()).await.is_next());
    assert!(!engine().is_parked);
    drop(chain);
    assert!(rig.host.stats().engine.is_none(), "the last policy takes the engine along");
}
