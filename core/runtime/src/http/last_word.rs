//! The last word of a service that listens no more.
//!
//! A service that refuses an upload answers, and closes the connection while the rest is on its way
//! to it. Writing fails then, and the answer is still to be read: who stops at the failure loses it.

use std::{
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use adit_net::Io;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes to and from a service. Once it has closed, what is written is lost, and reading gives what
/// it had said, then the failure.
pub(super) struct LastWord {
    io: Io,
    is_closed: bool,
}

impl LastWord {
    pub(super) const fn new(io: Io) -> Self {
        Self { io, is_closed: false }
    }

    /// The bytes; `None` if the service has closed.
    pub(super) fn into_io(self) -> Option<Io> {
        (!self.is_closed).then_some(self.io)
    }

    /// What a write came to, where losing `lost` is as good as having written it.
    fn written<T>(&mut self, result: Poll<io::Result<T>>, lost: T) -> Poll<io::Result<T>> {
        match result {
            Poll::Ready(Err(error)) if means_closed(error.kind()) => {
                self.is_closed = true;
                Poll::Ready(Ok(lost))
            }
            other => other,
        }
    }
}

/// Whether reading, too, comes to an end soon where writing fails so.
const fn means_closed(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

impl AsyncRead for LastWord {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, buf)
    }
}

impl AsyncWrite for LastWord {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.is_closed {
            return Poll::Ready(Ok(buf.len()));
        }
        let result = Pin::new(&mut this.io).poll_write(cx, buf);
        this.written(result, buf.len())
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let all = || bufs.iter().map(|buf| buf.len()).sum();
        if this.is_closed {
            return Poll::Ready(Ok(all()));
        }
        let result = Pin::new(&mut this.io).poll_write_vectored(cx, bufs);
        this.written(result, all())
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_closed {
            return Poll::Ready(Ok(()));
        }
        let result = Pin::new(&mut this.io).poll_flush(cx);
        this.written(result, ())
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn what_was_said_before_it_closed_is_heard() {
        let (ours, mut theirs) = duplex(64);
        theirs.write_all(b"no more").await.unwrap();
        drop(theirs);
        let mut io = LastWord::new(Io::other(ours));
        io.write_all(&[0; 1000]).await.unwrap();
        io.flush().await.unwrap();
        let mut heard = String::new();
        io.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "no more");
        assert!(io.into_io().is_none());
    }

    #[tokio::test]
    async fn one_that_is_there_is_written_to() {
        let (ours, mut theirs) = duplex(64);
        let mut io = LastWord::new(Io::other(ours));
        io.write_all(b"hello").await.unwrap();
        let mut heard = [0; 5];
        theirs.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello");
        assert!(io.into_io().is_some());
    }
}
