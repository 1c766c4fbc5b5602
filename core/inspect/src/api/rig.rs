//! What the tests of the web service share: an agent that is not one, and a client of raw bytes.

mod fake;
mod wire;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use adit_chain::{Id, Origin as Made};
use bytes::Bytes;
use http::{Method, StatusCode, Version};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

pub(super) use self::{
    fake::Fake,
    wire::{Events, Reply},
};
use super::{Serving, Shown, Web, WebAddr};
use crate::{
    capture::Store,
    control::Control,
    model::{
        Body, Entry, Headers, Kind, Message, Messages, Party, Request, Response, Source, State,
        Timing,
    },
    replay::Replayer,
};

/// No test waits longer for anything.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A web service with its agent and a client.
pub(super) struct Rig {
    pub(super) fake: Arc<Fake>,
    pub(super) store: Arc<Store>,
    pub(super) serving: Serving,
    pub(super) addr: SocketAddr,
}

impl Rig {
    pub(super) async fn up() -> Self {
        Self::at("127.0.0.1", &[]).await
    }

    pub(super) async fn at(host: &str, allow_hosts: &[&str]) -> Self {
        let store = Store::new(8 * 1024 * 1024);
        let fake = Fake::new();
        *fake.store.lock() = Some(Arc::clone(&store));
        let shown = Shown::new(Arc::clone(&fake) as Arc<dyn Control>)
            .store(Arc::clone(&store))
            .replayer(Arc::clone(&fake) as Arc<dyn Replayer>)
            .allow_hosts(allow_hosts.iter().copied());
        let web = Web::bind(&WebAddr::At { host: host.to_owned(), port: 0 }).await.unwrap();
        let addr = SocketAddr::from(([127, 0, 0, 1], web.addr().port()));
        let serving = web.serve(shown).unwrap();
        Self { fake, store, serving, addr }
    }

    pub(super) async fn get(&self, target: &str) -> Reply {
        self.send("GET", target, &[], "").await
    }

    pub(super) async fn delete(&self, target: &str) -> Reply {
        self.send("DELETE", target, &[], "").await
    }

    pub(super) async fn post(&self, target: &str, body: Value) -> Reply {
        let json = ("Content-Type", "application/json");
        self.send("POST", target, &[json], &body.to_string()).await
    }

    pub(super) async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut head = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.push_str("Host: localhost\r\n");
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        Reply::of(&self.raw(head.as_bytes()).await)
    }

    /// All that comes for some bytes, until the service closes.
    pub(super) async fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut io = self.connect().await;
        let (mut read, mut write) = io.split();
        let mut all = Vec::new();
        // The answer may come, and be all, before everything was sent.
        let both = async { tokio::join!(write.write_all(bytes), read.read_to_end(&mut all)) };
        let (_, read) = timeout(PATIENCE, both).await.unwrap();
        read.unwrap();
        all
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    /// The head of the answer to a request whose body may never end.
    pub(super) async fn head_of(&self, target: &str) -> String {
        let mut io = self.connect().await;
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        io.write_all(request.as_bytes()).await.unwrap();
        Events { io, text: String::new() }.until("\r\n\r\n").await
    }

    /// Asks for events and reads the head of the answer.
    pub(super) async fn events(&self) -> Events {
        let mut io = self.connect().await;
        io.write_all(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut events = Events { io, text: String::new() };
        let head = events.until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
        events
    }

    /// Puts a finished exchange into the store.
    pub(super) fn captured(&self, endpoint: &str, target: &str, status: u16) -> Id {
        let entry = entry(endpoint, target, status);
        let id = entry.id;
        assert!(self.store.add(entry));
        id
    }

    /// One whose bodies were not kept whole, and that has no answer.
    pub(super) fn cut(&self, endpoint: &str) -> Id {
        let mut entry = entry(endpoint, "/cut", 200);
        entry.request.body.total = 5000;
        entry.response = None;
        entry.state = State::Failed("upstream failed");
        let id = entry.id;
        assert!(self.store.add(entry));
        id
    }

    /// One that became a WebSocket, with three messages.
    pub(super) fn websocket(&self, endpoint: &str) -> Id {
        let mut entry = entry(endpoint, "/ws", 101);
        let messages = Messages::new(entry.started, Arc::clone(self.store.budget()));
        let close = Kind::Close { code: Some(1000) };
        for (kind, text) in [(Kind::Text, "hi"), (Kind::Binary, "\0x"), (close, "")] {
            let message = Message {
                seq: 0,
                from: if kind == Kind::Text { Party::Visitor } else { Party::Upstream },
                kind,
                at: Duration::from_millis(7),
                is_compressed: false,
                len: text.len() as u64,
                excerpt: Bytes::from_static(text.as_bytes()),
            };
            messages.push(message, |n| self.store.reserve(n));
        }
        entry.messages = Some(Arc::new(messages));
        let id = entry.id;
        assert!(self.store.add(entry));
        id
    }
}

/// A finished exchange.
pub(super) fn entry(endpoint: &str, target: &str, status: u16) -> Entry {
    let ms = |ms| Some(Duration::from_millis(ms));
    Entry {
        id: Id::next(),
        source: Source::Visitor,
        endpoint: endpoint.into(),
        url: "https://app.test".into(),
        client: Some("192.0.2.7:5000".parse().unwrap()),
        started: SystemTime::UNIX_EPOCH + Duration::from_millis(1_789_012_546_123),
        request: Request {
            method: Method::POST,
            target: target.into(),
            version: Version::HTTP_11,
            headers: Headers::collect([
                ("host", &b"app.test"[..]),
                ("authorization", b"Bearer secret"),
                ("content-type", b"application/json"),
            ]),
            body: Body::whole(&b"{\"a\":[1,2]}"[..]),
            trailers: None,
        },
        response: Some(Response {
            status: StatusCode::from_u16(status).unwrap(),
            version: Version::HTTP_11,
            origin: Made::Upstream,
            headers: Headers::collect([
                ("content-type", &b"text/plain"[..]),
                ("set-cookie", b"a=1"),
                ("set-cookie", b"b=2"),
            ]),
            body: Body::whole(Bytes::from_static(b"hello")),
            trailers: None,
        }),
        decisions: Arc::from([]),
        timing: Timing { to_head: ms(5), total: ms(6), ..Timing::default() },
        state: State::Done,
        messages: None,
    }
}
