//! TLS that ends here, before HTTP.

use std::sync::Arc;

use adit_chain::{Conn, Id, Protocol, Refusal, Side};
use adit_net::{Io, Rewind, tls};
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    handling::{at_connect, at_request},
    proxying::OK,
};
use crate::{
    Ended, RouteOptions, TlsDefault,
    rig::{Plan, Rig, within},
    tap::{RequestHead, Tap, Tape},
};

/// The body of a request that has none.
type Nothing = Empty<bytes::Bytes>;

fn server() -> Arc<ServerConfig> {
    let key = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
    let options = tls::server::Options::default().alpn(&[tls::ALPN_H2, tls::ALPN_HTTP1]);
    let (cert, key) = (key.cert.pem(), key.signing_key.serialize_pem());
    let pem = |text: String| tls::PemSource::from_text_or_path(&text);
    tls::server::from_pem(&pem(cert), &pem(key), options).unwrap()
}

fn plan(tls: TlsDefault) -> Plan {
    let options = RouteOptions { tls, ..RouteOptions::new(Side::Edge) };
    Plan { protocol: Protocol::Https, options, ..Plan::default() }
}

async fn handshake(rig: &mut Rig, alpn: &[&[u8]]) -> Io {
    let io = Rewind::new(Io::Tcp(rig.visit().await.0));
    let name = tls::server_name("a.test").unwrap();
    let config = tls::client::unverified(alpn);
    Io::from(tls::connect(io, config, name, crate::rig::PATIENCE).await.unwrap())
}

