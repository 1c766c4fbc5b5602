#![allow(clippy::unwrap_used)]

use std::future::pending;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::*;

const GRACE: Duration = Duration::from_secs(30);

fn any_port() -> TcpListener {
    bind("127.0.0.1:0".parse().unwrap()).unwrap()
}

#[tokio::test]
async fn an_address_in_use_is_reported_in_the_words_that_scripts_know() {
    let socket = any_port();
    let addr = socket.local_addr().unwrap();
    let error = bind(addr).unwrap_err();
    assert_eq!(error.to_string(), format!("listen tcp {addr}: bind: address already in use"));
}

#[tokio::test]
async fn an_address_that_is_not_ours_is_reported() {
    let error = bind("192.0.2.1:4040".parse().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "listen tcp 192.0.2.1:4040: bind: cannot assign requested address"
    );
}

#[tokio::test]
async fn connections_have_nodelay_and_run_side_by_side() {
    let listener = Listener::spawn(any_port(), Limits::default(), |mut io, _, _| async move {
        assert!(io.nodelay().unwrap());
        let mut byte = [0];
        io.read_exact(&mut byte).await.unwrap();
        io.write_all(&byte).await.unwrap();
    })
    .unwrap();
    let mut a = TcpStream::connect(listener.local_addr()).await.unwrap();
    let mut b = TcpStream::connect(listener.local_addr()).await.unwrap();
    for io in [&mut b, &mut a] {
        io.write_all(b"x").await.unwrap();
        assert_eq!(io.read_u8().await.unwrap(), b'x');
    }
    assert_eq!(listener.shutdown(GRACE).await, Drained::Clean);
}

#[tokio::test]
async fn silent_peers_of_accepted_connections_are_asked_whether_they_are_there() {
    let (tx, mut rx) = mpsc::channel(1);
    let listener = Listener::spawn(any_port(), Limits::default(), move |io, _, _| {
        let tx = tx.clone();
        async move {
            let socket = socket2::SockRef::from(&io);
            let asked = (
                socket.keepalive().unwrap(),
                socket.tcp_keepalive_time().unwrap(),
                socket.tcp_keepalive_interval().unwrap(),
                socket.tcp_keepalive_retries().unwrap(),
            );
            tx.send(asked).await.unwrap();
        }
    })
    .unwrap();
    let _visitor = TcpStream::connect(listener.local_addr()).await.unwrap();
    let expected =
        (true, limits::KEEPALIVE_IDLE, limits::KEEPALIVE_INTERVAL, limits::KEEPALIVE_PROBES);
    assert_eq!(rx.recv().await.unwrap(), expected);
    assert_eq!(listener.shutdown(GRACE).await, Drained::Clean);
}

