#![allow(clippy::unwrap_used)]

use std::error::Error as _;

use rcgen::generate_simple_self_signed;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Takes one request head, answers, echoes four bytes. Returns the head.
async fn http_proxy(mut io: impl AsyncRead + AsyncWrite + Unpin, answer: &str) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.unwrap());
    }
    io.write_all(answer.as_bytes()).await.unwrap();
    io.flush().await.unwrap();
    let mut ping = [0; 4];
    if io.read_exact(&mut ping).await.is_ok() {
        io.write_all(&ping).await.unwrap();
        io.shutdown().await.unwrap();
    }
    String::from_utf8(head).unwrap()
}

async fn ping(io: Result<Io, ProxyError>) -> Vec<u8> {
    let mut io = io.unwrap();
    io.write_all(b"ping").await.unwrap();
    let mut all = Vec::new();
    io.read_to_end(&mut all).await.unwrap();
    all
}

#[tokio::test]
async fn connect_names_the_target_and_sends_credentials_and_loses_no_early_byte() {
    let (listener, port) = listen().await;
    let proxy = Proxy::parse(&format!("http://us%3Aer:p%40ss@127.0.0.1:{port}")).unwrap();
    let server = async {
        let (io, _) = listener.accept().await.unwrap();
        http_proxy(io, "HTTP/1.1 200 OK\r\nVia: test\r\n\r\nearly ").await
    };
    let dialer = Dialer::default();
    let client = async { ping(proxy.dial(&dialer, "edge.example", 443).await).await };
    let (head, echoed) = tokio::join!(server, client);
    assert_eq!(
        head,
        "CONNECT edge.example:443 HTTP/1.1\r\nHost: edge.example:443\r\n\
         Proxy-Authorization: Basic dXM6ZXI6cEBzcw==\r\n\r\n"
    );
    assert_eq!(echoed, b"early ping");
    assert_eq!(format!("{proxy:?}"), format!("Proxy(http://127.0.0.1:{port})"));
}

#[tokio::test]
async fn an_https_proxy_is_spoken_to_in_tls() {
    let (listener, port) = listen().await;
    let made = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let pem = |text: String| tls::PemSource::Text(text.into());
    let (cert, key) = (pem(made.cert.pem()), pem(made.signing_key.serialize_pem()));
    let config = tls::server::from_pem(&cert, &key, tls::server::Options::default()).unwrap();
    let roots = Roots::Pem(made.cert.pem().into()).load().unwrap();
    let server = async {
        let (io, _) = listener.accept().await.unwrap();
        let io = tls::accept(io, config, Duration::from_secs(10)).await.unwrap();
        http_proxy(io, "HTTP/1.0 200\r\n\r\n").await
    };
    let proxy = Proxy {
        kind: Kind::Https(tls::client::verified(roots, &[])),
        host: "127.0.0.1".to_owned(),
        port,
        credentials: None,
    };
    let dialer = Dialer::default();
    let client = async { ping(proxy.dial(&dialer, "::1", 443).await).await };
    let (head, echoed) = tokio::join!(server, client);
    assert_eq!(head, "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n");
    assert_eq!(echoed, b"ping");
}

#[tokio::test]
async fn a_refusal_tells_the_status_and_what_to_do() {
    for (answer, expected) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "refused with status 407; give user and password in the proxy URL",
        ),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "refused with status 502"),
        ("SSH-2.0-x\r\n\r\n", "its answer is not an HTTP response of a reasonable size"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "its answer is not an HTTP response of a reasonable size"),
    ] {
        let (listener, port) = listen().await;
        let proxy = Proxy::parse(&format!("http://127.0.0.1:{port}")).unwrap();
        let server = async {
            let (io, _) = listener.accept().await.unwrap();
            http_proxy(io, answer).await
        };
        let dialer = Dialer::default();
        let client = async { proxy.dial(&dialer, "edge.example", 443).await.unwrap_err() };
        let (_, error) = tokio::join!(server, client);
        assert_eq!(error.to_string(), "proxy did not connect to edge.example:443");
        assert_eq!(error.source().unwrap().to_string(), expected);
    }
}

#[tokio::test]
async fn socks5_asks_the_proxy_to_resolve_the_name() {
    let (listener, port) = listen().await;
    let proxy = Proxy::parse(&format!("socks5://127.0.0.1:{port}")).unwrap();
    let server = async {
        let (mut io, _) = listener.accept().await.unwrap();
        let mut hello = [0; 3];
        io.read_exact(&mut hello).await.unwrap();
        assert_eq!(hello, [5, 1, 0]);
        io.write_all(&[5, 0]).await.unwrap();
        let mut request = [0; 19];
        io.read_exact(&mut request).await.unwrap();
        assert_eq!(&request, b"\x05\x01\x00\x03\x0cedge.example\x01\xbb");
        io.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
        io.write_all(b"hello").await.unwrap();
    };
    let dialer = Dialer::default();
    let client = async {
        let mut io = proxy.dial(&dialer, "edge.example", 443).await.unwrap();
        let mut all = Vec::new();
        io.read_to_end(&mut all).await.unwrap();
        all
    };
    let ((), all) = tokio::join!(server, client);
    assert_eq!(all, b"hello");
}

#[tokio::test]
async fn a_proxy_that_never_answers_meets_the_deadline() {
    let (_listener, port) = listen().await;
    let proxy = Proxy::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    let dialer = Dialer::default().with_timeout(Duration::from_millis(50));
    let error = proxy.dial(&dialer, "edge.example", 443).await.unwrap_err();
    assert_eq!(error.to_string(), "proxy did not connect to edge.example:443 within 50ms");
}

#[test]
fn bad_urls_are_refused_without_printing_them() {
    let error = |url: &str| Proxy::parse(url).unwrap_err();
    assert!(matches!(error("not a url secret"), ProxyUrlError::Invalid { .. }));
    assert_eq!(
        error("ftp://u:secret@host").to_string(),
        "proxy URL has the unknown scheme \"ftp\"; use http, https or socks5"
    );
    assert!(matches!(error("socks5:///x"), ProxyUrlError::NoHost));
    assert_eq!(Proxy::parse("socks5h://host").unwrap().port, 1080);
    assert_eq!(Proxy::parse("http://host").unwrap().port, 80);
}
