use std::time::Duration;

use adit_chain::{BoxError, Exchange, conformance};
use async_compression::tokio::write::GzipEncoder;
use http_body::Frame;
use http_body_util::channel::Channel;
use serde_json::{Value as Json, json};
use tokio::io::AsyncWriteExt as _;

use super::*;
use crate::{
    phase::Phase,
    testing::{
        Rig, lines, refused, refused_in, request, request_action, response, response_action, text,
    },
};

const REQUEST: &str = "request-body-find-replace";
const RESPONSE: &str = "response-body-find-replace";

fn requests(replacements: Json) -> Rig {
    request_action(REQUEST, json!({ "replacements": replacements }))
}

fn responses(replacements: Json) -> Rig {
    response_action(RESPONSE, json!({ "replacements": replacements }))
}

async fn gzip(text: &str) -> Bytes {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(text.as_bytes()).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner().into()
}

#[tokio::test]
async fn the_upstream_gets_the_body_with_everything_replaced_in_order() {
    let rig = requests(json!([
        {"from": "cat(s?)", "to": "dog$1"},
        {"from": "dogs", "to": "${req.method}"},
        {"from": "bird", "to": "fish"},
    ]));
    let sent = request("POST", "/", &[("content-length", "8")], "cats cat");
    let passed = rig.request(sent).await;
    assert_eq!(passed.sent_lines("content-length"), ["8"]);
    assert_eq!(text(passed.exchange.request.into_body()).await, "POST dog");
    let expected = json!({"replacements": [
        {"replacement_index": 0, "matched_content": "cats"},
        {"replacement_index": 1, "matched_content": "dogs"},
    ]});
    assert_eq!(rig.result("request_body_find_replace"), expected);
}

#[tokio::test]
async fn a_body_without_a_match_goes_on_as_it_came() {
    let rig = requests(json!([{"from": "x+", "to": "y"}]));
    let encoded = gzip("hello").await;
    let headers = [("content-encoding", "gzip"), ("content-digest", "d")];
    let passed = rig.request(request("POST", "/", &headers, encoded.clone())).await;
    assert_eq!(passed.sent_lines("content-encoding"), ["gzip"]);
    assert_eq!(passed.sent_lines("content-digest"), ["d"]);
    let body = passed.exchange.request.into_body().into_whole(999).await.unwrap();
    assert_eq!(body, encoded);
    assert_eq!(rig.result("request_body_find_replace"), json!({"replacements": []}));
}

#[tokio::test]
async fn a_request_without_a_body_stays_without_one() {
    let rig = requests(json!([{"from": "^", "to": "x"}]));
    let passed = rig.request(request("GET", "/", &[], "")).await;
    assert_eq!(passed.sent_lines("content-length"), [""; 0]);
    assert!(matches!(passed.sent().body(), Body::Empty));
}

#[tokio::test]
async fn codings_come_off_a_body_that_changes() {
    let rig = responses(json!([{"from": "secret-[0-9]+"}]));
    let headers = [("content-encoding", "gzip"), ("content-length", "99"), ("etag", "\"a\"")];
    let upstream = response(200, &headers, gzip("a secret-12 b").await);
    let got = rig.round(request("GET", "/", &[], ""), upstream).await;
    assert_eq!(lines(got.headers(), "content-encoding"), [""; 0]);
    assert_eq!(lines(got.headers(), "content-length"), ["4"]);
    assert_eq!(lines(got.headers(), "etag"), ["W/\"a\""]);
    assert_eq!(text(got.into_body()).await, "a  b");
}

#[tokio::test]
async fn responses_that_cannot_have_a_body_keep_their_headers() {
    let rig = responses(json!([{"from": "^", "to": "x"}]));
    for (method, status) in [("HEAD", 200), ("GET", 304), ("GET", 204)] {
        let upstream = response(status, &[("content-length", "5")], "");
        let got = rig.round(request(method, "/", &[], ""), upstream).await;
        assert_eq!(lines(got.headers(), "content-length"), ["5"], "{method} {status}");
        assert!(matches!(got.body(), Body::Empty));
    }
}

