//! A stream as the usual traits.

use std::{
    io::{IoSlice, Result},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use futures_sink::Sink;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::Stream;

/// Consumed parts of a chunk are granted once they are worth the lock; the rest with its last byte.
const WORTH_RELEASING: usize = 32 * 1024;

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let chunk = ready!(self.as_mut().poll_fill_buf(cx))?;
        let n = chunk.len().min(buf.remaining());
        buf.put_slice(&chunk[..n]);
        self.consume(n);
        Poll::Ready(Ok(()))
    }
}

impl AsyncBufRead for Stream {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<&[u8]>> {
        let this = self.get_mut();
        if this.chunk.is_empty() {
            this.chunk = ready!(this.poll_chunk(cx))?.unwrap_or_default();
            this.held = 0; // counts what is consumed from here on
        }
        Poll::Ready(Ok(&this.chunk))
    }

    fn consume(mut self: Pin<&mut Self>, n: usize) {
        self.chunk.advance(n);
        self.held += n;
        if self.chunk.is_empty() || self.held >= WORTH_RELEASING {
            self.release();
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let n = ready!(self.poll_room(cx))?.min(buf.len());
        // Copied between two short locks rather than within one long one. The room cannot shrink
        // meanwhile: nobody else writes to this stream.
        let chunk = Bytes::copy_from_slice(&buf[..n]);
        self.shared.with(|machine| machine.send(self.id, chunk))?;
        Poll::Ready(Ok(n))
    }

    /// One chunk, so one frame, of many slices: a writer need not join head and body itself.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let len: usize = bufs.iter().map(|buf| buf.len()).sum();
        if len == 0 {
            return Poll::Ready(Ok(0));
        }
        let n = ready!(self.poll_room(cx))?.min(len);
        let mut chunk = Vec::with_capacity(n);
        for buf in bufs {
            let left = n - chunk.len();
            chunk.extend_from_slice(&buf[..left.min(buf.len())]);
        }
        self.shared.with(|machine| machine.send(self.id, chunk.into()))?;
        Poll::Ready(Ok(n))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Nothing to wait for: what is queued is written without being asked.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Sends the end, and waits until it needs nothing more from the peer.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.poll_finish_with(cx, &mut Bytes::new())
    }
}

impl Sink<Bytes> for Stream {
    type Error = std::io::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.poll_room(cx).map_ok(drop)
    }

    fn start_send(self: Pin<&mut Self>, chunk: Bytes) -> Result<()> {
        Ok(self.shared.with(|machine| machine.send(self.id, chunk))?)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        AsyncWrite::poll_flush(self, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.poll_shutdown(cx)
    }
}
