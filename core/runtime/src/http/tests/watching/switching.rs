//! What comes after HTTP.

use adit_chain::{Body, BoxError, ByteStream, Exchange, Handler, Link, Needs, OnRequest, WrapIo};
use http::{HeaderValue, Response, StatusCode};
use tokio::io::AsyncReadExt as _;

use super::{UNSENT, next, rig};

#[tokio::test]
async fn bytes_after_a_switch_are_heard_both_ways() {
    let (mut rig, mut told) = rig(Vec::new()).await;
    let mut visitor = rig.visit().await;
    visitor
        .send(
            "GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly",
        )
        .await;
    let mut service = rig.served().await;
    service.head().await;
    service
        .send(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nhello",
        )
        .await;
    visitor.until("hello").await;
    service.until("early").await;
    visitor.send("ping").await;
    service.until("ping").await;
    service.send("pong").await;
    visitor.until("pong").await;
    visitor.close_half().await;
    service.close_half().await;
    let lines = next(&mut told).await;
    assert_eq!(lines[1], "< 101 HTTP/1.1 [upgrade connection] by Upstream");
    let said = |party: &str| -> String {
        lines.iter().filter_map(|line| line.strip_prefix(party)).collect()
    };
    assert_eq!((said("Visitor: "), said("Upstream: ")), ("earlyping".into(), "hellopong".into()));
    assert_eq!(lines.last().unwrap(), "end Some(101) well");
}

/// Switches protocols by itself, and says something to the service first.
#[derive(Debug)]
struct Detaching;

impl Handler for Detaching {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD
    }

    async fn on_request(&self, _: &mut Exchange) -> Result<OnRequest, BoxError> {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
        response.headers_mut().insert("upgrade", HeaderValue::from_static("echo"));
        Ok(OnRequest::Detach { response, wrap: Box::new(First) })
    }
}

struct First;

impl WrapIo for First {
    fn wrap(self: Box<Self>, io: Box<dyn ByteStream>) -> Box<dyn ByteStream> {
        let (read, write) = tokio::io::split(io);
        Box::new(tokio::io::join(std::io::Cursor::new("first ").chain(read), write))
    }
}

#[tokio::test]
async fn where_a_handler_turns_the_bytes_the_visitors_own_are_heard() {
    let (mut rig, mut told) = rig(vec![Link::new("a", Detaching)]).await;
    let mut visitor = rig.visit().await;
    visitor
        .send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n1")
        .await;
    let mut service = rig.served().await;
    visitor.head().await;
    visitor.send("2").await;
    service.until("first 12").await;
    service.send("3").await;
    visitor.until("3").await;
    visitor.close_half().await;
    service.close_half().await;
    let lines = next(&mut told).await;
    assert_eq!(lines[2..4], ["a to: Detach -", UNSENT]);
    let said = |party: &str| -> String {
        lines.iter().filter_map(|line| line.strip_prefix(party)).collect()
    };
    assert_eq!((said("Visitor: "), said("Upstream: ")), ("12".into(), "3".into()));
    assert_eq!(lines.last().unwrap(), "end Some(101) well");
}
