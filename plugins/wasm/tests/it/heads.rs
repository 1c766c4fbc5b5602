//! Heads: verdicts, edits and what they may be.

use adit_chain::{OnError, Outcome};
use http::Response;

use crate::{
    guest::{FIRST, Guest, case_reply, case_text, data},
    rig::{Rig, get, request},
};

/// `request.set-header`: self, name, value, where the answer goes.
fn setter(guest: Guest) -> Guest {
    guest.import(
        "http",
        "[method]request.set-header",
        "$set-header (param i32 i32 i32 i32 i32 i32)",
    )
}

/// Sets `x-a` to `1`, and leaves whether that was refused at 8192.
const SET: &str = "(call $set-header (local.get $req) (i32.const 0) (i32.const 3) (i32.const 8) \
                   (i32.const 1) (i32.const 8192))";

fn texts() -> String {
    data(0, "x-a") + &data(8, "1")
}

#[tokio::test]
async fn a_policy_edits_the_head_and_lets_it_pass() {
    let rig = Rig::new();
    let guest = setter(Guest::new()).with(&texts()).on_request(&format!("{SET} {FIRST}"));
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    let run = request(&chain, get()).await;
    assert!(run.is_next());
    assert_eq!(run.header("x-a"), Some("1"));
    assert_eq!(run.exchange.request.uri(), "/a?b");
}

#[tokio::test]
async fn edits_of_a_call_that_traps_are_forgotten() {
    let rig = Rig::new();
    let guest = setter(Guest::new()).with(&texts()).on_request(&format!("{SET} unreachable"));
    let chain = rig.chain(rig.spec(&guest), OnError::Pass);
    for _ in 0..3 {
        let run = request(&chain, get()).await;
        assert!(run.is_next());
        assert_eq!(run.header("x-a"), None);
        assert_eq!(run.header("host"), Some("app.example"));
    }
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    assert_eq!(request(&chain, get()).await.refused(), 500);
}

#[tokio::test]
async fn a_policy_answers_by_itself() {
    let rig = Rig::new();
    let guest = Guest::new().with(&data(0, "slow down")).on_request(&case_reply(1, 429, 0, 9));
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    let Outcome::Respond(response) = request(&chain, get()).await.outcome else { panic!() };
    assert_eq!(response.status(), 429);
    assert_eq!(response.into_body().into_whole(99).await.unwrap(), "slow down");
}

#[tokio::test]
async fn a_reply_that_breaks_the_rules_is_a_fault() {
    let rig = Rig::new();
    let guest = Guest::new().on_request(&case_reply(1, 700, 0, 0));
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    assert_eq!(request(&chain, get()).await.refused(), 500);
    let chain = rig.chain(rig.spec(&guest), OnError::Pass);
    assert!(request(&chain, get()).await.is_next());
}

#[tokio::test]
async fn an_exchange_goes_elsewhere_only_where_that_is_granted() {
    let rig = Rig::new();
    let guest = Guest::new().with(&data(0, "next")).on_request(&case_text(2, 0, 4));
    let mut spec = rig.spec(&guest);
    assert_eq!(request(&rig.chain(spec.clone(), OnError::Deny), get()).await.refused(), 500);
    spec.grants.reroute.insert("next".to_owned());
    let run = request(&rig.chain(spec, OnError::Deny), get()).await;
    let Outcome::Reroute { to, .. } = run.outcome else { panic!() };
    assert_eq!(&*to.0, "next");
}

#[tokio::test]
async fn a_policy_that_breaks_off_closes_the_connection() {
    let rig = Rig::new();
    let guest = Guest::new().with(&data(0, "no")).on_request(&case_text(3, 0, 2));
    let run = request(&rig.chain(rig.spec(&guest), OnError::Deny), get()).await;
    let Outcome::Abort(refusal) = run.outcome else { panic!() };
    assert!(refusal.close);
}

#[tokio::test]
async fn the_response_passes_a_policy_whose_request_side_ran() {
    let rig = Rig::new();
    let guest = Guest::new()
        .import("http", "[method]response.set-status", "$set-status (param i32 i32 i32)")
        .on_response(&format!(
            "(call $set-status (local.get $resp) (i32.const 418) (i32.const 8192)) {FIRST}"
        ));
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    let mut run = request(&chain, get()).await;
    assert!(run.is_next());
    let response = run.answer(Response::new("hello".into())).await.unwrap();
    assert_eq!(response.status(), 418);
    assert_eq!(response.into_body().into_whole(9).await.unwrap(), "hello");
}
