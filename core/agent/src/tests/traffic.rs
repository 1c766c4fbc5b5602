//! Visitors.

use adit_chain::{
    BoxError, BoxHandler, BuildCx, BuildError, Exchange, Factory, Handler, Needs, OnRequest,
    Refusal, Registry,
};
use adit_config::endpoint::ProxyProtocol;
use adit_mux::{ErrorCode, Stream};
use adit_proto::{StreamType, message::Proto};
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::{edge::*, *};

/// A listening service, and the address to forward to.
async fn service() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    (listener, addr)
}

/// An address where nobody listens.
async fn nobody() -> String {
    service().await.1
}

async fn read_exact(io: &mut (impl AsyncReadExt + Unpin), len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    timeout(SOON, io.read_exact(&mut bytes)).await.unwrap().unwrap();
    bytes
}

async fn tcp_world(upstream: &str) -> (Edge, Session, Leg, Endpoint) {
    let (edge, session, mut leg) = world().await;
    let spec = EndpointSpec::tcp(upstream);
    let (endpoint, _) = bind(&session, &mut leg, spec, "t1", "tcp://edge.test:1").await;
    (edge, session, leg, endpoint)
}

#[tokio::test]
async fn both_halves_of_a_connection_end_on_their_own() {
    let (listener, addr) = service().await;
    let (_edge, session, leg, endpoint) = tcp_world(&addr).await;
    let mut visitor = leg.visit("t1", b"ping");
    let (mut socket, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    assert_eq!(read_exact(&mut socket, 4).await, b"ping");
    visitor.finish().unwrap();
    assert_eq!(socket.read(&mut [0; 8]).await.unwrap(), 0, "the visitor's half has ended");
    socket.write_all(b"a late answer").await.unwrap();
    drop(socket);
    assert_eq!(read_all(&mut visitor).await.unwrap(), b"a late answer");
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn a_service_that_ends_first_still_hears_the_visitor() {
    let (listener, addr) = service().await;
    let (_edge, session, leg, endpoint) = tcp_world(&addr).await;
    let mut visitor = leg.visit("t1", b"");
    let (mut socket, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    socket.write_all(b"220 ready").await.unwrap();
    socket.shutdown().await.unwrap();
    assert_eq!(read_all(&mut visitor).await.unwrap(), b"220 ready");
    visitor.write_all(b"still here").await.unwrap();
    visitor.shutdown().await.unwrap();
    let mut all = Vec::new();
    timeout(SOON, socket.read_to_end(&mut all)).await.unwrap().unwrap();
    assert_eq!(all, b"still here");
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn a_visitor_who_breaks_off_takes_the_connection_to_the_service_with_him() {
    let (listener, addr) = service().await;
    let (_edge, session, leg, endpoint) = tcp_world(&addr).await;
    let mut visitor = leg.visit("t1", b"x");
    let (mut socket, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    assert_eq!(read_exact(&mut socket, 1).await, b"x");
    visitor.abort(ErrorCode::StreamCancelled);
    let end = timeout(SOON, socket.read(&mut [0; 8])).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn what_the_agent_does_not_know_is_refused_and_nothing_else_suffers() {
    let (listener, addr) = service().await;
    let (_edge, session, leg, endpoint) = tcp_world(&addr).await;
    let refused = Err(Some(ErrorCode::StreamRefused));
    assert_eq!(read_all(&mut leg.visit("t2", b"hello")).await, refused, "unknown id");
    let mut odd = leg.mux.open(Bytes::from_static(&[0, 0, 0, 42])).unwrap();
    assert_eq!(read_all(&mut odd).await, refused, "unknown type");
    for len in [0, -1, i64::MIN, 65_537, i64::MAX] {
        let mut first = StreamType::PROXY.to_bytes().to_vec();
        first.extend_from_slice(&len.to_le_bytes());
        let mut stream = leg.mux.open(first.into()).unwrap();
        assert_eq!(read_all(&mut stream).await, refused, "header of {len} bytes");
    }
    // A header that never comes holds up nobody.
    let silent = leg.mux.open(Bytes::from_static(&[0, 0, 0, 3])).unwrap();
    let mut visitor = leg.visit("t1", b"ping");
    let (mut socket, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    assert_eq!(read_exact(&mut socket, 4).await, b"ping");
    drop(socket);
    assert_eq!(read_all(&mut visitor).await.unwrap(), b"");
    drop((silent, visitor));
    assert!(leg.streams_alive());
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test(start_paused = true)]
async fn a_header_that_does_not_come_within_ten_seconds_is_refused() {
    let (_edge, session, leg) = world().await;
    let mut silent = leg.mux.open(Bytes::from_static(&[0, 0, 0, 3, 9])).unwrap();
    let began = tokio::time::Instant::now();
    assert_eq!(read_all(&mut silent).await, Err(Some(ErrorCode::StreamRefused)));
    assert_eq!(began.elapsed().as_secs(), 10);
    down(session, leg).await;
}

#[tokio::test]
async fn a_tcp_service_that_is_down_cancels_the_stream() {
    let (_edge, session, leg, endpoint) = tcp_world(&nobody().await).await;
    let mut visitor = leg.visit("t1", b"ping");
    assert_eq!(read_all(&mut visitor).await, Err(Some(ErrorCode::StreamCancelled)));
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn an_http_service_that_is_down_is_a_page_that_the_edge_can_trust() {
    let addr = nobody().await;
    let (_edge, session, mut leg) = world().await;
    let spec = EndpointSpec::http(&addr);
    let (endpoint, _) = bind(&session, &mut leg, spec, "t1", "https://a.edge.test").await;
    let request = b"GET / HTTP/1.1\r\nHost: a.edge.test\r\nAccept: application/json\r\n\r\n";
    let mut visitor = leg.visit("t1", request);
    let answer = String::from_utf8(read_all(&mut visitor).await.unwrap()).unwrap();
    visitor.finish().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 502 "), "{head}");
    assert!(head.contains("\r\nngrok-error-code: err_ngrok_8012"), "{head}");
    assert!(head.contains(&format!("\r\nadit-origin: {ORIGIN}")), "{head}");
    assert!(body.contains(&format!("http://{addr}")), "{body}");
    assert!(body.contains("connection refused"), "{body}");
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn a_proxy_header_is_taken_off_and_given_to_the_service() {
    let (listener, addr) = service().await;
    let (_edge, session, mut leg) = world().await;
    let spec = EndpointSpec::tcp(&addr).proxy_protocol(ProxyProtocol::V1);
    let (endpoint, asked) = bind(&session, &mut leg, spec, "t1", "tcp://edge.test:1").await;
    assert_eq!(asked.opts.as_map()["ProxyProto"], 1);
    let line = b"PROXY TCP4 192.0.2.7 198.51.100.1 5555 443\r\n";
    let mut visitor = leg.visit("t1", &[line.as_slice(), b"hello"].concat());
    let (mut socket, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    assert_eq!(read_exact(&mut socket, line.len()).await, line);
    assert_eq!(read_exact(&mut socket, 5).await, b"hello");
    visitor.finish().unwrap();
    drop(socket);
    let _ = read_all(&mut visitor).await;
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn http_without_handlers_is_relayed_as_it_is() {
    let (listener, addr) = service().await;
    let (_edge, session, mut leg) = world().await;
    let spec = EndpointSpec::http(&addr);
    let (endpoint, asked) = bind(&session, &mut leg, spec, "t1", "https://a.edge.test").await;
    assert_eq!((asked.proto, asked.forwards_proto.as_str()), (Proto::Https, "http1"));
    let odd = b"get /\x01 HTTP/1.1\r\n  odd\r\n\r\n";
    let mut visitor = leg.visit("t1", odd);
    let (mut socket, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    assert_eq!(read_exact(&mut socket, odd.len()).await, odd);
    visitor.finish().unwrap();
    drop(socket);
    let _ = read_all(&mut visitor).await;
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn a_directory_is_served_through_a_session() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("hello.txt"), "hello from a file").unwrap();
    let (_edge, session, mut leg) = world().await;
    let spec = EndpointSpec::http(&format!("file://{}", dir.path().display()));
    let (endpoint, _) = bind(&session, &mut leg, spec, "t1", "https://a.edge.test").await;
    let ask = |path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: a.edge.test\r\nConnection: close\r\n\r\n")
    };
    let mut visitor = leg.visit("t1", ask("/hello.txt").as_bytes());
    let answer = String::from_utf8(read_all(&mut visitor).await.unwrap()).unwrap();
    visitor.finish().unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("hello from a file"),
        "{answer}"
    );
    let mut visitor = leg.visit("t1", ask("/..%2f..%2fetc/passwd").as_bytes());
    let answer = String::from_utf8(read_all(&mut visitor).await.unwrap()).unwrap();
    visitor.finish().unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    endpoint.keep();
    down(session, leg).await;
}

/// Turns every request away.
#[derive(Debug)]
struct Wall;

impl Handler for Wall {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD
    }

    async fn on_request(&self, _: &mut Exchange) -> Result<OnRequest, BoxError> {
        Ok(OnRequest::Abort(Refusal::new(http::StatusCode::IM_A_TEAPOT, "a wall")))
    }
}

struct Walls;

impl Factory for Walls {
    fn kind(&self) -> &str {
        "wall"
    }

    fn build(&self, _: &serde_json::Value, _: &BuildCx) -> Result<BoxHandler, BuildError> {
        Ok(BoxHandler::new(Wall))
    }
}

#[tokio::test]
async fn handlers_run_before_the_service() {
    let (listener, addr) = service().await;
    let (mut edge, builder) = Edge::new();
    let registry = Registry::default().with([std::sync::Arc::new(Walls) as _]);
    let (session, mut leg) = online(&mut edge, builder.registry(registry)).await;
    let spec = EndpointSpec::http(&addr).handler("wall", serde_json::json!({}));
    let (endpoint, _) = bind(&session, &mut leg, spec, "t1", "https://a.edge.test").await;
    let request = b"GET / HTTP/1.1\r\nHost: a.edge.test\r\nConnection: close\r\n\r\n";
    let mut visitor: Stream = leg.visit("t1", request);
    let answer = String::from_utf8(read_all(&mut visitor).await.unwrap()).unwrap();
    visitor.finish().unwrap();
    assert!(answer.starts_with("HTTP/1.1 418 "), "{answer}");
    let nobody_came = tokio::select! {
        biased;
        _ = listener.accept() => false,
        () = std::future::ready(()) => true,
    };
    assert!(nobody_came);
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn a_shutdown_lets_open_connections_finish() {
    let (listener, addr) = service().await;
    let (_edge, session, leg, endpoint) = tcp_world(&addr).await;
    let mut visitor = leg.visit("t1", b"ping");
    let (mut socket, _): (TcpStream, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    endpoint.keep();
    let finish = async {
        assert_eq!(read_exact(&mut socket, 4).await, b"ping");
        socket.write_all(b"pong").await.unwrap();
        drop(socket);
        visitor.finish().unwrap();
        assert_eq!(read_all(&mut visitor).await.unwrap(), b"pong");
    };
    tokio::join!(down(session, leg), finish);
}
