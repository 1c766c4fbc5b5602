use adit_chain::Body;
use serde_json::{Value as Json, json};

use crate::{
    phase::Phase,
    testing::{Rig, get, lines, policy, refused_in, response, text},
};

fn rig(replacements: Json) -> Rig {
    policy(json!({"on_event_stream_message": [{"actions": [
        {"type": "sse-find-replace", "config": {"replacements": replacements}},
    ]}]}))
}

/// What the visitor gets of an event stream.
async fn got(rig: &Rig, stream: &'static str) -> String {
    let upstream = response(200, &[("content-type", "text/event-stream")], stream);
    text(rig.round(get("/"), upstream).await.into_body()).await
}

#[tokio::test]
async fn messages_are_changed_one_by_one() {
    let rig = rig(json!([
        {"from": "(?m)^key-(\\w+)$", "to": "key-$1!"},
        {"from": "\\d+", "to": "5", "field": "retry"},
        {"from": "nothing"},
    ]));
    let stream = ": hi\n\nid: key-1\ndata: key-a\ndata: key-b\nretry: 1000\n\ndata: x\n\n";
    let expected = ": hi\n\nid: key-1\ndata: key-a!\ndata: key-b!\nretry: 5\n\ndata: x\n\n";
    assert_eq!(got(&rig, stream).await, expected);
    assert_eq!(rig.result("sse_find_replace"), json!({"replacements": []}));
    got(&rig, "data: key-a\nretry: 12\n\n").await;
    let expected = json!({"replacements": [
        {"replacement_index": 0, "matched_content": "key-a"},
        {"replacement_index": 1, "matched_content": "12"},
    ]});
    assert_eq!(rig.result("sse_find_replace"), expected);
}

#[tokio::test]
async fn only_event_streams_have_messages() {
    let rig = rig(json!([{"from": "a", "to": "b"}]));
    let upstream =
        response(200, &[("content-type", "text/plain"), ("content-length", "9")], "data: a\n\n");
    let got = rig.round(get("/"), upstream).await;
    assert_eq!(lines(got.headers(), "content-length"), ["9"]);
    assert_eq!(text(got.into_body()).await, "data: a\n\n");
}

#[tokio::test]
async fn a_stream_loses_its_length_and_its_coding() {
    let rig = rig(json!([{"from": "a", "to": "b"}]));
    let headers = [("content-type", "text/event-stream"), ("content-length", "9")];
    let got = rig.round(get("/"), response(200, &headers, "data: a\n\n")).await;
    assert_eq!(lines(got.headers(), "content-length"), [""; 0]);
    assert_eq!(text(got.into_body()).await, "data: b\n\n");
    let headers = [("content-type", "text/event-stream"), ("content-encoding", "lzw")];
    let passed = rig.request(get("/")).await;
    let refusal = passed.answered_or_refused(response(200, &headers, "?")).await.unwrap_err();
    assert_eq!(refusal.status, 500);
}

#[tokio::test]
async fn a_replacement_that_fails_ends_the_stream() {
    let rig = rig(json!([{"from": "a", "to": "${vars.nothing}"}]));
    let upstream = response(200, &[("content-type", "text/event-stream")], "data: a\n\n");
    let body: Body = rig.round(get("/"), upstream).await.into_body();
    assert!(body.into_whole(99).await.is_err());
}

#[tokio::test]
async fn the_field_may_be_an_expression() {
    let rig = rig(json!([{"from": "1", "to": "2", "field": "${'ret' + 'ry'}"}]));
    assert_eq!(got(&rig, "data: 1\nretry: 1\n\n").await, "data: 1\nretry: 2\n\n");
}

#[test]
fn what_is_wrong_is_told_at_its_place() {
    let refused = |config| refused_in(Phase::EventStreamMessage, "sse-find-replace", config);
    let bad = json!({"replacements": [{"from": "a", "field": "event"}, {"field": "data"}]});
    assert_eq!(refused(bad), ["replacements.0.field: 2222", "replacements.1.from: 2223"]);
    assert_eq!(refused(json!({})), ["replacements: 2223"]);
}
