//! A stream some of whose bytes were already read, and will be read again.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

/// Reads `prefix` first, then `T`. Writes go to `T`.
///
/// With the prefix drained a read costs one branch more than a read of `T`, and the prefix's
/// memory is given back.
#[derive(Debug)]
pub struct Rewind<T> {
    prefix: Bytes,
    inner: T,
}

impl<T> Rewind<T> {
    /// A stream with nothing to read again.
    pub const fn new(inner: T) -> Self {
        Self { prefix: Bytes::new(), inner }
    }

    /// A stream that yields `prefix` before anything that `inner` has.
    pub const fn with_prefix(prefix: Bytes, inner: T) -> Self {
        Self { prefix, inner }
    }

    /// What will be read before the inner stream.
    pub const fn prefix(&self) -> &Bytes {
        &self.prefix
    }

    /// The stream below.
    pub const fn inner(&self) -> &T {
        &self.inner
    }

    /// The stream below. Reading from it skips the prefix.
    pub const fn inner_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    /// The bytes still to be read, and the stream that follows them.
    pub fn into_parts(self) -> (Bytes, T) {
        (self.prefix, self.inner)
    }

    /// Changes the stream below and keeps the prefix.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Rewind<U> {
        Rewind { prefix: self.prefix, inner: f(self.inner) }
    }

    /// Takes the prefix out; what was taken is read again only after [`Rewind::rewind`].
    pub fn take_prefix(&mut self) -> Bytes {
        std::mem::take(&mut self.prefix)
    }

    /// Puts bytes back. They must be all that were read since the prefix was taken.
    pub fn rewind(&mut self, prefix: Bytes) {
        debug_assert!(self.prefix.is_empty(), "rewinding over bytes that were not read");
        self.prefix = prefix;
    }
}

impl<T> From<T> for Rewind<T> {
    fn from(inner: T) -> Self {
        Self::new(inner)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Rewind<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.prefix.is_empty() {
            return Pin::new(&mut this.inner).poll_read(cx, buf);
        }
        let n = this.prefix.len().min(buf.remaining());
        buf.put_slice(&this.prefix[..n]);
        this.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl<T> Rewind<T> {
    fn advance(&mut self, n: usize) {
        if n == self.prefix.len() {
            self.prefix = Bytes::new();
        } else {
            self.prefix.advance(n);
        }
    }
}

impl<T: AsyncBufRead + Unpin> AsyncBufRead for Rewind<T> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.prefix.is_empty() {
            return Pin::new(&mut this.inner).poll_fill_buf(cx);
        }
        Poll::Ready(Ok(&this.prefix))
    }

    fn consume(self: Pin<&mut Self>, n: usize) {
        let this = self.get_mut();
        if this.prefix.is_empty() {
            Pin::new(&mut this.inner).consume(n);
        } else {
            this.advance(n);
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Rewind<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, bufs)
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
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn the_prefix_is_read_before_the_stream_in_pieces_of_any_size() {
        let (mut peer, io) = tokio::io::duplex(64);
        peer.write_all(b" world").await.unwrap();
        peer.shutdown().await.unwrap();
        let mut io = Rewind::with_prefix(Bytes::from_static(b"hello"), io);
        let mut all = Vec::new();
        let mut byte = [0; 2];
        loop {
            let n = io.read(&mut byte).await.unwrap();
            if n == 0 {
                break;
            }
            all.extend_from_slice(&byte[..n]);
        }
        assert_eq!(all, b"hello world");
        assert!(io.prefix().is_empty());
    }

    #[tokio::test]
    async fn a_buffered_reader_sees_the_prefix_then_the_stream() {
        let mut io = Rewind::with_prefix(Bytes::from_static(b"ab"), &b"cd"[..]);
        assert_eq!(io.fill_buf().await.unwrap(), b"ab");
        io.consume(1);
        assert_eq!(io.fill_buf().await.unwrap(), b"b");
        io.consume(1);
        assert_eq!(io.fill_buf().await.unwrap(), b"cd");
    }

    #[tokio::test]
    async fn what_was_not_read_yet_comes_out_with_the_parts() {
        let mut io = Rewind::with_prefix(Bytes::from_static(b"abc"), &b""[..]);
        io.read_u8().await.unwrap();
        let (prefix, rest) = io.into_parts();
        assert_eq!((&prefix[..], rest), (&b"bc"[..], &b""[..]));
    }
}
