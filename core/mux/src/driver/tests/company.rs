//! When a write waits for more.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
};

use super::{super::COMPANY, *};

/// A transport that counts the writes it takes.
struct Counted(DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Relaxed);
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Two streams that write one after the other, each in a task of its own: the first wakes the
/// driver and then the second, so the driver has its turn between them. Returns the streams, and
/// how many writes that took.
async fn in_turn([mut one, mut two]: [Stream; 2], n_writes: &AtomicUsize) -> ([Stream; 2], usize) {
    let before = n_writes.load(Relaxed);
    let next = Arc::new(Notify::new());
    let turn = Arc::clone(&next);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        turn.notified().await;
        two.write_all(b"2").await.unwrap();
        two
    });
    settle().await; // it waits
    tasks.spawn(async move {
        one.write_all(b"1").await.unwrap();
        next.notify_one();
        one
    });
    let mut streams = tasks.join_all().await;
    streams.sort_by_key(|stream| stream.id().0);
    settle().await; // all is written
    (streams.try_into().unwrap(), n_writes.load(Relaxed) - before)
}

/// Lets every task that can run do so.
async fn settle() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_waits_for_other_streams_only_while_several_talk() {
    let (near, far) = duplex(64 * 1024);
    let n_writes = Arc::new(AtomicUsize::new(0));
    let (edge, _at_edge, driver) = session(Counted(near, Arc::clone(&n_writes)), Config::edge());
    let (_agent, _at_agent, agent_driver) = session(far, Config::agent());
    let mut drivers = JoinSet::new();
    drivers.spawn(driver);
    drivers.spawn(agent_driver);
    let alone = edge.open(TYPE).unwrap();
    settle().await;
    let streams = [alone, edge.open(TYPE).unwrap()];
    settle().await;

    let (mut streams, n) = in_turn(streams, &n_writes).await;
    assert_eq!(n, 2, "there is nobody to wait for yet");
    for stream in &mut streams {
        stream.write_all(b"3").await.unwrap();
    }
    settle().await;
    let (mut streams, n) = in_turn(streams, &n_writes).await;
    assert_eq!(n, 1, "they talk together");
    for _ in 0..COMPANY {
        streams[0].write_all(b"4").await.unwrap();
        settle().await;
    }
    let (_streams, n) = in_turn(streams, &n_writes).await;
    assert_eq!(n, 2, "one has talked alone for long");
}
