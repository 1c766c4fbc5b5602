//! Two ends in memory, whose every read and write is written down beforehand.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use adit_chain::{BoxFuture, Conn};
use adit_net::Io;
use bytes::Bytes;
use futures_util::Sink;
use parking_lot::Mutex;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use crate::{Leg, PassthroughTls, Upstream, UpstreamError};

/// Bytes of one write.
const MAX_WRITE: usize = 60;

/// What a service answers: once it has heard so much, it says this, in these pieces.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) heard: &'static str,
    pub(super) pieces: Vec<Bytes>,
    /// Whether it leaves afterwards.
    pub(super) leaves: bool,
}

/// A service of which each connection goes on with the script.
#[derive(Debug)]
pub(super) struct Service(pub(super) Arc<Mutex<VecDeque<Line>>>);

impl Upstream for Service {
    fn connect<'a>(
        &'a self,
        _: &'a Conn,
        _: PassthroughTls,
    ) -> BoxFuture<'a, Result<Leg, UpstreamError>> {
        let end = End { script: Some(Arc::clone(&self.0)), ..End::default() };
        Box::pin(async { Ok(Leg { io: Io::other(end), origin: None }) })
    }
}

/// One end. What it says comes piece by piece, and never two in one turn; it takes a few bytes at a
/// time, not in every turn either, and hears of them when they are flushed.
#[derive(Default)]
pub(super) struct End {
    says: VecDeque<Bytes>,
    /// Of a visitor.
    pub(super) heard: Arc<Mutex<Vec<u8>>>,
    script: Option<Arc<Mutex<VecDeque<Line>>>>,
    request: Vec<u8>,
    has_paused: bool,
    has_left: bool,
    reader: Option<Waker>,
    held: Vec<u8>,
    can_write: bool,
    can_flush: bool,
}

impl End {
    /// A visitor who says all this at once, and what it will have heard is in `heard`.
    pub(super) fn visitor(says: VecDeque<Bytes>) -> Self {
        Self { says, ..Self::default() }
    }

    /// Lets every other attempt pass.
    fn wait(can: &mut bool, cx: &Context<'_>) -> Poll<()> {
        if !std::mem::replace(can, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn flush(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        if self.held.is_empty() {
            return Poll::Ready(Ok(()));
        }
        ready!(Self::wait(&mut self.can_flush, cx));
        self.can_flush = false;
        let held = std::mem::take(&mut self.held);
        self.hear(&held);
        Poll::Ready(Ok(()))
    }

    fn hear(&mut self, bytes: &[u8]) {
        let Some(script) = &self.script else {
            self.heard.lock().extend_from_slice(bytes);
            return;
        };
        self.request.extend_from_slice(bytes);
        let mut script = script.lock();
        while let Some(line) = script.front()
            && !self.has_left
            && let Some(at) = find(&self.request, line.heard.as_bytes())
        {
            self.request.drain(..at + line.heard.len());
            self.says.extend(line.pieces.iter().cloned());
            self.has_left = line.leaves;
            script.pop_front();
        }
        // Asked once more than was foreseen, it leaves without a word.
        self.has_left |= script.is_empty() && self.request.starts_with(b"GET ");
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

fn find(all: &[u8], part: &[u8]) -> Option<usize> {
    all.windows(part.len()).position(|some| some == part)
}

impl AsyncBufRead for End {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.says.is_empty() && this.has_left {
            return Poll::Ready(Ok(&[]));
        }
        if this.says.is_empty() || !std::mem::replace(&mut this.has_paused, true) {
            match this.says.is_empty() {
                true => this.reader = Some(cx.waker().clone()),
                false => cx.waker().wake_by_ref(),
            }
            return Poll::Pending;
        }
        Poll::Ready(Ok(this.says.front().map_or(&[], |piece| piece)))
    }

    fn consume(mut self: Pin<&mut Self>, n: usize) {
        let Some(piece) = self.says.front_mut() else { return };
        drop(piece.split_to(n));
        if piece.is_empty() {
            self.says.pop_front();
            self.has_paused = false;
        }
    }
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let piece = ready!(self.as_mut().poll_fill_buf(cx))?;
        let n = piece.len().min(buf.remaining());
        buf.put_slice(&piece[..n]);
        self.consume(n);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(Self::wait(&mut self.can_write, cx));
        self.can_write = false;
        let n = bytes.len().min(MAX_WRITE);
        self.held.extend_from_slice(&bytes[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flush(cx)
    }

    /// Whoever is told that all was said leaves, too.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.flush(cx))?;
        self.says.clear();
        self.has_left = true;
        Poll::Ready(Ok(()))
    }
}

impl Sink<Bytes> for End {
    type Error = io::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::wait(&mut self.can_write, cx).map(Ok)
    }

    fn start_send(mut self: Pin<&mut Self>, chunk: Bytes) -> io::Result<()> {
        assert!(std::mem::take(&mut self.can_write), "it was not asked whether it is ready");
        self.held.extend_from_slice(&chunk);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