#[tokio::test]
async fn http1_inside_tls_is_announced_as_https() {
    let mut rig = Rig::with(plan(TlsDefault::Here(server()))).await;
    let mut visitor = handshake(&mut rig, &[tls::ALPN_HTTP1]).await;
    visitor
        .write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut service = rig.served().await;
    assert!(service.head().await.contains("x-forwarded-proto: https\r\n"));
    service.send(OK).await;
    let mut answer = String::new();
    within(visitor.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    drop(visitor);
    assert_eq!(rig.closed().await.ended, Ended::Done);
}

/// A visitor that speaks HTTP/2 over TLS.
async fn over_h2(rig: &mut Rig, tasks: &mut JoinSet<hyper::Result<()>>) -> SendRequest<Nothing> {
    let io = TokioIo::new(handshake(rig, &[tls::ALPN_H2]).await);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tasks.spawn(connection);
    sender
}

#[tokio::test]
async fn http2_is_agreed_on_by_alpn() {
    let mut rig = Rig::with(plan(TlsDefault::Here(server()))).await;
    let mut tasks = JoinSet::new();
    let mut sender = over_h2(&mut rig, &mut tasks).await;
    let request = Request::get("https://a.test/").body(Nothing::new()).unwrap();
    let answer = async {
        let mut service = rig.served().await;
        assert!(service.head().await.contains("x-forwarded-proto: https\r\n"));
        service.send(OK).await;
    };
    let (response, ()) = within(async { tokio::join!(sender.send_request(request), answer) }).await;
    assert_eq!(response.unwrap().status(), 200);
}

#[tokio::test]
async fn another_name_that_the_certificate_may_be_good_for_is_misdirected() {
    let mut rig = Rig::with(plan(TlsDefault::Here(server()))).await;
    let mut tasks = JoinSet::new();
    let mut sender = over_h2(&mut rig, &mut tasks).await;
    let get = |uri: &str| Request::get(uri).body(Nothing::new()).unwrap();
    let response = within(sender.send_request(get("https://b.test/"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
    for same in ["https://A.test/", "https://a.test:8443/"] {
        let answer = async {
            let mut service = rig.served().await;
            service.head().await;
            service.send("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
        };
        let asked = sender.send_request(get(same));
        let (response, ()) = within(async { tokio::join!(asked, answer) }).await;
        assert_eq!(response.unwrap().status(), 204, "{same}");
    }
}

/// A tap that looks away: what it sees of a connection moves as it is.
#[derive(Debug)]
struct LooksAway;

impl Tap for LooksAway {
    fn begin(&self, _: &Arc<Conn>, _: Id, _: RequestHead<'_>) -> Option<Box<dyn Tape>> {
        None
    }
}

#[tokio::test]
async fn over_http1_another_name_is_misdirected_too_whoever_looks() {
    let watched = RouteOptions { tap: Some(Arc::new(LooksAway)), ..RouteOptions::new(Side::Agent) };
    for options in [RouteOptions::new(Side::Edge), watched] {
        let options = RouteOptions { tls: TlsDefault::Here(server()), ..options };
        let protocol = Protocol::Https;
        let mut rig = Rig::with(Plan { protocol, options, ..Plan::default() }).await;
        let mut visitor = handshake(&mut rig, &[tls::ALPN_HTTP1]).await;
        visitor.write_all(b"GET / HTTP/1.1\r\nHost: A.test:8443\r\n\r\n").await.unwrap();
        let mut service = rig.served().await;
        service.head().await;
        service.send(OK).await;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nok") {
            answer.push(within(visitor.read_u8()).await.unwrap());
        }
        visitor.write_all(b"GET / HTTP/1.1\r\nHost: b.test\r\n\r\n").await.unwrap();
        let mut line = [0; 34];
        within(visitor.read_exact(&mut line)).await.unwrap();
        assert_eq!(&line, b"HTTP/1.1 421 Misdirected Request\r\n");
        assert_eq!(rig.n_connects(), 1);
    }
}

#[tokio::test]
async fn a_request_that_names_no_host_is_for_the_one_that_tls_was_opened_for() {
    let mut rig = Rig::with(plan(TlsDefault::Here(server()))).await;
    let mut visitor = handshake(&mut rig, &[tls::ALPN_HTTP1]).await;
    visitor.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut service = rig.served().await;
    service.head().await;
    service.send(OK).await;
    let mut answer = String::new();
    within(visitor.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn handlers_know_what_tls_asked_for_and_what_was_presented() {
    let tell = |x: &mut adit_chain::Exchange| {
        let (hello, tls) = (x.conn.hello.get().unwrap(), x.conn.tls.get().unwrap());
        let leaf = tls.presented.as_ref().and_then(adit_chain::Presented::leaf).unwrap();
        let text = format!("{:?} {} {}.", hello.sni, &hello.ja4[..4], leaf.len());
        adit_chain::OnRequest::Respond(http::Response::new(adit_chain::Body::from(text)))
    };
    let links = vec![at_request(adit_chain::Needs::REQUEST_HEAD, tell)];
    let mut rig = Rig::with(Plan { links, ..plan(TlsDefault::Here(server())) }).await;
    let mut visitor = handshake(&mut rig, &[tls::ALPN_HTTP1]).await;
    let leaf = visitor.as_tls().unwrap().get_ref().1.peer_certificates().unwrap()[0].len();
    let get = b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
    visitor.write_all(get).await.unwrap();
    let mut answer = String::new();
    within(visitor.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.ends_with(&format!("\r\n\r\nSome(\"a.test\") t13d {leaf}.")), "{answer}");
}

#[tokio::test]
async fn a_refused_connection_is_told_inside_tls() {
    let link = at_connect(|| {
        let refusal = Refusal::new(StatusCode::FORBIDDEN, "Not from there.");
        adit_chain::OnConnect::Refuse(refusal)
    });
    let plan = Plan { links: vec![link], ..plan(TlsDefault::Here(server())) };
    let mut rig = Rig::with(plan).await;
    let mut visitor = handshake(&mut rig, &[tls::ALPN_HTTP1]).await;
    visitor.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    within(visitor.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
}

#[tokio::test]
async fn who_waits_for_an_answer_is_told_of_an_end_that_nobody_else_can_tell_of() {
    let mut rig = Rig::with(plan(TlsDefault::Here(server()))).await;
    let (late, origin) = (CancellationToken::new(), Some("secret".into()));
    (rig.cx.stop.late, rig.cx.origin) = (Some(late.clone()), origin);
    let mut visitor = handshake(&mut rig, &[tls::ALPN_HTTP1]).await;
    visitor.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await.unwrap();
    let mut service = rig.served().await;
    service.head().await;
    rig.cx.stop.drain.cancel();
    late.cancel();
    let mut page = String::new();
    within(visitor.read_to_string(&mut page)).await.unwrap();
    assert!(page.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{page}");
    assert!(page.contains("ngrok-error-code: ERR_NGROK_3210\r\n"), "{page}");
    assert!(page.contains("connection: close\r\n"), "{page}");
    assert_eq!(service.rest().await, "");
    drop(visitor);
    assert_eq!(rig.closed().await.ended, Ended::Done);
}

#[tokio::test]
async fn behind_an_edge_that_speaks_for_us_who_waits_may_wait_to_the_end() {
    let mut rig = Rig::with(plan(TlsDefault::None)).await;
    let (late, origin) = (CancellationToken::new(), Some("secret".into()));
    (rig.cx.stop.late, rig.cx.origin) = (Some(late.clone()), origin);
    let mut visitor = rig.visit().await;
    visitor.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let mut service = rig.served().await;
    service.head().await;
    rig.cx.stop.drain.cancel();
    late.cancel();
    service.send(OK).await;
    assert!(visitor.rest().await.ends_with("\r\n\r\nok"));
}

#[tokio::test]
async fn tls_that_is_passed_on_is_not_touched() {
    let mut rig = Rig::with(plan(TlsDefault::Pass)).await;
    let mut visitor = rig.visit().await;
    visitor.send("\x16\x03\x01 whatever it is").await;
    let mut service = rig.served().await;
    assert_eq!(service.until("is").await, "\x16\x03\x01 whatever it is");
}

#[tokio::test]
async fn a_visitor_without_tls_is_turned_away() {
    let mut rig = Rig::with(plan(TlsDefault::Here(server()))).await;
    let mut visitor = rig.visit().await;
    visitor.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let mut rest = Vec::new();
    let _ = within(visitor.0.read_to_end(&mut rest)).await;
    assert_eq!(rig.closed().await.ended, Ended::TlsFailed);
    assert_eq!(rig.n_connects(), 0);
}
