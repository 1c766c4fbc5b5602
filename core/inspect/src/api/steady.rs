//! A client that takes nothing of what it is sent does not hold a connection for ever.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use super::limits::WRITE_TIMEOUT;

/// A stream whose writes fail when none of them gets on for [`WRITE_TIMEOUT`].
pub(super) struct Steady<T> {
    io: T,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<T> Steady<T> {
    pub(super) const fn new(io: T) -> Self {
        Self { io, stalled: None }
    }

    /// What a write came to; the clock runs only while one waits.
    fn watch<R>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let clock = self.stalled.get_or_insert_with(|| Box::pin(sleep(WRITE_TIMEOUT)));
        match clock.as_mut().poll(cx) {
            Poll::Ready(()) => {
                // Asked again, it fails again at once.
                clock.as_mut().reset(Instant::now());
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Steady<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Steady<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_nothing_fails_the_write_in_time() {
        let (_peer, io) = tokio::io::duplex(4);
        let began = Instant::now();
        let error = Steady::new(io).write_all(b"hello").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), WRITE_TIMEOUT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_peer_that_reads_is_waited_for() {
        let (mut peer, io) = tokio::io::duplex(1);
        let reading = async {
            let mut all = Vec::new();
            while all.len() < 4 {
                sleep(WRITE_TIMEOUT / 2).await;
                all.push(peer.read_u8().await.unwrap());
            }
            all
        };
        let mut steady = Steady::new(io);
        let (wrote, all) = tokio::join!(steady.write_all(b"slow"), reading);
        wrote.unwrap();
        assert_eq!(all, b"slow");
    }
}
