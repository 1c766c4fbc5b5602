//! Peers that are gone while nobody reads from them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::ready,
    time::Duration,
};

use adit_chain::Protocol;
use bytes::Bytes;
use futures_util::Sink;
use tokio::{
    io::{AsyncBufRead, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest, ReadBuf},
    net::{TcpListener, TcpStream, UnixStream},
    task::JoinSet,
};

use super::*;
use crate::rig::{Peer, Plan, Rig, within};

const SOON: Duration = Duration::from_millis(20);
const NEVER: Duration = Duration::from_hours(1);

async fn tcp() -> (Rig, Peer, Peer) {
    let mut rig = Rig::with(Plan { protocol: Protocol::Tcp, ..Plan::default() }).await;
    let visitor = rig.visit().await;
    let service = rig.served().await;
    (rig, visitor, service)
}

/// A relay that looks often.
struct Watched(JoinSet<(Totals, io::Result<()>)>);

impl Watched {
    fn new(visitor: Io, upstream: Io, stall: Duration) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut relaying = Relaying::new(visitor.into(), upstream.into());
            relaying.watch = Watch::new(Patience { look: SOON, stall });
            let result = poll_fn(|cx| relaying.poll(cx)).await;
            (relaying.totals(), result)
        });
        Self(tasks)
    }

    /// With both peers in the hands of the test.
    async fn peers(stall: Duration) -> (Peer, Peer, Self) {
        let ((visitor, a), (service, b)) = (pair().await, pair().await);
        (Peer(visitor), Peer(service), Self::new(a.into(), b.into(), stall))
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_join_next().is_some()
    }

    async fn end(mut self) -> (Totals, io::Result<()>) {
        within(self.0.join_next()).await.unwrap().unwrap()
    }

    async fn error(self) -> io::ErrorKind {
        self.end().await.1.unwrap_err().kind()
    }
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (a, b) = tokio::join!(TcpStream::connect(addr), listener.accept());
    (a.unwrap(), b.unwrap().0)
}

/// Sends until nothing more is taken.
async fn stuff(peer: &mut Peer) {
    let chunk = vec![7; 1 << 20];
    while tokio::time::timeout(10 * SOON, peer.0.write(&chunk)).await.is_ok() {}
}

fn reset(peer: Peer) {
    peer.0.set_zero_linger().unwrap();
}

/// Reads to the end, good or bad, and counts.
async fn count(peer: &mut Peer) -> (u64, io::Result<()>) {
    let (mut n, mut room) = (0, vec![0; 1 << 20]);
    loop {
        match within(peer.0.read(&mut room)).await {
            Ok(0) => return (n, Ok(())),
            Ok(more) => n += more as u64,
            Err(error) => return (n, Err(error)),
        }
    }
}

#[tokio::test]
async fn a_visitor_that_finished_and_is_gone_ends_the_relay() {
    let (mut rig, mut visitor, mut service) = tcp().await;
    visitor.send("all").await;
    visitor.close_half().await;
    assert_eq!(service.rest().await, "all");
    reset(visitor);
    within(service.0.ready(Interest::ERROR)).await.unwrap();
    assert_eq!(rig.closed().await.ended, Ended::Broken);
}

#[tokio::test]
async fn a_service_that_finished_and_is_gone_ends_the_relay() {
    let (mut rig, mut visitor, mut service) = tcp().await;
    service.send("banner").await;
    service.close_half().await;
    assert_eq!(visitor.rest().await, "banner");
    reset(service);
    within(visitor.0.ready(Interest::ERROR)).await.unwrap();
    assert_eq!(rig.closed().await.ended, Ended::Broken);
}

#[tokio::test]
async fn who_finished_and_waits_is_not_gone() {
    let (mut visitor, mut service, watched) = Watched::peers(Duration::ZERO).await;
    visitor.close_half().await;
    assert_eq!(service.rest().await, "");
    tokio::time::sleep(10 * SOON).await; // many looks
    service.send("late").await;
    drop(service);
    assert_eq!(visitor.rest().await, "late");
    watched.end().await.1.unwrap();
}

