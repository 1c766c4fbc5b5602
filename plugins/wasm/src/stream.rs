//! A raw connection whose octets a policy sees, both ways, one piece at a time.
//!
//! ```text
//! visitor ──read──▶ piece ─▶ policy ─▶ out ──▶ relay      (to the upstream)
//! visitor ◀─write── out ◀─ policy ◀─ piece ◀── relay      (to the client)
//! ```
//!
//! While a piece of one way is being judged, the other way waits. After `detach` octets pass
//! through untouched.

mod wake;

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use adit_chain::{ByteStream, Conn, OnError, WrapIo};
use adit_policy_rules::limits::CHUNK;
use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use self::wake::Both;
use crate::{
    bindings::adit::policy::types::ChunkVerdict,
    handler::Link,
    hook::Hook,
    host::Current,
    pieces::{Called, Caller, Calling, Way},
    request::aborted,
};

/// Octets that are read at once.
const READ: usize = 16 * 1024;

/// Shows a policy what passes on a connection.
pub(crate) struct Sniffing {
    pub(crate) link: Arc<Link>,
    pub(crate) conn: Arc<Conn>,
}

impl WrapIo for Sniffing {
    fn wrap(self: Box<Self>, io: Box<dyn ByteStream>) -> Box<dyn ByteStream> {
        let Self { link, conn } = *self;
        let current = Current { conn: Some(link.view(&conn)), ..Current::default() };
        let step = Step::Waiting(Box::new(Caller::of_connection(link, current)));
        let (wakers, way_in, way_out) = (Arc::default(), Lane::default(), Lane::default());
        Box::new(Sniffed { io, step, wakers, way_in, way_out })
    }
}

/// A connection that a policy sees.
struct Sniffed {
    io: Box<dyn ByteStream>,
    step: Step,
    /// Who polls either way: an answer about one may be what the other waits for.
    wakers: Arc<Both>,
    /// To the upstream.
    way_in: Lane,
    /// To the client.
    way_out: Lane,
}

enum Step {
    Waiting(Box<Caller>),
    Calling(Calling),
    /// Nobody looks any more.
    Free,
    Cut,
}

/// One way.
#[derive(Default)]
struct Lane {
    /// Judged, and not passed on yet.
    ready: Bytes,
    /// The policy was told that nothing more comes.
    is_last_told: bool,
}

impl Sniffed {
    /// Waits until no piece is being judged. Either way may drive it.
    fn poll_idle(&mut self, cx: &Context<'_>, way: Way) -> Poll<io::Result<()>> {
        match &mut self.step {
            Step::Cut => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            Step::Waiting(_) | Step::Free => Poll::Ready(Ok(())),
            Step::Calling(calling) => {
                self.wakers.register(way, cx.waker());
                let waker = Waker::from(Arc::clone(&self.wakers));
                let called = ready!(calling.as_mut().poll(&mut Context::from_waker(&waker)));
                self.take_in(called);
                self.wakers.wake_other(way);
                self.poll_idle(cx, way)
            }
        }
    }

    /// Takes in the policy's answer about a piece.
    fn take_in(&mut self, called: Called) {
        let Called { caller, way, piece, is_last, result } = called;
        let (next, out) = match result {
            Ok(ChunkVerdict::Pass) => (Next::Go, piece),
            Ok(ChunkVerdict::Replace(bytes)) => (Next::Go, bytes.into()),
            Ok(ChunkVerdict::Detach) => (Next::Free, piece),
            Ok(ChunkVerdict::Abort(reason)) => {
                aborted(&caller.link().policy, Hook::Data, &reason);
                (Next::Cut, Bytes::new())
            }
            Err(_) => match caller.link().on_error {
                OnError::Deny => (Next::Cut, Bytes::new()),
                OnError::Pass => (Next::Free, piece),
            },
        };
        let lane = if way == Way::ToUpstream { &mut self.way_in } else { &mut self.way_out };
        lane.ready = out;
        lane.is_last_told |= is_last;
        let is_over = self.way_in.is_last_told && self.way_out.is_last_told;
        self.step = match next {
            Next::Go if !is_over => Step::Waiting(Box::new(caller)),
            Next::Go | Next::Free => {
                caller.release();
                Step::Free
            }
            Next::Cut => {
                caller.release();
                Step::Cut
            }
        };
    }

    /// Shows a piece. Only while nothing else is shown.
    fn show(&mut self, way: Way, piece: Bytes, is_last: bool) {
        if let Step::Waiting(caller) = std::mem::replace(&mut self.step, Step::Free) {
            self.step = Step::Calling(caller.call(way, piece, is_last));
        }
    }

    /// Writes what was judged to the visitor.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.way_out.ready.is_empty() {
            let n = ready!(Pin::new(&mut self.io).poll_write(cx, &self.way_out.ready))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.way_out.ready.advance(n);
        }
        Poll::Ready(Ok(()))
    }

    const fn is_watched(&self) -> bool {
        matches!(self.step, Step::Waiting(_))
    }
}

enum Next {
    Go,
    Free,
    Cut,
}

impl AsyncRead for Sniffed {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.way_in.ready.is_empty() {
                let n = this.way_in.ready.len().min(buf.remaining());
                buf.put_slice(&this.way_in.ready.split_to(n));
                return Poll::Ready(Ok(()));
            }
            ready!(this.poll_idle(cx, Way::ToUpstream))?;
            if !this.way_in.ready.is_empty() {
                continue;
            }
            if this.way_in.is_last_told {
                return Poll::Ready(Ok(()));
            }
            if !this.is_watched() {
                return Pin::new(&mut this.io).poll_read(cx, buf);
            }
            let mut room = BytesMut::with_capacity(READ);
            let n = ready!(poll_read_buf(Pin::new(&mut this.io), cx, &mut room))?;
            this.show(Way::ToUpstream, room.freeze(), n == 0);
        }
    }
}

impl AsyncWrite for Sniffed {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_idle(cx, Way::ToClient))?;
        ready!(this.poll_out(cx))?;
        if !this.is_watched() || data.is_empty() {
            return Pin::new(&mut this.io).poll_write(cx, data);
        }
        let n = data.len().min(CHUNK);
        this.show(Way::ToClient, Bytes::copy_from_slice(&data[..n]), false);
        // Most answers come at once: then they go out now, and not with the next octets.
        if this.poll_idle(cx, Way::ToClient)?.is_ready() {
            let _ = this.poll_out(cx)?;
        }
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_idle(cx, Way::ToClient))?;
        ready!(this.poll_out(cx))?;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            ready!(this.poll_idle(cx, Way::ToClient))?;
            ready!(this.poll_out(cx))?;
            if !this.is_watched() || this.way_out.is_last_told {
                return Pin::new(&mut this.io).poll_shutdown(cx);
            }
            this.show(Way::ToClient, Bytes::new(), true);
        }
    }
}
