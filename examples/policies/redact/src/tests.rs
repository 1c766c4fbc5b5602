//! Answers of every kind.

use adit_policy_sdk::testing::*;

use super::*;

fn harness() -> Harness<Redact> {
    // Each call on an instance of its own: the start of a line must not be in the policy itself.
    let config = json!({ "fields": ["password"], "max_body": 256 });
    Harness::setup().fresh_instances().start(config).unwrap()
}

const EVENTS: &str = "text/event-stream; charset=utf-8";

#[test]
fn a_document_is_masked_as_a_whole() {
    let answer = json!({ "user": "ann", "password": "hunter2", "card": "4111111111111111" });
    let exchange = harness().request(get("/").answer(response(200).json(&answer)));
    assert_eq!(
        serde_json::from_slice::<Json>(&exchange.response().body).unwrap(),
        json!({ "user": "ann", "password": "***", "card": "************1111" })
    );
}

#[test]
fn nobody_compresses_and_nobody_asks_for_parts() {
    let request = get("/").header("accept-encoding", "gzip").header("range", "bytes=0-9");
    let exchange = harness().request(request);
    assert_eq!(exchange.edits.removed, ["accept-encoding", "range"]);
}

#[test]
fn what_cannot_be_looked_at_does_not_pass() {
    let mut t = harness();
    let packed = response(200).header("content-encoding", "gzip").body("4111111111111111");
    let packed = packed.header("content-type", "text/plain");
    assert_eq!(t.request(get("/").answer(packed)).response().status, 502);
    let long = response(200).header("content-type", "text/plain").body("x".repeat(257));
    assert_eq!(t.request(get("/").answer(long)).response().status, 502);
}

#[test]
fn a_picture_is_not_looked_at() {
    let picture = response(200).header("content-type", "image/png").body("4111111111111111");
    let exchange = harness().request(get("/").answer(picture));
    assert_eq!(exchange.response().text(), "4111111111111111");
}

#[test]
fn events_are_masked_wherever_the_pieces_end() {
    let stream = "event: paid\ndata: {\"card\":\"4111 1111 1111 1111\",\"password\":\"x\"}\n\n\
                  : 4111111111111111\r\ndata: 4111";
    let expected = "event: paid\ndata:{\"card\":\"**** **** **** 1111\",\"password\":\"***\"}\n\n\
                    : ************1111\r\ndata: 4111";
    for size in 1..stream.len() {
        let pieces = stream.as_bytes().chunks(size).map(<[u8]>::to_vec);
        let answer = response(200).header("content-type", EVENTS).chunks(pieces);
        let exchange = harness().request(get("/").answer(answer));
        assert_eq!(exchange.response().text(), expected, "in pieces of {size}");
    }
}

#[test]
fn whole_lines_are_not_held_back() {
    let pieces = ["data: 1\n\nda", "ta: 2\n\n"];
    let answer = response(200).header("content-type", EVENTS).chunks(pieces);
    let exchange = harness().request(get("/").answer(answer));
    assert_eq!(
        exchange.response_chunks,
        [ChunkVerdict::replace("data: 1\n\n"), ChunkVerdict::replace("data: 2\n\n")]
    );
}

#[test]
fn a_line_without_end_is_cut() {
    let answer = response(200).header("content-type", EVENTS).body("x".repeat(MAX_LINE + 1));
    let pieces = [vec![b'x'; MAX_LINE], vec![b'x'], vec![b'\n']];
    let exchange = harness().request(get("/").answer(answer.chunks(pieces)));
    assert_eq!(exchange.cut.as_deref(), Some("a line is longer than 15360 octets"));
}

#[test]
fn lines_that_a_service_is_sent_are_masked_too() {
    let lines = ["{\"password\":\"hun", "ter2\"}\n{\"a\":1}\n"];
    let request = post("/").header("content-type", "application/x-ndjson").chunks(lines);
    let answer = response(200).header("content-type", EVENTS).chunks(["data: ok\n\n"]);
    let exchange = harness().request(request.answer(answer));
    assert_eq!(exchange.request.as_ref().unwrap().body, b"{\"password\":\"***\"}\n{\"a\":1}\n");
    assert_eq!(exchange.response().text(), "data: ok\n\n");
}

#[test]
fn the_cases_hold() {
    adit_policy_sdk::cases::check::<Redact>(include_str!("../cases.yml"));
}
