//! Policies that break: what is told, and that the next exchange finds a policy that works.

use adit_chain::OnError;
use adit_wasm::{FaultKind, Hook, lab::Verdict};
use serde_json::json;

use crate::{
    guest::{FIRST, Guest, case_reply, data},
    lab::{ask, lab},
    rig::{Rig, chain, get, request},
};

/// Breaks on requests with a query, works on others: the target's length tells.
fn breaks(body: &str) -> Guest {
    Guest::new().import("http", "[method]request.target", "$target (param i32 i32)").on_request(
        &format!(
            "(call $target (local.get $req) (i32.const 8192)) \
             (if (i32.gt_u (i32.load (i32.const 8196)) (i32.const 2)) (then {body})) {FIRST}"
        ),
    )
}

/// What is told of a fault, and that the policy works afterwards.
async fn fault(guest: &Guest) -> (FaultKind, String) {
    let rig = Rig::new();
    let lab = lab(&rig, rig.spec(guest), &json!({})).unwrap();
    let told = lab.request(ask("/a?b")).await;
    assert_eq!(told.verdict, Verdict::Fault);
    assert_eq!(told.response.unwrap().status(), 500);
    let [fault] = &told.faults[..] else { panic!("{:?}", told.faults) };
    assert_eq!(fault.hook, Hook::Request);
    for _ in 0..3 {
        assert_eq!(lab.request(ask("/")).await.verdict, Verdict::Next);
    }
    (fault.kind, fault.message.clone())
}

#[tokio::test]
async fn a_trap_costs_its_own_exchange() {
    let (kind, message) = fault(&breaks("unreachable")).await;
    assert_eq!(kind, FaultKind::Trap);
    let expected = "reached `unreachable` (a panic without the SDK's hook, or no memory left)";
    assert_eq!(message, expected);
}

#[tokio::test]
async fn a_panic_is_told_with_its_text_and_place() {
    let guest = breaks(
        "(call $panicked (i32.const 0) (i32.const 5) (i32.const 8) (i32.const 8)) unreachable",
    )
    .import("agent", "panicked", "$panicked (param i32 i32 i32 i32)")
    .with(&data(0, "boom!"))
    .with(&data(8, "lib.rs:7"));
    assert_eq!(fault(&guest).await, (FaultKind::Trap, "panicked at lib.rs:7: boom!".to_owned()));
}

#[tokio::test]
async fn recursion_without_end_is_told_as_such() {
    let guest = breaks("(drop (call $deep (i32.const 0)))").with(
        "(func $deep (param i32) (result i32) \
         (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))",
    );
    let message = "the stack overflowed (recursion without end?)".to_owned();
    assert_eq!(fault(&guest).await, (FaultKind::Trap, message));
}

#[tokio::test]
async fn an_access_beyond_its_memory_is_a_trap() {
    let (kind, message) = fault(&breaks("(drop (i32.load (i32.const -8)))")).await;
    assert_eq!(kind, FaultKind::Trap);
    assert!(message.starts_with("access out of bounds"), "{message}");
}

#[tokio::test]
async fn memory_that_is_refused_is_told_with_the_limit() {
    let guest =
        breaks("(if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable))");
    let (kind, message) = fault(&guest).await;
    assert_eq!(kind, FaultKind::Memory);
    assert_eq!(message, "needs more than 16MiB (66048KiB); raise `limits.memory`");
}

#[tokio::test]
async fn a_guest_that_spins_is_stopped_by_its_budget() {
    let (kind, message) = fault(&breaks("(loop $l (br $l))")).await;
    assert_eq!(kind, FaultKind::Cpu);
    assert_eq!(message, "used more than 10ms of CPU time; the limit is `limits.cpu`");
}

#[tokio::test]
async fn a_handle_that_is_not_the_calls_ends_the_guest() {
    // 1 is the connection, 2 the request.
    for handle in ["0", "1", "77", "-1"] {
        let body = format!("(call $target (i32.const {handle}) (i32.const 8192))");
        let (kind, message) = fault(&breaks(&body)).await;
        assert_eq!(kind, FaultKind::Trap);
        assert!(!message.is_empty());
    }
}

#[tokio::test]
async fn a_verdict_that_is_none_is_a_trap() {
    let (kind, _) = fault(&breaks(
        "(i32.store8 (i32.const 4096) (i32.const 9)) \
                                   (br 1 (i32.const 4096))",
    ))
    .await;
    assert_eq!(kind, FaultKind::Trap);
}

#[tokio::test]
async fn a_value_that_is_too_long_for_the_host_is_a_trap() {
    let guest = breaks(
        "(drop (memory.grow (i32.const 100))) \
         (call $write (i32.const 2) (i32.const 0) (i32.const 3000000) (i32.const 0) (i32.const 0))",
    )
    .import("log", "write", "$write (param i32 i32 i32 i32 i32)");
    let (kind, message) = fault(&guest).await;
    assert_eq!(kind, FaultKind::Trap);
    assert!(message.ends_with("raise `limits.host_call`"), "{message}");
}

