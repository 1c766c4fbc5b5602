#![allow(clippy::unwrap_used)]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::limits;

async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (a, b) = tokio::join!(TcpStream::connect(addr), listener.accept());
    (a.unwrap(), b.unwrap().0)
}

#[tokio::test]
async fn a_tcp_connection_keeps_its_addresses_and_its_fast_path() {
    let (a, b) = tcp_pair().await;
    let (a_addr, b_addr) = (a.local_addr().unwrap(), b.local_addr().unwrap());
    let (a, b) = (Io::from(a), Io::from(b));
    assert_eq!((a.local_addr(), a.peer_addr()), (Some(a_addr), Some(b_addr)));
    assert!(a.as_tcp().is_some() && b.as_tcp().is_some());
    assert!(a.is_write_vectored());
    assert!(Io::other(a).as_tcp().is_none());
}

#[tokio::test]
async fn vectored_writes_arrive_in_order() {
    let (a, b) = tcp_pair().await;
    let (mut a, mut b) = (Io::from(a), Io::from(b));
    let n = a.write_vectored(&[IoSlice::new(b"head"), IoSlice::new(b"body")]).await.unwrap();
    assert_eq!(n, 8);
    a.shutdown().await.unwrap();
    let mut all = Vec::new();
    b.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, b"headbody");
}

#[tokio::test]
async fn reset_on_drop_reaches_the_peer_as_a_reset() {
    let (a, b) = tcp_pair().await;
    let (a, mut b) = (Io::from(a), Io::from(b));
    a.reset_on_drop();
    drop(a);
    let error = b.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_reset_is_known_without_reading_or_writing() {
    let (a, b) = tcp_pair().await;
    let (mut a, mut b) = (Io::from(a), Io::from(b));
    a.write_all(b"last words").await.unwrap();
    a.shutdown().await.unwrap();
    let mut all = Vec::new();
    b.read_to_end(&mut all).await.unwrap();
    assert_eq!(b.hearing(), Hearing::Open, "half-closed");
    a.reset_on_drop();
    drop(a);
    b.as_tcp().unwrap().ready(Interest::ERROR).await.unwrap();
    assert_eq!(b.hearing(), Hearing::Broken);
}

#[tokio::test]
async fn who_closed_a_unix_socket_hears_nothing_and_who_finished_does() {
    let (a, peer) = UnixStream::pair().unwrap();
    let (mut a, mut peer) = (Io::from(a), Io::from(peer));
    peer.shutdown().await.unwrap();
    assert_eq!(a.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(a.hearing(), Hearing::Open);
    drop(peer);
    let Io::Unix(socket) = &a else { unreachable!() };
    // Readiness comes with the next turn of the event loop.
    while !socket.ready(Interest::WRITABLE).await.unwrap().is_write_closed() {
        tokio::task::yield_now().await;
    }
    assert_eq!(a.hearing(), Hearing::Ended);
}

#[tokio::test]
async fn a_peer_that_is_asked_is_asked_as_often_as_the_limits_say() {
    let (a, _b) = tcp_pair().await;
    let io = Io::from(a);
    io.ask_peer();
    let socket = socket2::SockRef::from(io.as_tcp().unwrap());
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), limits::KEEPALIVE_IDLE);
    assert_eq!(socket.tcp_keepalive_interval().unwrap(), limits::KEEPALIVE_INTERVAL);
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), limits::KEEPALIVE_PROBES);
}

#[tokio::test]
async fn a_rewound_connection_with_nothing_to_replay_is_unwrapped() {
    let (a, _b) = tcp_pair().await;
    let io = Io::from(Rewind::new(Io::from(a)));
    assert!(io.as_tcp().is_some());
}

#[tokio::test]
async fn half_close_works_on_unix_sockets_and_boxed_streams() {
    let (unix, peer) = UnixStream::pair().unwrap();
    let (mut a, mut b) = (Io::from(unix), Io::other(peer));
    a.write_all(b"ping").await.unwrap();
    a.shutdown().await.unwrap();
    let mut all = Vec::new();
    b.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, b"ping");
    b.write_all(b"pong").await.unwrap();
    b.shutdown().await.unwrap();
    all.clear();
    a.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, b"pong");
}
