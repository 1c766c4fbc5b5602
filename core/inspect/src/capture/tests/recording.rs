//! What a tape makes of an exchange.

use adit_chain::{Conn, Endpoint, Finished, Protocol, TraceEntry, Verdict, Way, failure};
use adit_runtime::tap::{Party, Phases, RequestHead, ResponseHead, Tap, Tape};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri};

use super::*;
use crate::model::{Kind, Side};

struct Bench {
    store: Arc<Store>,
    tap: Arc<dyn Tap>,
    conn: Arc<Conn>,
}

impl Bench {
    fn new() -> Self {
        let store = Store::new(1_000_000);
        let tap = store.tap("web", "https://app.example");
        let endpoint = Arc::new(Endpoint {
            name: "web".into(),
            url: "https://app.example".into(),
            protocol: Protocol::Https,
            upstream: "http://localhost:80".into(),
            upstream_host: None,
        });
        let client = "192.0.2.7:4711".parse().unwrap();
        let conn = Arc::new(Conn::new(client, "0.0.0.0:0".parse().unwrap(), endpoint));
        Self { store, tap, conn }
    }

    fn begin(
        &self,
        method: &str,
        uri: &str,
        headers: &[(&'static str, &str)],
    ) -> (Id, Box<dyn Tape>) {
        let id = Id::next();
        let (method, uri) = (method.parse().unwrap(), uri.parse::<Uri>().unwrap());
        let headers = &map(headers);
        let version = Version::HTTP_11;
        let began = std::time::Instant::now();
        let head =
            RequestHead { method: &method, uri: &uri, version, headers, began, has_body: true };
        (id, self.tap.begin(&self.conn, id, head).unwrap())
    }

    fn get(&self, id: Id) -> Arc<Entry> {
        self.store.get(id).unwrap()
    }
}

fn map(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(*name, HeaderValue::from_str(value).unwrap());
    }
    map
}

fn respond(
    tape: &mut dyn Tape,
    status: u16,
    headers: &[(&'static str, &str)],
    trace: &[TraceEntry],
) {
    let ms = Duration::from_millis;
    tape.response(ResponseHead {
        status: StatusCode::from_u16(status).unwrap(),
        version: Version::HTTP_11,
        headers: &map(headers),
        origin: Origin::Upstream,
        phases: Phases { handlers: Some(ms(1)), connect: None, first_byte: Some(ms(2)) },
        trace,
    });
}

fn finished(failure: Option<&'static str>) -> Finished {
    Finished { took: Duration::from_millis(9), failure, ..Finished::default() }
}

#[test]
fn an_exchange_is_there_from_its_head_on_and_grows() {
    let bench = Bench::new();
    let to_the_edge = Some(Duration::from_millis(40));
    bench.store.set_rtt(to_the_edge);
    let (id, mut tape) = bench.begin("POST", "/a?b", &[("host", "app.example")]);
    let entry = bench.get(id);
    assert_eq!((entry.id, &*entry.endpoint, &*entry.request.target), (id, "web", "/a?b"));
    assert_eq!((entry.client, entry.state), (Some(bench.conn.client), State::Open));
    assert!(entry.response.is_none());
    tape.request_data(&Bytes::from_static(b"he"));
    tape.request_data(&Bytes::from_static(b"llo"));
    assert_eq!(bench.get(id).request.body, Body::default());
    tape.request_end(Some(&map(&[("x-sum", "1")])));
    let request = &bench.get(id).request;
    assert_eq!(request.body, Body::whole("hello"));
    assert_eq!(request.trailers.as_ref().unwrap().as_wire(), "X-Sum: 1\r\n");
    let trace = [TraceEntry {
        link: "auth".into(),
        way: Way::Response,
        verdict: Verdict::Next,
        took: Duration::from_millis(1),
        note: "fine".into(),
    }];
    respond(&mut *tape, 201, &[("content-type", "text/plain")], &trace);
    let entry = bench.get(id);
    assert_eq!(entry.status(), Some(StatusCode::CREATED));
    assert_eq!((entry.state, entry.timing.total), (State::Open, None));
    assert_eq!(entry.timing.first_byte, Some(Duration::from_millis(2)));
    assert_eq!(entry.timing.edge, to_the_edge);
    assert!(entry.timing.to_head.is_some());
    let decision = &entry.decisions[0];
    assert_eq!((&*decision.link, decision.side, &*decision.note), ("auth", Side::Response, "fine"));
    tape.response_data(&Bytes::from_static(b"made"));
    tape.response_trailers(&map(&[("x-end", "1")]));
    tape.end(finished(None));
    let entry = bench.get(id);
    assert_eq!((entry.state, entry.timing.total), (State::Done, Some(Duration::from_millis(9))));
    let response = entry.response.as_ref().unwrap();
    assert_eq!(response.body, Body::whole("made"));
    assert_eq!(response.trailers.as_ref().unwrap().as_wire(), "X-End: 1\r\n");
    // What was lent for the bodies is that of the entry now.
    assert_eq!(bench.store.fill().bytes, cost(&entry));
}

#[tokio::test(start_paused = true)]
async fn a_response_that_takes_long_is_shown_as_it_grows() {
    let bench = Bench::new();
    let (id, mut tape) = bench.begin("GET", "/events", &[]);
    respond(&mut *tape, 200, &[("content-type", "text/event-stream")], &[]);
    let shown = || bench.get(id).response.as_ref().unwrap().body.clone();
    tape.response_data(&Bytes::from_static(b"data: 1\n\n"));
    assert_eq!(shown(), Body::default());
    tokio::time::advance(Duration::from_secs(1)).await;
    tape.response_data(&Bytes::from_static(b"data: 2\n\n"));
    assert_eq!(shown(), Body::whole("data: 1\n\ndata: 2\n\n"));
    tape.response_data(&Bytes::from_static(b"data: 3\n\n"));
    assert_eq!((shown().total, bench.get(id).state), (18, State::Open));
    tape.end(finished(None));
    assert_eq!(shown().total, 27);
    assert_eq!(bench.store.fill().bytes, cost(&bench.get(id)));
}

#[tokio::test(start_paused = true)]
async fn a_short_response_is_shown_with_its_end_or_its_first_piece() {
    let bench = Bench::new();
    let (id, mut tape) = bench.begin("GET", "/", &[]);
    respond(&mut *tape, 200, &[("content-length", "4")], &[]);
    assert_eq!(bench.get(id).status(), None);
    tape.response_data(&Bytes::from_static(b"ha"));
    let shown = || bench.get(id).response.as_ref().unwrap().body.clone();
    assert_eq!(shown(), Body::whole("ha"));
    tape.response_data(&Bytes::from_static(b"lf"));
    assert_eq!(shown().total, 2);
    tape.end(finished(None));
    assert_eq!(shown(), Body::whole("half"));
    assert_eq!(bench.store.fill().bytes, cost(&bench.get(id)));
}

#[test]
fn what_broke_off_shows_what_there_was() {
    let bench = Bench::new();
    let (id, mut tape) = bench.begin("POST", "/", &[("content-length", "999999999999")]);
    tape.request_data(&Bytes::from_static(b"half"));
    tape.end(finished(Some(failure::RESET)));
    let entry = bench.get(id);
    assert_eq!((entry.state, entry.status()), (State::Failed(failure::RESET), None));
    assert_eq!(entry.request.body, Body::whole("half"));
    assert_eq!(bench.store.fill().bytes, cost(&entry));
}

#[test]
fn an_entry_that_went_meanwhile_stays_away_and_costs_nothing() {
    let bench = Bench::new();
    let (id, mut tape) = bench.begin("POST", "/", &[]);
    tape.request_data(&Bytes::from_static(b"hello"));
    bench.store.clear();
    tape.request_end(None);
    respond(&mut *tape, 200, &[], &[]);
    tape.response_data(&Bytes::from_static(b"hello"));
    tape.end(finished(None));
    assert!(bench.store.get(id).is_none());
    assert_eq!(bench.store.fill().bytes, 0);
}

#[test]
fn what_does_not_fit_is_not_recorded() {
    let store = Store::new(OVERHEAD);
    let bench = Bench { tap: store.tap("web", ""), store, ..Bench::new() };
    let (method, uri, headers) = (Method::GET, Uri::from_static("/x"), HeaderMap::new());
    let (version, began) = (Version::HTTP_11, std::time::Instant::now());
    let head = RequestHead {
        method: &method,
        uri: &uri,
        version,
        headers: &headers,
        began,
        has_body: false,
    };
    assert!(bench.tap.begin(&bench.conn, Id::next(), head).is_none());
    assert_eq!(bench.store.fill().bytes, 0);
}

#[test]
fn the_authority_of_http2_is_its_host() {
    let bench = Bench::new();
    let (id, _tape) = bench.begin("GET", "https://app.example/x", &[]);
    let request = &bench.get(id).request;
    assert_eq!((&*request.target, request.headers.text("host")), ("/x", Some("app.example")));
}

#[test]
fn frames_after_a_switch_are_messages() {
    let bench = Bench::new();
    let (id, mut tape) = bench.begin("GET", "/chat", &[("upgrade", "websocket")]);
    respond(&mut *tape, 101, &[("upgrade", "WebSocket"), ("connection", "upgrade")], &[]);
    tape.switched(Party::Upstream, b"\x81\x05he");
    tape.switched(Party::Visitor, b"\x89\x80\0\0\0\0");
    tape.switched(Party::Upstream, b"llo");
    let messages = bench.get(id).messages.clone().unwrap();
    let listed: Vec<_> = messages.after(0, 9);
    let brief: Vec<_> = listed.iter().map(|m| (m.seq, m.from, m.kind, m.len)).collect();
    use crate::model::Party as P;
    assert_eq!(brief, [(1, P::Visitor, Kind::Ping, 0), (2, P::Upstream, Kind::Text, 5)]);
    assert_eq!(listed[1].excerpt, "hello");
    tape.end(finished(None));
    assert_eq!(bench.get(id).messages.as_ref().unwrap().total(), 2);
    drop(messages);
    bench.store.clear();
    assert_eq!(bench.store.fill().bytes, 0);
}

#[test]
fn compressed_frames_are_read_where_that_was_agreed() {
    let bench = Bench::new();
    let (id, mut tape) = bench.begin("GET", "/chat", &[("upgrade", "websocket")]);
    let extensions = "permessage-deflate; client_max_window_bits=15";
    let agreed = [("upgrade", "websocket"), ("sec-websocket-extensions", extensions)];
    respond(&mut *tape, 101, &agreed, &[]);
    tape.switched(Party::Upstream, b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00");
    let message = bench.get(id).messages.as_ref().unwrap().after(0, 1).remove(0);
    assert_eq!((&*message.excerpt, message.is_compressed, message.len), (&b"Hello"[..], false, 5));
    tape.end(finished(None));
    bench.store.clear();
    assert_eq!(bench.store.fill().bytes, 0);
}

#[test]
fn another_protocol_has_no_messages() {
    let bench = Bench::new();
    let (id, mut tape) = bench.begin("GET", "/", &[("upgrade", "other")]);
    respond(&mut *tape, 101, &[("upgrade", "other")], &[]);
    tape.switched(Party::Visitor, b"\x81\x01a");
    tape.end(finished(None));
    assert!(bench.get(id).messages.is_none());
}

#[test]
fn messages_of_grpc_are_listed_beside_the_bodies() {
    let bench = Bench::new();
    let (id, mut tape) = bench.begin("POST", "/p.S/M", &[("content-type", "application/grpc")]);
    tape.request_data(&Bytes::from_static(b"\0\0\0\0\x02hi\0\0\0"));
    tape.request_data(&Bytes::from_static(b"\0\0"));
    tape.request_end(None);
    respond(&mut *tape, 200, &[("content-type", "application/grpc")], &[]);
    tape.response_data(&Bytes::from_static(b"\x01\0\0\0\x01x"));
    tape.end(finished(None));
    let entry = bench.get(id);
    let messages = entry.messages.as_ref().unwrap().after(0, 9);
    let brief: Vec<_> =
        messages.iter().map(|m| (m.kind, m.is_compressed, m.excerpt.to_vec())).collect();
    let grpc = |is_compressed, text: &str| (Kind::Grpc, is_compressed, text.as_bytes().to_vec());
    assert_eq!(brief, [grpc(false, "hi"), grpc(false, ""), grpc(true, "x")]);
    assert_eq!(entry.request.body.total, 12);
    let (bench, id) = (Bench::new(), id);
    let (other, _tape) = bench.begin("POST", "/", &[("content-type", "application/grpc-web-text")]);
    assert!(bench.get(other).messages.is_none() && other > id);
}

#[test]
fn a_replay_is_known_by_its_connection() {
    let bench = Bench::new();
    let of = Id::next();
    let replaying = bench.store.replaying(bench.conn.id, of);
    assert_eq!(replaying.recorded(), None);
    let (id, _tape) = bench.begin("GET", "/", &[]);
    assert_eq!(replaying.recorded(), Some(id));
    assert_eq!(bench.get(id).source, Source::Replay { of });
    drop(replaying);
    let (id, _tape) = bench.begin("GET", "/", &[]);
    assert_eq!(bench.get(id).source, Source::Visitor);
}