#[tokio::test]
async fn on_a_socket_for_both_families_ipv4_is_told_as_such() {
    let (tx, mut rx) = mpsc::channel(1);
    let both = bind("[::]:0".parse().unwrap()).unwrap();
    let listener = Listener::spawn(both, Limits::default(), move |io, peer, _| {
        let tx = tx.clone();
        async move {
            let io = crate::Io::from(io);
            tx.send((peer, io.peer_addr().unwrap(), io.local_addr().unwrap())).await.unwrap();
        }
    })
    .unwrap();
    let port = listener.local_addr().port();
    for host in ["127.0.0.1", "::1"] {
        let visitor = TcpStream::connect((host, port)).await.unwrap();
        let (ours, server) = (visitor.local_addr().unwrap(), visitor.peer_addr().unwrap());
        assert_eq!(rx.recv().await.unwrap(), (ours, ours, server));
    }
    assert_eq!(listener.shutdown(GRACE).await, Drained::Clean);
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_for_one_to_end() {
    let (tx, mut rx) = mpsc::channel(4);
    let listener = Listener::spawn(any_port(), Limits::connections(1), move |mut io, peer, _| {
        let tx = tx.clone();
        async move {
            tx.send(peer).await.unwrap();
            drop(io.read_u8().await);
        }
    })
    .unwrap();
    let a = TcpStream::connect(listener.local_addr()).await.unwrap();
    assert_eq!(rx.recv().await, Some(a.local_addr().unwrap()));
    let b = TcpStream::connect(listener.local_addr()).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(listener.n_connections(), 1);
    drop(a);
    assert_eq!(rx.recv().await, Some(b.local_addr().unwrap()));
    drop(b);
    assert_eq!(listener.shutdown(GRACE).await, Drained::Clean);
}

#[tokio::test]
async fn a_source_over_its_limit_is_closed_at_once() {
    let (tx, mut rx) = mpsc::channel(4);
    let limits = Limits::default().per_source(1);
    let listener = Listener::spawn(any_port(), limits, move |mut io, peer, _| {
        let tx = tx.clone();
        async move {
            tx.send(peer).await.unwrap();
            drop(io.read_u8().await);
        }
    })
    .unwrap();
    let a = TcpStream::connect(listener.local_addr()).await.unwrap();
    assert_eq!(rx.recv().await, Some(a.local_addr().unwrap()));
    let mut refused = TcpStream::connect(listener.local_addr()).await.unwrap();
    assert_eq!(refused.read(&mut [0; 8]).await.unwrap(), 0);
    drop(a);
    assert_eq!(listener.shutdown(GRACE).await, Drained::Clean);
}

#[tokio::test]
async fn shutdown_frees_the_port_and_tells_connections_which_then_drain() {
    let (tx, mut rx) = mpsc::channel(4);
    let listener = Listener::spawn(any_port(), Limits::default(), move |mut io, _, signals| {
        let tx = tx.clone();
        async move {
            tx.send(()).await.unwrap();
            signals.stop.cancelled().await;
            io.write_all(b"bye").await.unwrap();
        }
    })
    .unwrap();
    let addr = listener.local_addr();
    let mut io = TcpStream::connect(addr).await.unwrap();
    rx.recv().await.unwrap();
    assert_eq!(listener.shutdown(GRACE).await, Drained::Clean);
    let mut all = Vec::new();
    io.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, b"bye");
    assert_eq!(
        TcpStream::connect(addr).await.unwrap_err().kind(),
        io::ErrorKind::ConnectionRefused
    );
}

#[tokio::test]
async fn connections_that_do_not_end_are_cut() {
    let (tx, mut rx) = mpsc::channel(4);
    let listener = Listener::spawn(any_port(), Limits::default(), move |io, _, _| {
        let tx = tx.clone();
        async move {
            tx.send(()).await.unwrap();
            let _held = io;
            pending().await
        }
    })
    .unwrap();
    let mut io = TcpStream::connect(listener.local_addr()).await.unwrap();
    rx.recv().await.unwrap();
    assert_eq!(listener.shutdown(Duration::ZERO).await, Drained::Cut { n_cut: 1 });
    assert_eq!(io.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn dropping_the_listener_closes_its_connections() {
    let (tx, mut rx) = mpsc::channel(4);
    let listener = Listener::spawn(any_port(), Limits::default(), move |io, _, _| {
        let tx = tx.clone();
        async move {
            tx.send(()).await.unwrap();
            let _held = io;
            pending().await
        }
    })
    .unwrap();
    let mut io = TcpStream::connect(listener.local_addr()).await.unwrap();
    rx.recv().await.unwrap();
    drop(listener);
    assert_eq!(io.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_only() {
    let listener = Listener::spawn(any_port(), Limits::connections(1), |mut io, _, _| async move {
        assert_ne!(io.read_u8().await.unwrap(), b'!', "asked to panic");
        io.write_all(b"ok").await.unwrap();
    })
    .unwrap();
    for (sent, expected) in [(b"!", &b""[..]), (b".", b"ok")] {
        let mut io = TcpStream::connect(listener.local_addr()).await.unwrap();
        io.write_all(sent).await.unwrap();
        let mut all = Vec::new();
        io.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, expected);
    }
    assert_eq!(listener.shutdown(GRACE).await, Drained::Clean);
}

#[test]
fn accept_errors_are_backed_off_up_to_a_second() {
    let mut backoff = Backoff::default();
    let pauses: Vec<_> = std::iter::repeat_with(|| backoff.next().as_millis()).take(10).collect();
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
}
