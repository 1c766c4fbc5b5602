//! Connections: who may come in, what passes, and how it ends.

use adit_chain::{Chain, Connected, End, Exchange, Finished, OnError, Refusal, conformance};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use crate::{
    guest::{FIRST, Guest, case_text, data},
    rig::{Rig, get, request},
};

async fn connect(chain: &Chain) -> Result<Connected, Refusal> {
    let mut connected = Connected::default();
    chain.connect(&conformance::conn(), &mut connected).await.map(|()| connected)
}

/// The visitor's side, and the relay's side behind the policy.
async fn stream(chain: &Chain) -> (DuplexStream, Box<dyn adit_chain::ByteStream>) {
    let (visitor, inner) = duplex(1 << 20);
    let mut connected = connect(chain).await.unwrap();
    (visitor, connected.wrap(Box::new(inner)))
}

/// Answers with half of what came.
const HALF: &str = "(i32.store8 (i32.const 4096) (i32.const 1)) \
                    (i32.store (i32.const 4100) (local.get $at)) \
                    (i32.store (i32.const 4104) (i32.shr_u (local.get $len) (i32.const 1))) \
                    (i32.const 4096)";

const DETACH: &str = "(i32.store8 (i32.const 4096) (i32.const 2)) (i32.const 4096)";

#[tokio::test]
async fn a_policy_lets_in_or_turns_away() {
    let rig = Rig::new();
    let chain = rig.chain(rig.spec(&Guest::new().on_connection(FIRST)), OnError::Deny);
    assert!(connect(&chain).await.is_ok());
    let guest = Guest::new().with(&data(0, "no")).on_connection(&case_text(1, 0, 2));
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    assert!(connect(&chain).await.err().unwrap().close);
}

#[tokio::test]
async fn a_fault_turns_away_or_lets_pass() {
    let rig = Rig::new();
    let guest = Guest::new().on_connection("unreachable");
    assert!(connect(&rig.chain(rig.spec(&guest), OnError::Deny)).await.is_err());
    assert!(connect(&rig.chain(rig.spec(&guest), OnError::Pass)).await.is_ok());
}

#[tokio::test]
async fn octets_pass_a_policy_both_ways() {
    let rig = Rig::new();
    let chain = rig.chain(rig.spec(&Guest::new().on_data(FIRST)), OnError::Deny);
    let (mut visitor, mut relay) = stream(&chain).await;
    let mut buf = [0; 5];
    visitor.write_all(b"hello").await.unwrap();
    relay.read_exact(&mut buf).await.unwrap();
    assert_eq!(&buf, b"hello");
    relay.write_all(b"world").await.unwrap();
    relay.flush().await.unwrap();
    visitor.read_exact(&mut buf).await.unwrap();
    assert_eq!(&buf, b"world");
}

#[tokio::test]
async fn each_way_ends_by_itself_and_the_policy_is_told() {
    let rig = Rig::new();
    let chain = rig.chain(rig.spec(&Guest::new().on_data(FIRST)), OnError::Deny);
    let (mut visitor, mut relay) = stream(&chain).await;
    visitor.write_all(b"bye").await.unwrap();
    visitor.shutdown().await.unwrap();
    let mut got = Vec::new();
    relay.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"bye");
    assert_eq!(rig.host.stats().policies[0].idle, 0);
    relay.write_all(b"still here").await.unwrap();
    relay.shutdown().await.unwrap();
    let mut got = Vec::new();
    visitor.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"still here");
    assert_eq!(rig.host.stats().policies[0].idle, 1);
}

#[tokio::test]
async fn octets_are_replaced() {
    let rig = Rig::new();
    let chain = rig.chain(rig.spec(&Guest::new().on_data(HALF)), OnError::Deny);
    let (mut visitor, mut relay) = stream(&chain).await;
    visitor.write_all(b"abcd").await.unwrap();
    visitor.shutdown().await.unwrap();
    let mut got = Vec::new();
    relay.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"ab");
}

#[tokio::test]
async fn after_detach_octets_pass_untouched_and_no_instance_is_held() {
    let rig = Rig::new();
    let guest = Guest::new().with("(global $n (mut i32) (i32.const 0))").on_data(&format!(
        "(if (global.get $n) (then unreachable)) (global.set $n (i32.const 1)) {DETACH}"
    ));
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    let (mut visitor, mut relay) = stream(&chain).await;
    let mut buf = [0; 3];
    for _ in 0..3 {
        visitor.write_all(b"abc").await.unwrap();
        relay.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"abc");
        relay.write_all(b"def").await.unwrap();
        visitor.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"def");
    }
    assert_eq!(rig.host.stats().policies[0].idle, 1);
}

#[tokio::test]
async fn a_policy_cuts_a_connection() {
    let rig = Rig::new();
    let guest = Guest::new().with(&data(0, "no")).on_data(&case_text(3, 0, 2));
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    let (mut visitor, mut relay) = stream(&chain).await;
    visitor.write_all(b"x").await.unwrap();
    let error = relay.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted);
    assert!(relay.write_all(b"y").await.is_err());
}

