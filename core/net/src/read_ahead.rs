//! Reads more than was asked for, while more than that keeps coming.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Four full TLS records, in bytes. Reason: a fifth buys little per system call.
const MOST: usize = 4 * (16 * 1024 + 22);

/// A transport below TLS. rustls asks for at most one record at a time, so a busy session costs a
/// system call for each; here one brings several.
///
/// It begins to read ahead after a read that filled what it was given, and gives the buffer back
/// when one does not: an idle session keeps nothing.
#[derive(Debug)]
pub(crate) struct ReadAhead<T> {
    inner: T,
    buf: Vec<u8>,
    pos: usize,
    /// Whether the last read brought all that there was room for.
    busy: bool,
}

impl<T> ReadAhead<T> {
    pub(crate) const fn new(inner: T) -> Self {
        Self { inner, buf: Vec::new(), pos: 0, busy: false }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for ReadAhead<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.pos == this.buf.len() {
            if !this.busy {
                let (before, room) = (out.filled().len(), out.remaining());
                ready!(Pin::new(&mut this.inner).poll_read(cx, out))?;
                this.busy = out.filled().len() - before == room;
                return Poll::Ready(Ok(()));
            }
            this.pos = 0;
            this.buf.clear();
            this.buf.reserve_exact(MOST);
            let read = tokio_util::io::poll_read_buf(Pin::new(&mut this.inner), cx, &mut this.buf);
            let Poll::Ready(n) = read? else {
                (this.buf, this.busy) = (Vec::new(), false);
                return Poll::Pending;
            };
            this.busy = n >= MOST / 4;
        }
        let n = out.remaining().min(this.buf.len() - this.pos);
        out.put_slice(&this.buf[this.pos..this.pos + n]);
        this.pos += n;
        if this.pos == this.buf.len() && !this.busy {
            (this.buf, this.pos) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for ReadAhead<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    /// Counts the reads it serves, each as long as was asked for.
    struct Source {
        left: Vec<u8>,
        n_reads: usize,
    }

    impl AsyncRead for Source {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            out: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.n_reads += 1;
            let n = out.remaining().min(self.left.len());
            out.put_slice(&self.left[..n]);
            self.left.drain(..n);
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn what_is_read_ahead_comes_in_order_and_in_fewer_reads() {
        let all: Vec<u8> = (0..=u8::MAX).cycle().take(1_000_000).collect();
        let mut ahead = ReadAhead::new(Source { left: all.clone(), n_reads: 0 });
        let mut seen = Vec::new();
        let mut part = vec![0; 16 * 1024];
        loop {
            let n = ahead.read(&mut part).await.unwrap();
            if n == 0 {
                break;
            }
            seen.extend_from_slice(&part[..n]);
        }
        assert!(seen == all);
        assert_eq!(ahead.inner.n_reads, 1 + (1_000_000 - part.len()).div_ceil(MOST) + 1);
    }

    #[tokio::test]
    async fn an_idle_transport_keeps_no_buffer() {
        let mut ahead = ReadAhead::new(Source { left: vec![1; 40_000], n_reads: 0 });
        let mut part = vec![0; 16 * 1024];
        while ahead.read(&mut part).await.unwrap() > 0 {}
        assert_eq!(ahead.buf.capacity(), 0);
    }
}
