//! A body that a policy watches as it passes.
//!
//! ```text
//! piece from the peer ─▶ policy ─▶ pass │ replace │ detach │ abort ─▶ piece to the other side
//! ```
//!
//! The next piece is not read before the policy has answered, so the peer waits as it would for a
//! slow reader.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use adit_chain::{Body, BoxError, OnError};
use adit_policy_rules::limits::CHUNK;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::{
    bindings::adit::policy::types::ChunkVerdict,
    pieces::{Called, Caller, Calling, Way},
    request::aborted,
};

/// A policy, or its fault, cut a body off.
#[derive(Debug, thiserror::Error)]
#[error("cut off by a policy")]
pub(crate) struct CutOff;

/// A body that a policy watches.
pub(crate) struct Watched {
    inner: Body,
    way: Way,
    step: Step,
    /// Read, and not shown yet.
    unseen: Bytes,
    /// Answered, and not passed on yet.
    ready: Bytes,
    /// Wait until the policy knows that nothing comes after the last piece.
    trailers: Option<Frame<Bytes>>,
}

enum Step {
    /// For the next piece.
    Waiting(Box<Caller>),
    Calling(Calling),
    /// Nobody looks any more.
    Free,
    Cut,
}

impl Watched {
    pub(crate) fn new(inner: Body, caller: Caller, way: Way) -> Self {
        let step = Step::Waiting(Box::new(caller));
        let (unseen, ready, trailers) = (Bytes::new(), Bytes::new(), None);
        Self { inner, way, step, unseen, ready, trailers }
    }

    /// Takes in the policy's answer about a piece.
    fn take_in(&mut self, called: Called) {
        let Called { caller, way, piece, is_last, result } = called;
        let after = if is_last { After::Release } else { After::Go };
        let (after, out) = match result {
            Ok(ChunkVerdict::Pass) => (after, piece),
            Ok(ChunkVerdict::Replace(bytes)) => (after, bytes.into()),
            Ok(ChunkVerdict::Detach) => (After::Release, piece),
            Ok(ChunkVerdict::Abort(reason)) => {
                let hook = if way == Way::Request {
                    crate::Hook::RequestChunk
                } else {
                    crate::Hook::ResponseChunk
                };
                aborted(&caller.link().policy, hook, &reason);
                (After::Cut, Bytes::new())
            }
            // The head has left: all that `deny` can do is cut.
            Err(_) => match caller.link().on_error {
                OnError::Deny => (After::Cut, Bytes::new()),
                OnError::Pass => (After::Release, piece),
            },
        };
        self.ready = out;
        self.step = match after {
            After::Go => Step::Waiting(Box::new(caller)),
            After::Release => {
                caller.release();
                Step::Free
            }
            After::Cut => {
                caller.release();
                Step::Cut
            }
        };
    }

    /// Shows the next piece.
    fn show(&mut self, piece: Bytes, is_last: bool) {
        if let Step::Waiting(caller) = std::mem::replace(&mut self.step, Step::Free) {
            self.step = Step::Calling(caller.call(self.way, piece, is_last));
        }
    }

    /// Shows what was read, at most a piece of it.
    fn show_unseen(&mut self) {
        let piece = self.unseen.split_to(self.unseen.len().min(CHUNK));
        let is_last = self.unseen.is_empty() && self.inner.is_end_stream();
        self.show(piece, is_last);
    }
}

enum After {
    Go,
    Release,
    Cut,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        loop {
            if !this.ready.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.ready)))));
            }
            match &mut this.step {
                Step::Cut => return Poll::Ready(Some(Err(CutOff.into()))),
                Step::Calling(calling) => {
                    let called = ready!(calling.as_mut().poll(cx));
                    this.take_in(called);
                }
                Step::Free if !this.unseen.is_empty() => {
                    this.ready = std::mem::take(&mut this.unseen);
                }
                Step::Free => {
                    if let Some(trailers) = this.trailers.take() {
                        return Poll::Ready(Some(Ok(trailers)));
                    }
                    return Pin::new(&mut this.inner).poll_frame(cx);
                }
                Step::Waiting(_) if !this.unseen.is_empty() => this.show_unseen(),
                Step::Waiting(_) => match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                    None => {
                        // Some bodies must not be asked again.
                        this.inner = Body::Empty;
                        this.show(Bytes::new(), true);
                    }
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => this.unseen = data,
                        Err(trailers) => {
                            this.trailers = Some(trailers);
                            this.show(Bytes::new(), true);
                        }
                    },
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_free = matches!(self.step, Step::Free);
        let is_empty = self.ready.is_empty() && self.unseen.is_empty() && self.trailers.is_none();
        is_free && is_empty && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
