use adit_policy_sdk::prelude::*;
use adit_policy_sdk::testing::*;

/// Lets SSH through, and nobody from one network.
struct Guard;

#[policy]
impl Guard {
    fn configure(_: Json) -> Self {
        Self
    }

    fn on_connection(&mut self, conn: &Connection) -> Result<(), String> {
        if conn.client_ip().is_loopback() {
            return Err(format!("{} is not welcome", conn.client()));
        }
        conn.keep(&conn.server_name());
        Ok(())
    }

    fn on_data(
        &mut self,
        conn: &Connection,
        way: Direction,
        chunk: &[u8],
        last: bool,
    ) -> ChunkVerdict {
        assert_eq!(conn.kept::<Option<String>>(), Some(Some("db.example".to_owned())));
        match (way, chunk) {
            (Direction::ToClient, chunk) => ChunkVerdict::replace(chunk.to_ascii_uppercase()),
            (_, chunk) if chunk.starts_with(b"SSH-") => ChunkVerdict::Detach,
            (_, b"") if !last => ChunkVerdict::Pass,
            _ => ChunkVerdict::abort("not SSH"),
        }
    }

    fn on_close(&mut self, conn: &Connection, end: &Outcome) {
        let failure = end.failure().unwrap_or_default();
        log::info!(
            up = end.octets_to_upstream(), down = end.octets_to_client(), failure = failure;
            "{} after {:?}", conn.protocol(), end.duration()
        );
    }
}

fn harness() -> Harness<Guard> {
    Harness::new(json!({})).unwrap()
}

fn visitor() -> Client {
    client("203.0.113.9:2222").protocol("tcp").server_name("db.example")
}

#[test]
fn a_connection_can_be_refused() {
    let mut t = harness();
    let stream = t.connect(client("127.0.0.1:9").protocol("tcp"));
    assert_eq!(stream.admission, Admission::refuse("127.0.0.1:9 is not welcome"));
    let exchange = t.request(get("/").from("127.0.0.1:9"));
    assert_eq!(exchange.verdict, Verdict::abort("127.0.0.1:9 is not welcome"));
}

#[test]
fn the_first_octets_decide_and_the_rest_is_not_seen() {
    let mut t = harness();
    let mut stream = t.connect(visitor());
    assert_eq!(stream.receive("hello"), ChunkVerdict::replace("HELLO"));
    assert_eq!(stream.send("SSH-2.0-x\r\n"), ChunkVerdict::Detach);
    assert_eq!(stream.send("anything"), ChunkVerdict::Pass);
    assert_eq!(stream.receive("quiet"), ChunkVerdict::Pass);
    assert_eq!(stream.to_client, b"HELLOquiet");
    stream.advance(Duration::from_secs(2));
    stream.close();
    let logs = t.logs();
    assert_eq!(logs[0].message, "tcp after 2s");
    let extra = [("up", "19"), ("down", "10"), ("failure", "")];
    assert_eq!(logs[0].extra, extra.map(|(name, value)| (name.into(), value.into())));
}

#[test]
fn a_stranger_is_cut() {
    let mut t = harness();
    let mut stream = t.connect(visitor());
    assert_eq!(stream.send(""), ChunkVerdict::Pass);
    assert_eq!(stream.send("GET / HTTP/1.1"), ChunkVerdict::abort("not SSH"));
    assert_eq!(stream.send("SSH-"), ChunkVerdict::abort("not SSH"));
    assert_eq!(stream.to_upstream, b"");
    stream.close();
    assert!(t.logs()[0].extra.contains(&("failure".into(), "refused".into())));
}