#[tokio::test]
async fn a_fault_on_octets_cuts_or_stops_looking() {
    let rig = Rig::new();
    let guest = Guest::new().on_data("unreachable");
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    let (mut visitor, mut relay) = stream(&chain).await;
    visitor.write_all(b"x").await.unwrap();
    assert!(relay.read_u8().await.is_err());
    let chain = rig.chain(rig.spec(&guest), OnError::Pass);
    let (mut visitor, mut relay) = stream(&chain).await;
    visitor.write_all(b"xy").await.unwrap();
    assert_eq!(relay.read_u16().await.unwrap(), u16::from_be_bytes(*b"xy"));
}

/// Both ways at once, in random pieces: nothing is lost, nothing comes twice, and the policy never
/// sees two pieces at a time (a second call would trap).
#[tokio::test]
async fn much_traffic_both_ways_arrives_as_it_was() {
    let rig = Rig::new();
    let chain = rig.chain(rig.spec(&Guest::new().on_data(FIRST)), OnError::Deny);
    let (visitor, relay) = stream(&chain).await;
    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (mut visitor_in, mut visitor_out) = tokio::io::split(visitor);
    let (mut relay_in, mut relay_out) = tokio::io::split(relay);
    let (mut at_relay, mut at_visitor) = (Vec::new(), Vec::new());
    let both = async {
        tokio::join!(
            async {
                visitor_out.write_all(&sent).await.unwrap();
                visitor_out.shutdown().await.unwrap();
            },
            async {
                relay_out.write_all(&sent).await.unwrap();
                relay_out.shutdown().await.unwrap();
            },
            async { relay_in.read_to_end(&mut at_relay).await.unwrap() },
            async { visitor_in.read_to_end(&mut at_visitor).await.unwrap() },
        )
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), both).await.unwrap();
    assert!(at_relay == sent && at_visitor == sent);
}

/// Logs the status or the octets of an outcome, as many spaces: a number that a test can read.
const TELL: &str = "(call $write (i32.const 2) (i32.const 0) (call $n (local.get $end)) \
                    (i32.const 0) (i32.const 0))";

fn tells(method: &str) -> Guest {
    Guest::new()
        .import("log", "write", "$write (param i32 i32 i32 i32 i32)")
        .import(
            "outcomes",
            &format!("[method]outcome.{method}"),
            "$octets (param i32) (result i64)",
        )
        .with("(func $n (param i32) (result i32) (i32.wrap_i64 (call $octets (local.get 0))))")
        .with(&data(0, &" ".repeat(64)))
}

#[tokio::test]
async fn the_end_of_a_connection_is_told() {
    let rig = Rig::new();
    let guest = tells("octets-to-client").on_close(TELL);
    let connected = connect(&rig.chain(rig.spec(&guest), OnError::Deny)).await.unwrap();
    let mut end = End::default();
    end.totals.bytes_out = 7;
    connected.close(end).await;
    assert_eq!(rig.logs.take()[0].message.len(), 7);
}

#[tokio::test]
async fn the_end_of_an_exchange_is_told() {
    let rig = Rig::new();
    let guest = tells("octets-to-upstream").on_finish(TELL);
    let chain = rig.chain(rig.spec(&guest), OnError::Deny);
    let mut exchange: Exchange = request(&chain, get()).await.exchange;
    exchange.take_finishers().tell(Finished { bytes_in: 9, ..Finished::default() }).await;
    assert_eq!(rig.logs.take()[0].message.len(), 9);
}

#[tokio::test]
async fn what_is_kept_is_there_in_later_hooks_on_any_instance() {
    let rig = Rig::new();
    // Keeps two octets; on the response, a trap unless they are there.
    let guest = Guest::new()
        .import("http", "[method]request.keep", "$keep (param i32 i32 i32 i32)")
        .import("http", "[method]request.kept", "$kept (param i32 i32)")
        .with(&data(0, "ab"))
        .on_request(&format!(
            "(call $keep (local.get $req) (i32.const 0) (i32.const 2) (i32.const 8192)) {FIRST}"
        ))
        .on_response(&format!(
            "(call $kept (local.get $req) (i32.const 8192)) \
             (if (i32.ne (i32.load8_u (i32.const 8192)) (i32.const 1)) (then unreachable)) \
             (if (i32.ne (i32.load (i32.const 8200)) (i32.const 2)) (then unreachable)) {FIRST}"
        ));
    let mut spec = rig.spec(&guest);
    spec.instances = adit_wasm::Instances::Fresh;
    let chain = rig.chain(spec, OnError::Deny);
    let mut run = request(&chain, get()).await;
    run.answer(http::Response::new("".into())).await.unwrap();
    // The next exchange starts with nothing.
    let other = Guest::new()
        .import("http", "[method]request.kept", "$kept (param i32 i32)")
        .on_request(&format!(
            "(call $kept (local.get $req) (i32.const 8192)) \
             (if (i32.load8_u (i32.const 8192)) (then unreachable)) {FIRST}"
        ));
    assert!(request(&rig.chain(rig.spec(&other), OnError::Deny), get()).await.is_next());
}
