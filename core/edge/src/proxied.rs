//! One visitor's stream to an agent.
//!
//! It holds the visitor's place on the leg, and it knows one trick: if the tunnel went online a
//! moment ago and the agent ends the stream without a byte, the agent may not have registered the
//! tunnel yet; then a new stream is opened with what the visitor has sent so far, once. Our own agent
//! registers in time; for it the trick is left out.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use adit_mux::{ErrorCode, Stream};
use bytes::{Bytes, BytesMut};
use futures_util::Sink;
use tokio::{
    io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
    time::Instant,
};

use crate::paths::AgentLeg;

/// Most visitor bytes that are kept to be sent again. They go into one opening frame.
const MAX_REPLAY: usize = 16 * 1024;

/// One visitor's stream to an agent.
#[derive(Debug)]
pub(crate) struct Proxied {
    stream: Stream,
    second: Option<Box<Second>>,
    leg: Arc<AgentLeg>,
    _place: OwnedSemaphorePermit,
}

/// What a second attempt needs.
#[derive(Debug)]
pub(crate) struct Second {
    /// Type, header and PROXY header.
    first: Bytes,
    sent: BytesMut,
    finished: bool,
    until: Instant,
}

impl Second {
    /// Tries again if the stream ends with nothing before `until`.
    pub(crate) fn new(first: Bytes, until: Instant) -> Option<Box<Self>> {
        let sent = BytesMut::new();
        (Instant::now() < until).then(|| Box::new(Self { first, sent, finished: false, until }))
    }
}

impl Proxied {
    pub(crate) fn new(
        stream: Stream,
        second: Option<Box<Second>>,
        leg: Arc<AgentLeg>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self { stream, second, leg, _place: place }
    }

    /// Before the first byte from the agent: waits for it, and replaces the stream if it ends.
    fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.second.is_none() {
            return Poll::Ready(());
        }
        let has_data = match ready!(Pin::new(&mut self.stream).poll_fill_buf(cx)) {
            Ok(data) => !data.is_empty(),
            Err(_) => false,
        };
        if !has_data {
            self.try_again();
        }
        self.second = None;
        Poll::Ready(())
    }

    fn try_again(&mut self) {
        let Some(second) = self.second.take() else { return };
        if Instant::now() >= second.until {
            return;
        }
        let mut first = BytesMut::with_capacity(second.first.len() + second.sent.len());
        first.extend_from_slice(&second.first);
        first.extend_from_slice(&second.sent);
        let Ok(stream) = self.leg.mux.open(first.freeze()) else { return };
        tracing::debug!("the agent was not ready for a visitor; trying once more");
        self.stream = stream;
        if second.finished {
            // A stream that has just been opened takes its end, or its session is gone.
            let _ = self.stream.finish();
        }
    }

    fn note(&mut self, bytes: &[u8]) {
        if let Some(second) = &mut self.second {
            if second.sent.len() + bytes.len() > MAX_REPLAY {
                self.second = None;
            } else {
                second.sent.extend_from_slice(bytes);
            }
        }
    }

    fn note_end(&mut self) {
        if let Some(second) = &mut self.second {
            second.finished = true;
        }
    }
}

impl Drop for Proxied {
    /// Whatever the agent still wanted to say, nobody listens: it learns at once, and the stream
    /// does not keep a place.
    fn drop(&mut self) {
        if !self.stream.recv_finished() {
            self.stream.abort(ErrorCode::StreamCancelled);
        }
    }
}

impl AsyncRead for Proxied {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_settled(cx));
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncBufRead for Proxied {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        ready!(this.poll_settled(cx));
        Pin::new(&mut this.stream).poll_fill_buf(cx)
    }

    fn consume(mut self: Pin<&mut Self>, n: usize) {
        Pin::new(&mut self.stream).consume(n);
    }
}

impl AsyncWrite for Proxied {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        if written.is_err() && self.second.is_some() {
            self.try_again();
            written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        }
        if let Ok(n) = written {
            self.note(buf.get(..n).unwrap_or_default());
        }
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(Pin::new(&mut self.stream), cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.note_end();
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Sink<Bytes> for Proxied {
    type Error = io::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut ready = ready!(Pin::new(&mut self.stream).poll_ready(cx));
        if ready.is_err() && self.second.is_some() {
            self.try_again();
            ready = ready!(Pin::new(&mut self.stream).poll_ready(cx));
        }
        Poll::Ready(ready)
    }

    fn start_send(mut self: Pin<&mut Self>, chunk: Bytes) -> io::Result<()> {
        self.note(&chunk);
        Pin::new(&mut self.stream).start_send(chunk)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Sink::poll_flush(Pin::new(&mut self.stream), cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.note_end();
        Sink::poll_close(Pin::new(&mut self.stream), cx)
    }
}