#[tokio::test]
async fn what_is_spliced_into_a_pattern_is_part_of_it() {
    let rig = requests(json!([{"from": "${req.headers['x-from'][0]}", "to": "#"}]));
    let sent = |from| request("POST", "/", &[("x-from", from)], "a1b2");
    let passed = rig.request(sent("[0-9]")).await;
    assert_eq!(text(passed.exchange.request.into_body()).await, "a#b#");
    assert_eq!(rig.request(sent("[0-9")).await.refused(), (500, Some(3901)));
    let absent = rig.request(request("POST", "/", &[], "a1b2")).await;
    assert_eq!(absent.refused(), (500, Some(3900)));
}

#[tokio::test]
async fn bodies_that_cannot_be_had_have_codes_of_their_own() {
    let refused = async |body: Body, headers: &[(&str, &str)]| {
        let mut exchange = Exchange::new(conformance::conn(), request("POST", "/", headers, body));
        exchange.body_limits = BodyLimits { max_len: 8, timeout: Duration::from_secs(1) };
        let rig = requests(json!([{"from": "a", "to": "bbbb"}]));
        rig.exchange(exchange).await.refused()
    };
    let gzipped = [("content-encoding", "gzip")];
    assert_eq!(refused("123456789".into(), &[]).await, (500, Some(3903)));
    assert_eq!(refused("plain".into(), &gzipped).await, (500, Some(3902)));
    assert_eq!(refused("x".into(), &[("content-encoding", "lzw")]).await, (500, Some(3902)));
    assert_eq!(refused("aaa".into(), &[]).await, (500, Some(3904)));
    let (sender, body) = Channel::<Bytes, BoxError>::new(1);
    sender.abort("reset".into());
    assert_eq!(refused(Body::boxed(body), &[]).await, (500, Some(3902)));
}

#[tokio::test]
async fn a_body_that_unpacks_past_the_limit_is_too_long() {
    let bomb = gzip(&"0".repeat(4096)).await;
    let sent = request("POST", "/", &[("content-encoding", "gzip")], bomb);
    let mut exchange = Exchange::new(conformance::conn(), sent);
    exchange.body_limits.max_len = 1024;
    let rig = requests(json!([{"from": "a"}]));
    assert_eq!(rig.exchange(exchange).await.refused(), (500, Some(3903)));
}

#[tokio::test]
async fn a_response_that_cannot_be_changed_is_not_shown() {
    let rig = responses(json!([{"from": "secret"}]));
    let upstream = response(200, &[("content-encoding", "lzw")], "secret");
    let passed = rig.request(request("GET", "/", &[], "")).await;
    let refusal = passed.answered_or_refused(upstream).await.unwrap_err();
    let refusal = refusal.code.map(|code| code.0);
    assert_eq!(refusal, Some(3902));
}

#[tokio::test]
async fn long_bodies_in_pieces_are_replaced_too() {
    let (mut sender, body) = Channel::<Bytes, BoxError>::new(4);
    for _ in 0..2 {
        sender.try_send(Frame::data(Bytes::from("ab".repeat(100_000)))).unwrap();
    }
    drop(sender);
    let rig = requests(json!([{"from": "ab", "to": "c"}]));
    let passed = rig.request(request("PUT", "/", &[], Body::boxed(body))).await;
    assert_eq!(passed.sent_lines("content-length"), ["200000"]);
    assert_eq!(text(passed.exchange.request.into_body()).await, "c".repeat(200_000));
}

#[test]
fn what_is_wrong_with_replacements_is_told_at_its_place() {
    assert_eq!(refused(REQUEST, json!({})), ["replacements: 2223"]);
    assert_eq!(refused(REQUEST, json!({"replacements": []})), ["replacements: 2223"]);
    let bad = json!({"replacements": [{"to": "x"}, {"from": "("}, {"from": "a", "to": "${"}]});
    let expected =
        ["replacements.0.from: 2223", "replacements.1.from: 2261", "replacements.2.to: 2224"];
    assert_eq!(refused(REQUEST, bad.clone()), expected);
    assert_eq!(refused_in(Phase::HttpResponse, RESPONSE, bad), expected);
    assert_eq!(refused(RESPONSE, json!({"replacements": [{"from": "a"}]})), ["type: 2202"]);
}
