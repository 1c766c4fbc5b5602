//! Time: guests are stopped, and nobody else waits for them.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

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

/// CPU time that a guest used which spins until it is stopped, and how long another task of the
/// same thread was kept waiting meanwhile at the most.
async fn spin_once(lab: &Lab) -> (Duration, Duration) {
    let longest = Cell::new(Duration::ZERO);
    let others = async {
        loop {
            let began = Instant::now();
            tokio::task::yield_now().await;
            longest.set(longest.get().max(began.elapsed()));
        }
    };
    tokio::select! {
        biased;
        told = lab.request(ask("/")) => {
            assert_eq!(told.faults[0].kind, FaultKind::Cpu);
            (told.cpu, longest.get())
        }
        () = others => unreachable!("it never ends"),
    }
}

/// A busy machine may take the thread, or the ticker, away at any moment: then a round says nothing.
/// So the best of many rounds counts.
#[tokio::test]
async fn a_guest_that_spins_is_stopped_in_time_and_others_hardly_wait() {
    let rig = Rig::new();
    let mut rounds = Vec::new();
    for n in 0..100 {
        // Another policy each time, which no breaker leaves alone.
        let lab = Lab::new(&rig.host, rig.spec(&spins()), &json!({ "n": n })).unwrap();
        let (cpu, wait) = spin_once(&lab).await;
        let budget = Duration::from_millis(9)..Duration::from_millis(15);
        if budget.contains(&cpu) && wait <= Duration::from_millis(3) {
            return;
        }
        rounds.push((cpu, wait));
    }
    panic!("never in time: {rounds:?}");
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
