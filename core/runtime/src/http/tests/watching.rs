//! What a tap sees of exchanges.

mod breaking;
mod handlers;
mod same;
mod scripted;
mod switching;
mod verbatim;

use std::sync::Arc;

use adit_chain::{Chain, Conn, Finished, Id, Link, OnConnect, Protocol, Refusal, Side, Way};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Version};
use http_body_util::BodyExt;
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinSet,
};

use super::{handling::at_connect, proxying::OK, two};
use crate::{
    Relay, Route, RouteOptions, Upstream,
    rig::{Peer, Plan, Rig, endpoint, within},
    tap::{Party, RequestHead, ResponseHead, Tap, Tape},
};

/// Writes down what it is told, and sends it when the exchange is over.
#[derive(Debug)]
struct Notebook(Sender<Vec<String>>);

struct Writing {
    id: Id,
    lines: Vec<String>,
    tell: Sender<Vec<String>>,
}

impl Tap for Notebook {
    fn begin(&self, conn: &Arc<Conn>, id: Id, head: RequestHead<'_>) -> Option<Box<dyn Tape>> {
        if head.uri.path() == "/unseen" {
            return None;
        }
        let RequestHead { method, uri, version, headers, has_body, .. } = head;
        let (name, names) = (&conn.endpoint.name, names(headers));
        let first = format!("{name}: {method} {uri} {version:?} [{names}] body: {has_body}");
        Some(Box::new(Writing { id, lines: vec![first], tell: self.0.clone() }))
    }
}

impl Writing {
    fn write(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }
}

impl Tape for Writing {
    fn request_data(&mut self, data: &Bytes) {
        self.write(format!("> {}", text(data)));
    }

    fn request_end(&mut self, trailers: Option<&HeaderMap>) {
        self.write(format!("> end [{}]", trailers.map(names).unwrap_or_default()));
    }

    fn response(&mut self, head: ResponseHead<'_>) {
        let ResponseHead { status, version, headers, origin, phases, trace } = head;
        let names = names(headers);
        self.write(format!("< {} {version:?} [{names}] by {origin:?}", status.as_u16()));
        for entry in trace {
            let way = if entry.way == Way::Request { "to" } else { "back" };
            let note = if entry.note.is_empty() { "-" } else { &entry.note };
            self.write(format!("{} {way}: {:?} {note}", entry.link, entry.verdict));
        }
        let parts = [phases.handlers, phases.connect, phases.first_byte];
        self.write(format!("phases {:?}", parts.map(|part| part.is_some())));
        if headers.get("x-id").is_some_and(|id| id.to_str().unwrap() == self.id.to_string()) {
            self.write("same id");
        }
    }

    fn response_data(&mut self, data: &Bytes) {
        self.write(format!("< {}", text(data)));
    }

    fn response_trailers(&mut self, trailers: &HeaderMap) {
        self.write(format!("< end [{}]", names(trailers)));
    }

    fn switched(&mut self, from: Party, bytes: &[u8]) {
        self.write(format!("{from:?}: {}", text(bytes)));
    }

    fn end(mut self: Box<Self>, end: Finished) {
        self.write(format!("end {:?} {}", end.status, end.failure.unwrap_or("well")));
        let _ = self.tell.try_send(std::mem::take(&mut self.lines));
    }
}

fn names(headers: &HeaderMap) -> String {
    headers.keys().map(|name| name.as_str()).collect::<Vec<_>>().join(" ")
}

fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    if text.len() > 20 { format!("{} bytes", text.len()) } else { text }
}

/// At an agent, which does not change what was sent.
async fn rig(links: Vec<Link>) -> (Rig, Receiver<Vec<String>>) {
    let (tell, told) = mpsc::channel(8);
    let tap: Option<Arc<dyn Tap>> = Some(Arc::new(Notebook(tell)));
    let options = RouteOptions { tap, ..RouteOptions::new(Side::Agent) };
    (Rig::with(Plan { links, options, ..Plan::default() }).await, told)
}

