#![allow(clippy::unwrap_used)]

use tokio::net::{TcpListener, UdpSocket, UnixListener};

use super::*;

async fn listen_on(addr: &str) -> (TcpListener, u16) {
    let listener = TcpListener::bind(addr).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[tokio::test]
async fn a_dialled_socket_sends_at_once() {
    let (listener, port) = listen_on("127.0.0.1:0").await;
    let stream = Dialer::default().tcp("127.0.0.1", port).await.unwrap();
    assert!(stream.nodelay().unwrap());
    assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
}

#[tokio::test]
async fn localhost_is_found_on_either_family() {
    for family in ["127.0.0.1:0", "[::1]:0"] {
        let (_listener, port) = listen_on(family).await;
        for host in ["localhost", "LOCALHOST.", "two-words.localhost"] {
            let stream = Dialer::default().tcp(host, port).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap().port(), port);
        }
    }
}

#[tokio::test]
async fn brackets_around_an_ipv6_address_are_fine() {
    let (_listener, port) = listen_on("[::1]:0").await;
    Dialer::default().tcp("[::1]", port).await.unwrap();
}

#[tokio::test]
async fn a_refusal_names_the_first_address_that_was_tried() {
    let (listener, port) = listen_on("127.0.0.1:0").await;
    drop(listener);
    let error = Dialer::default().tcp("localhost", port).await.unwrap_err();
    assert_eq!(error.to_string(), format!("could not connect to 127.0.0.1:{port}"));
    let DialError::Connect { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
}

/// A DNS server that never answers.
async fn silent_resolver() -> (UdpSocket, Resolver) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let resolver = Resolver::Servers([socket.local_addr().unwrap()].into());
    (socket, resolver)
}

#[tokio::test]
async fn a_name_without_an_address_is_a_resolve_error() {
    let (_server, resolver) = silent_resolver().await;
    let dialer = Dialer { resolver, ..Dialer::default() };
    let error = dialer.tcp("no..name", 80).await.unwrap_err();
    assert_eq!(error.to_string(), "could not resolve no..name");
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_unknown_interface_is_named() {
    let dialer = Dialer { interface: Some("no-such-if0".into()), ..Dialer::default() };
    let error = dialer.tcp("127.0.0.1", 1).await.unwrap_err();
    assert_eq!(error.to_string(), "could not use network interface \"no-such-if0\"");
}

#[tokio::test]
async fn unix_sockets_are_dialled_and_errors_name_the_path() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let error = unix(&path, limits::DIAL_TIMEOUT).await.unwrap_err();
    assert_eq!(error.to_string(), format!("could not connect to {}", path.display()));
    let listener = UnixListener::bind(&path).unwrap();
    let (dialled, accepted) = tokio::join!(unix(&path, limits::DIAL_TIMEOUT), listener.accept());
    dialled.unwrap();
    accepted.unwrap();
}

#[tokio::test(start_paused = true)]
async fn resolving_counts_towards_the_deadline() {
    let (_server, resolver) = silent_resolver().await;
    let timeout = Duration::from_secs(1);
    let dialer = Dialer { resolver, timeout, ..Dialer::default() };
    let error = dialer.tcp("a.example", 80).await.unwrap_err();
    assert_eq!(error.to_string(), "no connection to a.example:80 within 1s");
}

#[test]
fn families_take_turns_and_the_list_is_bounded() {
    let addr = |text: &str| -> SocketAddr { text.parse().unwrap() };
    let list = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"].map(addr);
    let expected = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"].map(addr);
    assert_eq!(take_turns(list.to_vec()), expected);
    let many = (1..=100).map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))).collect();
    assert_eq!(take_turns(many).len(), limits::MAX_ADDRESSES);
    assert_eq!(take_turns(Vec::new()), []);
}

#[test]
fn an_attempt_gets_its_share_but_not_less_than_two_seconds() {
    let s = Duration::from_secs;
    assert_eq!(share(s(10), 1), s(10));
    assert_eq!(share(s(10), 2), s(5));
    assert_eq!(share(s(10), 16), s(2));
    assert_eq!(share(s(1), 16), s(1));
}
