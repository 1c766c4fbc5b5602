//! Heads: verdicts, edits and what they may be.

use adit_chain::{Body, OnError, Outcome, Trace};
use http::Response;

use crate::{
    guest::{FIRST, Guest, case_reply, case_text, data},
    rig::{Rig, Run, get, request},
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

/// Changes everything that a call can change, and then does `end`.
fn changes_everything(end: &str) -> Guest {
    let with_text = "(param i32 i32 i32 i32)";
    let set = |name: usize, value: usize| {
        format!(
            "(call $set-header (local.get $req) (i32.const {name}) (i32.const 3) \
             (i32.const {value}) (i32.const 1) (i32.const 8192))"
        )
    };
    let (one, two, three) = (set(0, 8), set(16, 8), set(24, 8));
    let call = |function: &str, at: usize, len: usize| {
        format!(
            "(call {function} (local.get $req) (i32.const {at}) (i32.const {len}) (i32.const 8192))"
        )
    };
    setter(Guest::new())
        .with(&(texts() + &data(16, "x-b") + &data(24, "x-c") + &data(32, "PUT")))
        .with(&(data(40, "/other") + &data(48, "b.example") + &data(64, "ann") + &data(72, "old")))
        .import("http", "[method]request.remove-header", &format!("$remove {with_text}"))
        .import("http", "[method]request.set-method", &format!("$method {with_text}"))
        .import("http", "[method]request.set-target", &format!("$target {with_text}"))
        .import("http", "[method]request.set-authority", &format!("$authority {with_text}"))
        .import("http", "[method]request.set-identity", &format!("$identity {with_text}"))
        .import("http", "[method]request.keep", &format!("$keep {with_text}"))
        .import("http", "[method]request.set-var", "$var (param i32 i32 i32 i32 i32 i32)")
        .on_request(&format!(
            "{one} {two} {three} {} {} {} {} {} {} (call $var (local.get $req) (i32.const 64) \
             (i32.const 3) (i32.const 72) (i32.const 3) (i32.const 8192)) {end}",
            call("$remove", 72, 3),
            call("$method", 32, 3),
            call("$target", 40, 6),
            call("$authority", 48, 9),
            call("$identity", 64, 3),
            call("$keep", 64, 3),
        ))
}

#[tokio::test]
async fn a_call_takes_effect_as_a_whole_or_not_at_all() {
    let head = |run: &Run| {
        let request = &run.exchange.request;
        let lines: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        let who = run.exchange.identity.as_ref().map(|identity| identity.subject.clone());
        let line = format!("{} {}", request.method(), request.uri());
        (line, lines.join(", "), who, run.exchange.vars.len())
    };
    let ask = || {
        let request = http::Request::get("/a?b").header("host", "app.example");
        request.header("old", "1").header("x-b", "2").header("old", "3").body("".into()).unwrap()
    };
    let rig = Rig::new();
    let chain = rig.chain(rig.spec(&changes_everything("unreachable")), OnError::Pass);
    let (line, lines) = ("GET /a?b".to_owned(), "host: app.example, old: 1, old: 3, x-b: 2");
    for _ in 0..3 {
        let run = request(&chain, ask()).await;
        assert!(run.is_next());
        assert_eq!(head(&run), (line.clone(), lines.to_owned(), None, 0));
    }
    let chain = rig.chain(rig.spec(&changes_everything(FIRST)), OnError::Pass);
    let (line, who, vars) = ("PUT /other".to_owned(), Some("ann".to_owned()), 1);
    let run = request(&chain, ask()).await;
    let (its_line, mut its_lines, its_who, its_vars) = head(&run);
    assert_eq!((its_line, its_who, its_vars), (line, who, vars));
    for gone in ["host: b.example", "x-a: 1", "x-b: 1", "x-c: 1"] {
        assert!(its_lines.contains(gone), "{its_lines} lacks {gone}");
        its_lines = its_lines.replace(gone, "");
    }
    assert!(!its_lines.contains("old"), "{its_lines}");
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

#[tokio::test]
async fn what_a_policy_did_to_the_response_is_noted_for_whoever_watches() {
    let rig = Rig::new();
    let with_text = "$set-header (param i32 i32 i32 i32 i32 i32)";
    let set = "(call $set-header (local.get $resp) (i32.const 0) (i32.const 3) (i32.const 8) \
               (i32.const 1) (i32.const 8192))";
    let noted = async |end: &str, on_error| {
        let guest = Guest::new()
            .import("http", "[method]response.set-header", with_text)
            .with(&texts())
            .on_request(FIRST)
            .on_response(&format!("{set} {end}"));
        let chain = rig.chain(rig.spec(&guest), on_error);
        let mut run = request(&chain, get()).await;
        let mut trace = Trace::recording();
        let (id, response) = (run.exchange.id, Response::new(Body::Empty));
        let response = run.unwind.run_traced(id, response, &mut trace).await.unwrap();
        assert_eq!(trace.entries().len(), 1);
        (response.headers().contains_key("x-a"), trace.entries()[0].note.clone())
    };
    assert_eq!(noted(FIRST, OnError::Deny).await, (true, "x-a: 1".to_owned()));
    let (has_edit, note) = noted("unreachable", OnError::Pass).await;
    assert!(!has_edit && note.starts_with("trap: "), "{note}");
}