/// A request that has reached the service.
struct Asked {
    rig: Rig,
    told: Receiver<Vec<String>>,
    visitor: Peer,
    service: Peer,
}

async fn asked() -> Asked {
    let (mut rig, told) = rig(Vec::new()).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    Asked { rig, told, visitor, service }
}

/// The service gives the usual answer, and the visitor gets it.
async fn answer(service: &mut Peer, visitor: &mut Peer) {
    service.send(OK).await;
    visitor.until("\r\n\r\nok").await;
}

async fn next(told: &mut Receiver<Vec<String>>) -> Vec<String> {
    within(told.recv()).await.unwrap()
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const SEEN: &str = "a.test: GET / HTTP/1.1 [host] body: false";
const FRESH: &str = "phases [true, true, true]";
const REUSED: &str = "phases [true, false, true]";
const UNSENT: &str = "phases [false, false, false]";

#[tokio::test]
async fn both_bodies_are_seen_as_they_pass() {
    let (mut rig, mut told) = rig(Vec::new()).await;
    assert_eq!(rig.route.relay, Relay::Http);
    let mut visitor = rig.visit().await;
    visitor
        .send(
            "POST /a?b HTTP/1.1\r\nHost: a.test\r\nX-Y: 1\r\nConnection: keep-alive\r\n\
             Transfer-Encoding: chunked\r\nTE: trailers\r\nTrailer: x-sum\r\n\r\n2\r\nhe\r\n",
        )
        .await;
    let mut service = rig.served().await;
    service.until("he\r\n").await;
    visitor.send("3\r\nllo\r\n0\r\nx-sum: 5\r\n\r\n").await;
    service.until("x-sum: 5\r\n\r\n").await;
    service
        .send(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n\
             2\r\nok\r\n0\r\nx-end: 1\r\n\r\n",
        )
        .await;
    visitor.until("x-end: 1\r\n\r\n").await;
    let expected = [
        "a.test: POST /a?b HTTP/1.1 [host x-y connection transfer-encoding te trailer] body: true",
        "> he",
        "> llo",
        "> end [x-sum]",
        "< 200 HTTP/1.1 [trailer] by Upstream",
        FRESH,
        "< ok",
        "< end [x-end]",
        "end Some(200) well",
    ];
    assert_eq!(next(&mut told).await, expected);
    visitor.send(GET).await;
    service.head().await;
    service.send(OK).await;
    visitor.until("\r\n\r\nok").await;
    let head = "< 200 HTTP/1.1 [content-length] by Upstream";
    assert_eq!(next(&mut told).await, [SEEN, head, REUSED, "< ok", "end Some(200) well"]);
}

#[tokio::test]
async fn answers_without_a_body_end_with_their_head() {
    let (mut rig, mut told) = rig(Vec::new()).await;
    let mut visitor = rig.visit().await;
    let mut service = None;
    for (method, answer) in [
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n"),
    ] {
        visitor.send(&format!("{method} / HTTP/1.1\r\nHost: a.test\r\n\r\n")).await;
        if service.is_none() {
            service = Some(rig.served().await);
        }
        let service = service.as_mut().unwrap();
        service.head().await;
        service.send(answer).await;
        visitor.head().await;
        let lines = next(&mut told).await;
        let status = &answer[9..12];
        assert!(lines[1].starts_with(&format!("< {status} ")), "{lines:?}");
        assert_eq!(lines[3..], [format!("end Some({status}) well")], "{method}");
    }
}

#[tokio::test]
async fn refusals_and_failures_are_seen_too() {
    let (mut rig, mut told) = rig(Vec::new()).await;
    let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    drop(std::mem::replace(&mut rig.service, elsewhere));
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    assert!(visitor.head().await.starts_with("HTTP/1.1 502 "));
    let lines = next(&mut told).await;
    assert_eq!(lines[0], SEEN);
    assert!(lines[1].starts_with("< 502 ") && lines[1].ends_with(" by Agent"), "{lines:?}");
    assert_eq!(lines[2], "phases [true, false, false]");
    assert!(lines[3].starts_with("< ") && lines[3].ends_with(" bytes"), "{lines:?}");
    assert_eq!(lines[4], "end Some(502) upstream-unreachable");

    let mut visitor = rig.visit().await;
    visitor.send("GET / HTTP/1.1\r\nHost: a b\r\n\r\n").await;
    assert!(visitor.head().await.starts_with("HTTP/1.1 400 "));
    let lines = next(&mut told).await;
    assert_eq!((&*lines[0], &*lines[2]), (SEEN, UNSENT));
    assert_eq!(lines.last().unwrap(), "end Some(400) refused");
}

#[tokio::test]
async fn a_connection_that_was_turned_away_is_seen_when_it_asks() {
    let refuse = || OnConnect::Refuse(Refusal::new(StatusCode::FORBIDDEN, "Not you."));
    let (mut rig, mut told) = rig(vec![at_connect(refuse)]).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    assert!(visitor.head().await.starts_with("HTTP/1.1 403 "));
    let lines = next(&mut told).await;
    assert_eq!(lines[0], SEEN);
    assert!(lines[1].starts_with("< 403 "), "{lines:?}");
    assert_eq!(lines.last().unwrap(), "end Some(403) refused");
}

#[tokio::test]
async fn http2_exchanges_are_seen_each_by_itself() {
    let (mut rig, mut told) = rig(Vec::new()).await;
    let mut tasks = JoinSet::new();
    let mut sender = two::client(&mut rig, &mut tasks).await;
    let answer = async {
        rig.served().await.send(OK).await;
    };
    let (response, ()) =
        within(async { tokio::join!(sender.send_request(two::get("/x")), answer) }).await;
    let response = response.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
    let lines = next(&mut told).await;
    assert!(lines[0].starts_with("a.test: GET http://a.test/x HTTP/2.0 [cookie"), "{lines:?}");
    assert_eq!(lines.last().unwrap(), "end Some(200) well");
}

#[tokio::test]
async fn a_connection_is_watched_by_whoever_its_route_names_now() {
    let (mut rig, mut told) = rig(Vec::new()).await;
    let mut visitor = rig.visit().await;
    visitor.send("GET /unseen HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let mut service = rig.served().await;
    service.head().await;
    service.send(OK).await;
    visitor.until("ok").await;
    let replace = |tap: Option<Arc<dyn Tap>>| {
        let upstream: Arc<dyn Upstream> = Arc::<crate::rig::Dialled>::clone(&rig.dialled);
        let options = RouteOptions { tap, ..RouteOptions::new(Side::Agent) };
        let endpoint = endpoint("a.test", Protocol::Http);
        rig.live.replace(Route::new(endpoint, Chain::default(), upstream, options));
    };
    let (tell, mut told_now) = mpsc::channel(8);
    replace(Some(Arc::new(Notebook(tell))));
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    service.send(OK).await;
    visitor.until("ok").await;
    assert_eq!(next(&mut told_now).await[0], SEEN);
    replace(None);
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    service.send(OK).await;
    visitor.until("ok").await;
    drop(visitor);
    rig.closed().await;
    assert!(told.try_recv().is_err() && told_now.try_recv().is_err());
}

#[tokio::test]
async fn an_endpoint_of_bytes_has_no_use_for_a_tap() {
    let (tell, _told) = mpsc::channel(1);
    let tap: Option<Arc<dyn Tap>> = Some(Arc::new(Notebook(tell)));
    let options = RouteOptions { tap, ..RouteOptions::new(Side::Agent) };
    let rig = Rig::with(Plan { protocol: Protocol::Tcp, options, ..Plan::default() }).await;
    assert_eq!(rig.route.relay, Relay::Raw);
    assert!(rig.route.tap.is_none());
}
