//! Time: guests are stopped, and nobody else waits for them.

use std::time::{Duration, Instant};

use adit_chain::OnError;
use adit_wasm::{FaultKind, lab::Lab};
use serde_json::json;

use crate::{
    guest::{FIRST, Guest},
    lab::ask,
    rig::{Rig, get, request},
};

fn spins() -> Guest {
    Guest::new().on_request("(loop $l (br $l)) (i32.const 0)")
}

/// One thread: while the guest spins, another task counts how long it is kept waiting.
#[tokio::test]
async fn a_guest_that_spins_is_stopped_and_others_run_meanwhile() {
    let rig = Rig::new();
    let mut spec = rig.spec(&spins());
    spec.limits.cpu = Duration::from_millis(50);
    let chain = rig.chain(spec, OnError::Deny);
    let counted = std::cell::Cell::new(0_u32);
    let count = async {
        loop {
            tokio::task::yield_now().await;
            counted.set(counted.get() + 1);
        }
    };
    tokio::select! {
        biased;
        run = request(&chain, get()) => assert_eq!(run.refused(), 500),
        () = count => {}
    }
    // One turn for each tick, of which a busy machine makes fewer.
    assert!(counted.get() >= 3, "{}", counted.get());
}

#[tokio::test]
async fn the_budget_is_of_cpu_time_and_not_of_the_wall() {
    let rig = Rig::new();
    let lab = Lab::new(&rig.host, rig.spec(&spins()), &json!({})).unwrap();
    let told = lab.request(ask("/")).await;
    assert_eq!(told.faults[0].kind, FaultKind::Cpu);
    let (least, most) = (Duration::from_millis(9), Duration::from_millis(30));
    assert!(least < told.cpu && told.cpu < most, "{:?}", told.cpu);
}

#[tokio::test]
async fn many_spinning_guests_leave_room_for_a_short_call() {
    let rig = Rig::new();
    let mut spec = rig.spec(&spins());
    spec.limits.cpu = Duration::from_millis(200);
    spec.limits.wall = Duration::from_secs(20);
    let spinning = rig.chain(spec, OnError::Deny);
    let short = Rig::new();
    let chain = short.chain(short.spec(&Guest::new().on_request(FIRST)), OnError::Deny);
    let began = Instant::now();
    tokio::select! {
        biased;
        _ = async { tokio::join!(request(&spinning, get()), request(&spinning, get())) } => panic!(),
        () = async {
            for _ in 0..10 {
                assert!(request(&chain, get()).await.is_next());
                tokio::task::yield_now().await;
            }
        } => {}
    }
    assert!(began.elapsed() < Duration::from_millis(400), "{:?}", began.elapsed());
}

#[tokio::test]
async fn the_wall_stops_a_guest_that_the_budget_does_not() {
    let rig = Rig::new();
    let mut spec = rig.spec(&spins());
    spec.limits.cpu = Duration::from_secs(1);
    spec.limits.wall = Duration::from_millis(30);
    let chain = rig.chain(spec, OnError::Deny);
    assert_eq!(request(&chain, get()).await.refused(), 500);
    let text = rig.host.services().metrics().render();
    assert!(text.contains("kind=\"timeout\"} 1"), "{text}");
}
