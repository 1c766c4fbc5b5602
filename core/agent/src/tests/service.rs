//! The kinds of services that connections go on to.

use adit_config::{endpoint::ProxyProtocol, file::TerminateAt};
use adit_net::tls;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UnixListener},
    time::timeout,
};

use super::{dial::Ca, edge::*, *};

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("localhost:{port}"))
}

/// What a service hears of a visitor who says `ping`, and is answered with `pong`.
async fn talk(mut visitor: adit_mux::Stream, mut socket: impl AsyncRead + AsyncWrite + Unpin) {
    let mut heard = [0; 4];
    timeout(SOON, socket.read_exact(&mut heard)).await.unwrap().unwrap();
    assert_eq!(&heard, b"ping");
    socket.write_all(b"pong").await.unwrap();
    socket.shutdown().await.unwrap();
    visitor.finish().unwrap();
    assert_eq!(read_all(&mut visitor).await.unwrap(), b"pong");
}

#[tokio::test]
async fn a_unix_socket() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let (_edge, session, mut leg) = world().await;
    let spec = EndpointSpec::tcp(&format!("unix:{}", path.display()));
    let (endpoint, _) = bind(&session, &mut leg, spec, "t1", "tcp://edge.test:1").await;
    let visitor = leg.visit("t1", b"ping");
    let (socket, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    talk(visitor, socket).await;
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn a_service_that_listens_on_ipv6_only() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else { return };
    let port = listener.local_addr().unwrap().port();
    let (_edge, session, mut leg) = world().await;
    let spec = EndpointSpec::tcp(&port.to_string());
    let (endpoint, _) = bind(&session, &mut leg, spec, "t1", "tcp://edge.test:1").await;
    let visitor = leg.visit("t1", b"ping");
    let (socket, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    talk(visitor, socket).await;
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn tls_that_is_not_verified_after_a_proxy_header_that_is_not_encrypted() {
    let (listener, addr) = listen().await;
    let (_edge, session, mut leg) = world().await;
    let spec = EndpointSpec::http(&format!("https://{addr}")).proxy_protocol(ProxyProtocol::V1);
    let (endpoint, _) = bind(&session, &mut leg, spec, "t1", "https://a.edge.test").await;
    let line = b"PROXY TCP4 192.0.2.7 198.51.100.1 5555 443\r\n";
    let visitor = leg.visit("t1", &[line.as_slice(), b"ping"].concat());
    let (mut tcp, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    let mut header = vec![0; line.len()];
    timeout(SOON, tcp.read_exact(&mut header)).await.unwrap().unwrap();
    assert_eq!(header, line);
    let server = Ca::new().server("somebody.else");
    talk(visitor, tls::accept(tcp, server, SOON).await.unwrap()).await;
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn tls_that_is_verified_and_refused() {
    let (listener, addr) = listen().await;
    let dir = tempfile::tempdir().unwrap();
    let roots = dir.path().join("ca.pem");
    std::fs::write(&roots, Ca::new().pem()).unwrap();
    let (_edge, session, mut leg) = world().await;
    let mut spec = EndpointSpec::http(&format!("https://{addr}"));
    spec.upstream.tls_verify_cas =
        Some(adit_config::At::from_flag(roots, "--upstream-tls-verify-cas"));
    let (endpoint, _) = bind(&session, &mut leg, spec, "t1", "https://a.edge.test").await;
    let mut visitor = leg.visit("t1", b"GET / HTTP/1.1\r\nHost: a.edge.test\r\n\r\n");
    let (tcp, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    tls::accept(tcp, Ca::new().server("localhost"), SOON).await.unwrap_err();
    let answer = String::from_utf8(read_all(&mut visitor).await.unwrap()).unwrap();
    visitor.finish().unwrap();
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    let reason = "its certificate is from an unknown authority";
    let told = format!("No TLS connection with the service at https://{addr}: {reason}.");
    assert!(answer.contains(&told), "{answer}");
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn a_service_without_tls_where_tls_was_promised() {
    let (listener, addr) = listen().await;
    let (_edge, session, mut leg) = world().await;
    let spec = EndpointSpec::http(&format!("https://{addr}"));
    let (endpoint, _) = bind(&session, &mut leg, spec, "t1", "https://a.edge.test").await;
    let mut visitor = leg.visit("t1", b"GET / HTTP/1.1\r\nHost: a.edge.test\r\n\r\n");
    let (mut tcp, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    let answer = String::from_utf8(read_all(&mut visitor).await.unwrap()).unwrap();
    visitor.finish().unwrap();
    assert!(answer.contains(&format!("https://{addr}: it does not speak TLS.")), "{answer}");
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn tls_of_the_visitor_is_not_encrypted_again() {
    let (listener, addr) = listen().await;
    let (_edge, session, mut leg) = world().await;
    let spec = EndpointSpec::tls(&format!("tls://{addr}")).terminate_at(TerminateAt::Upstream);
    let (endpoint, _) = bind(&session, &mut leg, spec, "t1", "tls://a.edge.test").await;
    let visitor = leg.visit("t1", b"ping");
    let (tcp, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    talk(visitor, tcp).await;
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn what_the_edge_decrypted_is_encrypted_for_a_tls_service() {
    let (listener, addr) = listen().await;
    let (_edge, session, mut leg) = world().await;
    let spec = EndpointSpec::tls(&format!("tls://{addr}")).terminate_at(TerminateAt::Edge);
    let (endpoint, _) = bind(&session, &mut leg, spec, "t1", "tls://a.edge.test").await;
    let visitor = leg.visit("t1", b"ping");
    let (tcp, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    let server = Ca::new().server("localhost");
    talk(visitor, tls::accept(tcp, server, SOON).await.unwrap()).await;
    endpoint.keep();
    down(session, leg).await;
}
