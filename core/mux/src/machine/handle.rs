//! What the holders of handles do.

use std::{
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::Bytes;

use super::{
    Machine,
    recv::RecvHalf,
    send::{Fin, SendHalf, Syn},
    table::{Handle, Slot, StreamState},
};
use crate::{
    ErrorCode, OpenError, PeerCredit, StreamError, WindowPolicy,
    frame::{MAX_ID, StreamId},
};

/// Bytes of the stream type.
const TYPE_LEN: usize = 4;
/// What the opening frame carries at most; receivers refuse longer frames from strangers.
const MAX_FIRST: usize = 64 * 1024;

impl Machine {
    /// Opens a stream whose first frame carries all of `first` (up to 64 KiB of it).
    ///
    /// # Errors
    /// When the session, the peer or the ids have no room for it.
    pub fn open(&mut self, now: Instant, first: Bytes) -> Result<StreamId, OpenError> {
        if !self.is_open() {
            return Err(OpenError::Closed);
        }
        if first.len() < TYPE_LEN {
            return Err(OpenError::NoStreamType);
        }
        let max_streams = self.config.max_streams.min(self.config.peer.max_streams);
        if self.streams.n_opened_here() >= max_streams {
            return Err(OpenError::TooManyStreams);
        }
        if self.next_id > MAX_ID {
            return Err(OpenError::Exhausted);
        }
        let id = self.next_id;
        self.next_id += 2;
        self.stats.n_opened += 1;
        let mut send = SendHalf::new(Syn::Waits { first_len: first.len().min(MAX_FIRST) });
        send.push(first);
        let recv = RecvHalf::new(now);
        let (slot, handle) = (Slot::OpenedHere, Handle::Held);
        self.streams.insert(id, StreamState { send, recv, reset: None, slot, handle });
        self.refresh(id);
        Ok(StreamId(id))
    }

    /// The next stream that the peer opened; `None` when there will be no more.
    pub fn poll_accept(&mut self, cx: &Context<'_>) -> Poll<Option<StreamId>> {
        if !self.is_open() {
            return Poll::Ready(None);
        }
        match self.backlog.pop_front() {
            Some(id) => Poll::Ready(Some(StreamId(id))),
            None => {
                register(&mut self.accept_waker, cx);
                Poll::Pending
            }
        }
    }

    /// Refuses every stream that the peer opens from now on, and those that wait.
    pub fn stop_accepting(&mut self) {
        self.accepting = false;
        while let Some(id) = self.backlog.pop_front() {
            self.reset_here(id, ErrorCode::StreamRefused);
            self.forget(id);
        }
    }

    /// The next received chunk; `None` at the end of the peer's direction. Received bytes survive
    /// the end of the session and a reset by the peer; a received end survives the former only.
    ///
    /// # Errors
    /// When the stream was reset, or the session ended before the end arrived.
    pub fn poll_chunk(
        &mut self,
        cx: &Context<'_>,
        id: StreamId,
    ) -> Poll<Result<Option<Bytes>, StreamError>> {
        let failure = self.failure(id.0);
        let Some(stream) = self.streams.get_mut(id.0) else { return Poll::Ready(Ok(None)) };
        if let Some(bytes) = stream.recv.pop() {
            return Poll::Ready(Ok(Some(bytes)));
        }
        if let Some((code, by)) = stream.reset {
            return Poll::Ready(Err(StreamError::Reset { code, by }));
        }
        if stream.recv.fin {
            return Poll::Ready(Ok(None));
        }
        if let Some(failure) = failure {
            return Poll::Ready(Err(failure));
        }
        register(&mut stream.recv.waker, cx);
        Poll::Pending
    }

    /// The reader is done with `n` bytes of what it was given: they may be granted again.
    pub fn release(&mut self, now: Instant, id: StreamId, n: usize) {
        let growth = match (self.config.recv_window, self.config.peer.credit) {
            (WindowPolicy::Grow { per_stream, per_session }, PeerCredit::Accumulates) => {
                Some((per_stream, per_session.saturating_sub(self.extra_window)))
            }
            _ => None,
        };
        let rtt = self.rtt.estimate();
        let Some(stream) = self.streams.get_mut(id.0) else { return };
        if stream.reset.is_some() || n == 0 {
            return;
        }
        let recv = &mut stream.recv;
        recv.release(n);
        let took = recv.measure(now);
        if let (Some(took), Some(rtt), Some((per_stream, left))) = (took, rtt, growth)
            && took < 2 * rtt
            && !recv.fin
        {
            let extra = recv.window().min(per_stream.saturating_sub(recv.window())).min(left);
            recv.grow(extra);
            self.extra_window += extra;
        }
        if recv.grant_is_due() {
            if !recv.in_grants {
                recv.in_grants = true;
                self.grants.push_back(id.0);
                self.attention = true;
            }
        } else if recv.has_ungranted() {
            if !recv.in_ungranted {
                recv.in_ungranted = true;
                self.ungranted.push(id.0);
            }
            self.arm_idle(now);
        }
    }

    /// Waits until bytes may be queued; says how many.
    ///
    /// # Errors
    /// When the stream was finished or reset, or the session ended.
    pub fn poll_room(
        &mut self,
        cx: &Context<'_>,
        id: StreamId,
    ) -> Poll<Result<usize, StreamError>> {
        if let Some(failure) = self.failure(id.0) {
            return Poll::Ready(Err(failure));
        }
        let Some(stream) = self.streams.get_mut(id.0) else {
            return Poll::Ready(Err(StreamError::Finished));
        };
        if stream.send.fin != Fin::NotYet {
            return Poll::Ready(Err(StreamError::Finished));
        }
        let room = stream.send.room(self.config.send_buffer);
        if room > 0 && self.unsent < self.config.max_unsent {
            return Poll::Ready(Ok(room));
        }
        register(&mut stream.send.waker, cx);
        if room > 0 && !stream.send.in_waiting {
            stream.send.in_waiting = true;
            self.waiting_for_unsent.push(id.0);
        }
        Poll::Pending
    }

    /// Queues a chunk, whole. Callers ask [`Self::poll_room`] first.
    ///
    /// # Errors
    /// When the stream was finished or reset, or the session ended.
    pub fn send(&mut self, id: StreamId, bytes: Bytes) -> Result<(), StreamError> {
        if let Some(failure) = self.failure(id.0) {
            return Err(failure);
        }
        match self.streams.get_mut(id.0) {
            Some(stream) if stream.send.fin == Fin::NotYet => stream.send.push(bytes),
            _ => return Err(StreamError::Finished),
        }
        self.refresh(id.0);
        Ok(())
    }

    /// Ends the sending direction after what is queued, in the same frame if that is the last.
    ///
    /// # Errors
    /// When the stream was reset, or the session ended. Finishing twice is fine.
    pub fn finish(&mut self, id: StreamId) -> Result<(), StreamError> {
        let failure = self.failure(id.0);
        let Some(stream) = self.streams.get_mut(id.0) else { return Ok(()) };
        if stream.send.fin == Fin::NotYet {
            if let Some(failure) = failure {
                return Err(failure);
            }
            stream.send.fin = Fin::Waits;
            self.refresh(id.0);
        }
        Ok(())
    }

    /// Waits until the end needs nothing more from the peer: the handle may be dropped then.
    ///
    /// # Errors
    /// When the stream was reset, or the session ended before.
    pub fn poll_finished(
        &mut self,
        cx: &Context<'_>,
        id: StreamId,
    ) -> Poll<Result<(), StreamError>> {
        let failure = self.failure(id.0);
        let Some(stream) = self.streams.get_mut(id.0) else { return Poll::Ready(Ok(())) };
        if stream.reset.is_none() && (stream.send.end_is_certain() || stream.send.fin == Fin::Sent)
        {
            return Poll::Ready(Ok(()));
        }
        if let Some(failure) = failure {
            return Poll::Ready(Err(failure));
        }
        register(&mut stream.send.waker, cx);
        Poll::Pending
    }

    /// RST: ends both directions at once.
    pub fn reset(&mut self, id: StreamId, code: ErrorCode) {
        self.reset_here(id.0, code);
    }

    /// What is queued and has credit, FIN if it has not been sent, then RST.
    pub fn abort(&mut self, id: StreamId, code: ErrorCode) {
        self.abort_here(id.0, code);
    }

    /// The handle was dropped.
    ///
    /// A stream that was not finished is aborted. One that was lingers: what is queued is still
    /// sent, what arrives is thrown away, and a deadline ends it if the peer does not.
    pub fn detach(&mut self, now: Instant, id: StreamId) {
        let Some(stream) = self.streams.get_mut(id.0) else { return };
        stream.handle = Handle::Gone;
        stream.recv.waker = None;
        stream.send.waker = None;
        stream.recv.clear();
        let unfinished = stream.send.fin == Fin::NotYet;
        if unfinished && self.is_open() {
            self.abort_here(id.0, ErrorCode::StreamCancelled);
        } else if unfinished {
            self.forget(id.0);
        }
        self.settle(id.0);
        if self.is_open() && self.streams.get(id.0).is_some() {
            self.linger(now, id.0);
        }
    }

    /// Whether and why the stream was reset.
    pub fn reset_code(&self, id: StreamId) -> Option<ErrorCode> {
        self.streams.get(id.0)?.reset.map(|(code, _)| code)
    }

    /// Whether the peer has finished its direction, even if not all of it was read.
    pub fn recv_finished(&self, id: StreamId) -> bool {
        self.streams.get(id.0).is_none_or(|stream| stream.recv.fin)
    }
}

fn register(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *slot = Some(cx.waker().clone()),
    }
}