#[tokio::test]
async fn a_visitor_that_is_gone_does_not_wait_for_a_service_that_takes_nothing() {
    let (mut visitor, mut service, watched) = Watched::peers(SOON).await;
    stuff(&mut visitor).await;
    reset(visitor);
    assert_eq!(watched.error().await, io::ErrorKind::ConnectionReset);
    let broken = async {
        while service.0.read(&mut vec![0; 1 << 20]).await? > 0 {}
        Ok(())
    };
    let broken: io::Result<()> = within(broken).await;
    assert_eq!(broken.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_visitor_that_takes_nothing_for_long_is_not_gone() {
    let (mut visitor, mut service, watched) = Watched::peers(Duration::ZERO).await;
    stuff(&mut service).await;
    tokio::time::sleep(10 * SOON).await; // many looks
    drop(service);
    let (n, rest) = count(&mut visitor).await;
    rest.unwrap();
    drop(visitor);
    let (totals, result) = watched.end().await;
    result.unwrap();
    assert_eq!(totals.bytes_out, n);
}

#[tokio::test]
async fn what_a_service_that_is_gone_has_left_is_still_read() {
    let (mut visitor, mut service, watched) = Watched::peers(NEVER).await;
    stuff(&mut service).await;
    reset(service);
    tokio::time::sleep(10 * SOON).await; // many looks
    let (n, _) = count(&mut visitor).await;
    let (totals, result) = watched.end().await;
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert!(n > 0 && n <= totals.bytes_out, "{n} of {totals:?}");
}

#[tokio::test]
async fn a_unix_service_that_closed_differs_from_one_that_finished() {
    let ((mut visitor, a), (mut service, b)) = (pair().await, UnixStream::pair().unwrap());
    let mut watched = Watched::new(a.into(), b.into(), NEVER);
    service.write_all(b"banner").await.unwrap();
    service.shutdown().await.unwrap();
    let mut text = String::new();
    within(visitor.read_to_string(&mut text)).await.unwrap();
    assert_eq!(text, "banner");
    visitor.write_all(b"late").await.unwrap();
    let mut late = [0; 4];
    within(service.read_exact(&mut late)).await.unwrap();
    assert_eq!(&late, b"late");
    assert!(!watched.has_ended());
    drop(service);
    assert_eq!(watched.error().await, io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn silent_peers_are_asked_once_one_of_them_has_finished() {
    let (visitor, a) = pair().await;
    let (service, b) = pair().await;
    let asks = socket2::SockRef::from(&b).try_clone().unwrap();
    let _watched = Watched::new(a.into(), b.into(), NEVER);
    let (mut visitor, _service) = (Peer(visitor), service);
    assert!(!asks.keepalive().unwrap());
    visitor.close_half().await;
    within(async {
        while !asks.keepalive().unwrap() {
            tokio::time::sleep(SOON).await;
        }
    })
    .await;
}

/// A session's stream whose peer has finished, and may reset it.
struct Finished {
    is_reset: Arc<AtomicBool>,
    /// Bytes that came before and are still to be read.
    left: usize,
}

impl Finished {
    fn state(&self) -> Poll<io::Result<()>> {
        match self.is_reset.load(SeqCst) {
            true => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            false => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncRead for Finished {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.state()
    }
}

impl AsyncBufRead for Finished {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        const CHUNK: &[u8] = &[7; 1024];
        if self.left == 0 {
            ready!(self.state())?;
        }
        Poll::Ready(Ok(&CHUNK[..CHUNK.len().min(self.left)]))
    }

    fn consume(mut self: Pin<&mut Self>, n: usize) {
        self.left -= n;
    }
}

impl AsyncWrite for Finished {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.state().map_ok(|()| bytes.len())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state()
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state()
    }
}

impl Sink<Bytes> for Finished {
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state()
    }

    fn start_send(self: Pin<&mut Self>, _: Bytes) -> io::Result<()> {
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state()
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state()
    }
}

#[tokio::test]
async fn a_stream_that_is_reset_after_its_end_ends_the_relay() {
    let (mut service, b) = pair().await;
    let is_reset = Arc::new(AtomicBool::new(false));
    let stream = Io::pipe(Finished { is_reset: Arc::clone(&is_reset), left: 0 });
    let mut watched = Watched::new(stream, b.into(), NEVER);
    assert_eq!(within(service.read(&mut [0; 8])).await.unwrap(), 0);
    assert!(!watched.has_ended());
    is_reset.store(true, SeqCst);
    assert_eq!(watched.error().await, io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn what_came_before_a_reset_is_read_by_who_takes_his_time() {
    const SIZE: usize = 32 * 1024 * 1024; // more than the buffers of two sockets
    let (visitor, a) = pair().await;
    let stream = Io::pipe(Finished { is_reset: Arc::new(true.into()), left: SIZE });
    let watched = Watched::new(a.into(), stream, NEVER);
    tokio::time::sleep(10 * SOON).await; // many looks
    let (n, _) = count(&mut Peer(visitor)).await;
    let (totals, result) = watched.end().await;
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(totals.bytes_out, SIZE as u64);
    assert!(n > 0);
}
