//! Bodies: gathered, watched, replaced, cut.

use adit_chain::{Body, BoxError, Chain, LinkSpec, OnError, Outcome, Registry};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::channel::Channel;
use serde_json::json;

use crate::{
    guest::{FIRST, Guest, case_reply, case_text, data},
    rig::{Rig, cx, get, post, request},
};

/// Asks for `limit` octets of the request's body.
fn awaits(limit: u32) -> Guest {
    Guest::new()
        .import("http", "[method]request.await-body", "$await (param i32 i32 i32)")
        .on_request(&format!(
            "(call $await (local.get $req) (i32.const {limit}) (i32.const 8192)) {FIRST}"
        ))
}

fn watches() -> Guest {
    Guest::new()
        .import("http", "[method]request.watch-body", "$watch (param i32 i32)")
        .on_request(&format!("(call $watch (local.get $req) (i32.const 8192)) {FIRST}"))
}

/// Answers with what came: `replace` with the same octets, or with fewer.
const ECHO: &str = "(i32.store8 (i32.const 4096) (i32.const 1)) \
                    (i32.store (i32.const 4100) (local.get $at)) \
                    (i32.store (i32.const 4104) (i32.shr_u (local.get $len) (i32.const 1))) \
                    (i32.const 4096)";

/// A body in pieces.
fn pieces(list: &[&'static str]) -> Body {
    let (mut sender, body) = Channel::<Bytes, BoxError>::new(16);
    for piece in list {
        sender.try_send(Frame::data(Bytes::from_static(piece.as_bytes()))).unwrap();
    }
    Body::boxed(body)
}

fn post_pieces(list: &[&'static str]) -> Request<Body> {
    Request::post("/").header("content-length", "6").body(pieces(list)).unwrap()
}

#[tokio::test]
async fn a_gathered_body_is_passed_on_as_it_was() {
    let rig = Rig::new();
    let chain = rig.chain(rig.spec(&awaits(100).on_request_body(FIRST, FIRST)), OnError::Deny);
    let mut run = request(&chain, post_pieces(&["ab", "cd", "ef"])).await;
    assert!(run.is_next());
    assert_eq!(run.body().await.unwrap(), "abcdef");
}

#[tokio::test]
async fn a_gathered_body_is_replaced_and_its_length_told() {
    let rig = Rig::new();
    let chain = rig.chain(rig.spec(&awaits(100).on_request_body(ECHO, FIRST)), OnError::Deny);
    let mut run = request(&chain, post("abcdef")).await;
    assert_eq!(run.header("content-length"), Some("3"));
    assert_eq!(run.body().await.unwrap(), "abc");
}

#[tokio::test]
async fn two_policies_await_one_body_and_replace_it_in_order() {
    let rig = Rig::new();
    let halves = awaits(100).on_request_body(ECHO, FIRST);
    // Traps unless it gets what the one before left.
    let checks = format!(
        "(if (i32.ne (local.get $len) (i32.const 4)) (then unreachable)) \
         (if (i32.eqz (local.get $last)) (then unreachable)) {ECHO}"
    );
    let checks = awaits(100).on_request_body(&checks, FIRST);
    let plugin = |name: &str, guest: &Guest| {
        let path = rig.dir.path().join(name);
        std::fs::write(&path, guest.build()).unwrap();
        rig.plugin(adit_wasm::PluginSpec::new(name, path))
    };
    let registry = Registry::default().with([plugin("halves", &halves), plugin("checks", &checks)]);
    let link = |kind: &str| {
        let spec = LinkSpec { kind: kind.into(), options: json!({}), on_error: OnError::Deny };
        registry.link(&spec, &cx()).unwrap()
    };
    let chain = Chain::new(vec![link("halves"), link("checks")]);
    let mut run = request(&chain, post_pieces(&["ab", "cd", "ef", "gh"])).await;
    assert!(run.is_next());
    assert_eq!(run.header("content-length"), Some("2"));
    assert_eq!(run.body().await.unwrap(), "ab");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_shown_in_part_and_passes_whole() {
    let rig = Rig::new();
    // Traps unless it gets three octets of an incomplete body.
    let checks = format!(
        "(if (i32.ne (local.get $len) (i32.const 3)) (then unreachable)) \
         (if (local.get $last) (then unreachable)) {FIRST}"
    );
    let chain = rig.chain(rig.spec(&awaits(3).on_request_body(&checks, FIRST)), OnError::Deny);
    let mut run = request(&chain, post_pieces(&["ab", "cd", "ef"])).await;
    assert!(run.is_next());
    assert_eq!(run.body().await.unwrap(), "abcdef");
}

#[tokio::test]
async fn what_was_not_seen_whole_cannot_be_replaced() {
    let rig = Rig::new();
    let guest = awaits(3).on_request_body(ECHO, FIRST);
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    assert_eq!(request(&chain, post("abcdef")).await.refused(), 500);
    let chain = rig.chain(rig.spec(&guest), OnError::Pass);
    let mut run = request(&chain, post("abcdef")).await;
    assert!(run.is_next());
    assert_eq!(run.body().await.unwrap(), "abcdef");
}

#[tokio::test]
async fn the_policys_limit_caps_what_is_gathered() {
    let rig = Rig::new();
    let checks = format!("(if (i32.ne (local.get $len) (i32.const 2)) (then unreachable)) {FIRST}");
    let mut spec = rig.spec(&awaits(100).on_request_body(&checks, FIRST));
    spec.limits.body = 2;
    assert!(request(&rig.chain(spec, OnError::Deny), post("abcdef")).await.is_next());
}

#[tokio::test]
async fn an_exchange_without_a_body_gives_an_empty_one() {
    let rig = Rig::new();
    let checks = format!(
        "(if (local.get $len) (then unreachable)) \
         (if (i32.eqz (local.get $last)) (then unreachable)) {FIRST}"
    );
    let chain = rig.chain(rig.spec(&awaits(9).on_request_body(&checks, FIRST)), OnError::Deny);
    assert!(request(&chain, get()).await.is_next());
}

#[tokio::test]
async fn a_body_decides_about_its_request() {
    let rig = Rig::new();
    let guest = awaits(9).with(&data(0, "no")).on_request_body(&case_reply(2, 403, 0, 2), FIRST);
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    let Outcome::Respond(response) = request(&chain, post("x")).await.outcome else { panic!() };
    assert_eq!(response.status(), 403);
}

#[tokio::test]
async fn a_watched_body_passes_piece_by_piece() {
    let rig = Rig::new();
    let chain = rig.chain(rig.spec(&watches().on_request_body(FIRST, ECHO)), OnError::Deny);
    let mut run = request(&chain, post_pieces(&["abcd", "ef"])).await;
    assert_eq!(run.header("content-length"), None);
    assert_eq!(run.body().await.unwrap(), "abe");
    assert_eq!(rig.host.stats().policies[0].idle, 1);
}

#[tokio::test]
async fn a_policy_that_has_seen_enough_gives_its_instance_back() {
    let rig = Rig::new();
    let detach = "(i32.store8 (i32.const 4096) (i32.const 2)) (i32.const 4096)";
    let chain = rig.chain(rig.spec(&watches().on_request_body(FIRST, detach)), OnError::Deny);
    let (mut sender, body) = Channel::<Bytes, BoxError>::new(16);
    let mut run = request(&chain, Request::post("/").body(Body::boxed(body)).unwrap()).await;
    sender.send_data("abc".into()).await.unwrap();
    let body = run.exchange.request.body_mut();
    let first = http_body_util::BodyExt::frame(body).await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "abc");
    assert_eq!(rig.host.stats().policies[0].idle, 1);
    sender.send_data("def".into()).await.unwrap();
    drop(sender);
    assert_eq!(run.body().await.unwrap(), "def");
}

#[tokio::test]
async fn after_the_head_deny_cuts_and_pass_stops_looking() {
    let rig = Rig::new();
    let guest = watches().on_request_body(FIRST, "unreachable");
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    let error = request(&chain, post("abc")).await.body().await.unwrap_err();
    assert_eq!(error.to_string(), "cut off by a policy");
    let chain = rig.chain(rig.spec(&guest), OnError::Pass);
    assert_eq!(request(&chain, post("abc")).await.body().await.unwrap(), "abc");
}

#[tokio::test]
async fn a_policy_cuts_a_body_off() {
    let rig = Rig::new();
    let guest = watches().with(&data(0, "no")).on_request_body(FIRST, &case_text(3, 0, 2));
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    assert!(request(&chain, post("abc")).await.body().await.is_err());
}

#[tokio::test]
async fn pieces_are_no_longer_than_64_kib() {
    let rig = Rig::new();
    let checks =
        format!("(if (i32.gt_u (local.get $len) (i32.const 65536)) (then unreachable)) {FIRST}");
    let chain = rig.chain(rig.spec(&watches().on_request_body(FIRST, &checks)), OnError::Deny);
    let body = Bytes::from(vec![b'a'; 200_000]);
    let mut run = request(&chain, Request::post("/").body(body.clone().into()).unwrap()).await;
    assert_eq!(run.body().await.unwrap().len(), body.len());
}

#[tokio::test]
async fn asking_twice_is_refused_and_the_first_wish_holds() {
    let rig = Rig::new();
    // The answer of the second question is at 8192: 1 is an error, 1 at 8196 says "invalid".
    let guest = Guest::new()
        .import("http", "[method]request.await-body", "$await (param i32 i32 i32)")
        .import("http", "[method]request.watch-body", "$watch (param i32 i32)")
        .on_request(&format!(
            "(call $await (local.get $req) (i32.const 9) (i32.const 8192)) \
             (if (i32.load8_u (i32.const 8192)) (then unreachable)) \
             (call $watch (local.get $req) (i32.const 8192)) \
             (if (i32.ne (i32.load8_u (i32.const 8192)) (i32.const 1)) (then unreachable)) \
             (if (i32.ne (i32.load8_u (i32.const 8196)) (i32.const 1)) (then unreachable)) {FIRST}"
        ))
        .on_request_body(ECHO, "unreachable");
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    let mut run = request(&chain, post("abcd")).await;
    assert_eq!(run.body().await.unwrap(), "ab");
}

fn response_asks(method: &str, signature: &str, args: &str) -> Guest {
    Guest::new()
        .import("http", &format!("[method]response.{method}"), &format!("$ask {signature}"))
        .on_response(&format!("(call $ask (local.get $resp) {args} (i32.const 8192)) {FIRST}"))
}

#[tokio::test]
async fn a_response_is_gathered_and_replaced() {
    let rig = Rig::new();
    let guest = response_asks("await-body", "(param i32 i32 i32)", "(i32.const 99)")
        .on_response_body(ECHO, FIRST);
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    let mut run = request(&chain, get()).await;
    let response = run.answer(Response::new(pieces(&["ab", "cd"]))).await.unwrap();
    assert_eq!(response.headers()["content-length"], "2");
    assert_eq!(response.into_body().into_whole(9).await.unwrap(), "ab");
}

#[tokio::test]
async fn a_response_is_watched_as_it_passes() {
    let rig = Rig::new();
    let guest = response_asks("watch-body", "(param i32 i32)", "").on_response_body(FIRST, ECHO);
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    let mut run = request(&chain, get()).await;
    let mut response = Response::new(pieces(&["abcd", "ef"]));
    response.headers_mut().insert("content-length", 6.into());
    let response = run.answer(response).await.unwrap();
    assert!(!response.headers().contains_key("content-length"));
    assert_eq!(response.into_body().into_whole(9).await.unwrap(), "abe");
}

#[tokio::test]
async fn a_fault_on_the_response_leaves_it_or_refuses() {
    let rig = Rig::new();
    let guest = Guest::new().on_response("unreachable");
    let chain = rig.chain(rig.spec(&guest), OnError::Pass);
    let mut run = request(&chain, get()).await;
    let response = run.answer(Response::new("hello".into())).await.unwrap();
    assert_eq!(response.into_body().into_whole(9).await.unwrap(), "hello");
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    let mut run = request(&chain, get()).await;
    let refusal = run.answer(Response::new("hello".into())).await.unwrap_err();
    assert_eq!(refusal.status, 500);
}