#[tokio::test]
async fn a_policy_that_only_breaks_is_left_alone() {
    let rig = Rig::new();
    let guest = breaks("unreachable");
    let chain = chain(rig.plugin(rig.spec(&guest)), &json!({}), OnError::Deny).unwrap();
    for _ in 0..20 {
        assert_eq!(request(&chain, get()).await.refused(), 500);
    }
    assert!(rig.host.stats().policies[0].is_left_alone);
    // Not called: a request that would pass does not.
    let plain = || http::Request::get("/").body(adit_chain::Body::Empty).unwrap();
    assert_eq!(request(&chain, plain()).await.refused(), 500);
    // One probe is enough, once its time has come.
    tokio::time::sleep(std::time::Duration::from_millis(120)).await;
    assert!(request(&chain, plain()).await.is_next());
    assert!(!rig.host.stats().policies[0].is_left_alone);
}

#[tokio::test]
async fn a_policy_that_only_answers_nonsense_is_left_alone() {
    let rig = Rig::new();
    let guest = Guest::new().on_request(&case_reply(1, 700, 0, 0));
    let chain = chain(rig.plugin(rig.spec(&guest)), &json!({}), OnError::Deny).unwrap();
    for n in 0..20 {
        assert!(!rig.host.stats().policies[0].is_left_alone, "{n}");
        assert_eq!(request(&chain, get()).await.refused(), 500);
    }
    assert!(rig.host.stats().policies[0].is_left_alone);
}

#[tokio::test]
async fn a_hook_that_works_does_not_speak_for_one_that_breaks() {
    let rig = Rig::new();
    let guest = Guest::new().on_connection(FIRST).on_request("unreachable").on_finish("");
    let chain = chain(rig.plugin(rig.spec(&guest)), &json!({}), OnError::Deny).unwrap();
    let connect = async || {
        let mut connected = adit_chain::Connected::default();
        chain.connect(&adit_chain::conformance::conn(), &mut connected).await.is_ok()
    };
    for _ in 0..20 {
        assert!(connect().await);
        assert_eq!(request(&chain, get()).await.refused(), 500);
    }
    let status = || rig.host.stats().policies.remove(0);
    assert!(status().is_left_alone);
    let calls = |hook: &str| {
        let text = rig.host.services().metrics().render();
        let of = format!("adit_policy_faults_total{{policy=\"policy\",kind=\"{hook}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&of).map(str::to_owned))
    };
    // The hook that breaks is not called any more, and counts no fault; the other one is called.
    for _ in 0..5 {
        assert!(connect().await);
        assert_eq!(request(&chain, get()).await.refused(), 500);
    }
    assert_eq!(calls("trap").as_deref(), Some("20"));
    let text = rig.host.services().metrics().render();
    let connections = "adit_policy_calls_total{policy=\"policy\",hook=\"on-connection\"} 25";
    assert!(text.contains(connections), "{text}");
}

#[tokio::test]
async fn faults_and_calls_are_counted() {
    let rig = Rig::new();
    let chain = rig.chain(rig.spec(&breaks("unreachable")), OnError::Pass);
    request(&chain, get()).await;
    request(&chain, http::Request::get("/").body(adit_chain::Body::Empty).unwrap()).await;
    let text = rig.host.services().metrics().render();
    let fault = "adit_policy_faults_total{policy=\"policy\",kind=\"trap\"} 1";
    assert!(text.contains(fault), "{text}");
}

#[tokio::test]
async fn a_handle_that_is_not_let_go_is_a_trap() {
    let (kind, message) = fault(&breaks(&format!("{FIRST} return"))).await;
    assert_eq!(kind, FaultKind::Trap);
    assert!(message.contains("borrow"), "{message}");
}

/// The body of the request is the verdict about it.
#[tokio::test]
async fn arbitrary_verdicts_cost_only_their_own_exchange() {
    let rig = Rig::new();
    let guest = Guest::new()
        .import("http", "[method]request.await-body", "$await (param i32 i32 i32)")
        .on_request(&format!(
            "(call $await (local.get $req) (i32.const 99) (i32.const 8192)) {FIRST}"
        ))
        .on_request_body("(local.get $at)", FIRST);
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    let ask = |body: Vec<u8>| http::Request::post("/").body(body_of(body)).unwrap();
    let mut random = 0x9e37_79b9_u32;
    let mut next = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        random >> 8
    };
    for _ in 0..200 {
        let mut body = vec![0; 32];
        body[0] = (next() % 6) as u8;
        for (n, word) in body[4..].chunks_exact_mut(4).enumerate() {
            // Now and then small numbers, with which more of the verdict makes sense.
            let value = if next() % 2 == 0 { next() % 700 } else { next() << n };
            word.copy_from_slice(&value.to_le_bytes());
        }
        request(&chain, ask(body)).await;
        assert!(request(&chain, ask(vec![0; 32])).await.is_next());
    }
}

fn body_of(body: Vec<u8>) -> adit_chain::Body {
    bytes::Bytes::from(body).into()
}
