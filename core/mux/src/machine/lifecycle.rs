//! How streams and the session end. The picture is in `LIFECYCLE.md`.

use super::{
    Control, Machine, Phase,
    send::{Fin, Syn},
    table::Handle,
};
use crate::{
    ErrorCode, ResetBy, SessionError, StreamError,
    frame::{Fatal, goaway},
};

impl Machine {
    /// Says goodbye after everything that is queued and needs nothing more from the peer.
    pub fn close(&mut self, code: ErrorCode, text: &str) {
        let frame = goaway(self.last_peer_id, code, text);
        self.end(SessionError::Closed, Some(frame));
    }

    /// Ends the session at once for a reason of the transport or of the caller.
    pub fn fail(&mut self, error: SessionError) {
        self.end(error, None);
    }

    pub(super) fn violated(&mut self, fatal: Fatal) {
        let Fatal { code, reason } = fatal;
        let frame = goaway(self.last_peer_id, code, reason);
        self.control.clear();
        self.grants.clear();
        self.ready.clear();
        self.end(SessionError::Violation { code, reason }, Some(frame));
    }

    pub(super) fn end(&mut self, error: SessionError, goaway: Option<Vec<u8>>) {
        if !self.is_open() {
            return;
        }
        if goaway.is_none() {
            self.control.clear();
            self.grants.clear();
            self.ready.clear();
        }
        self.phase = Phase::Ending { error, goaway };
        for stream in self.streams.values_mut() {
            self.wakes.extend(stream.recv.waker.take());
            self.wakes.extend(stream.send.waker.take());
        }
        self.wakes.extend(self.accept_waker.take());
        self.attention = true;
    }

    /// Why nothing can be done with the stream any more, if so.
    pub(super) fn failure(&self, id: u32) -> Option<StreamError> {
        let reset = self.streams.get(id).and_then(|stream| stream.reset);
        match (reset, &self.phase) {
            (Some((code, by)), _) => Some(StreamError::Reset { code, by }),
            (None, Phase::Ending { error, .. }) => {
                Some(StreamError::SessionEnded { code: error.code() })
            }
            (None, Phase::Open) => None,
        }
    }

    /// Resets the stream in both directions. Nothing more is sent on it.
    pub(super) fn reset_here(&mut self, id: u32, code: ErrorCode) {
        let Some(stream) = self.streams.get(id) else { return };
        if stream.reset.is_some() || !self.is_open() {
            return;
        }
        // A stream that the peer has not heard of needs no end either.
        if stream.send.syn == Syn::Sent {
            self.control(Control::Rst(id, code));
        }
        self.mark_reset(id, code, ResetBy::Local);
    }

    /// FIN first, then RST: one family of agents notices nothing but the FIN, and every other
    /// peer notices both. What was queued and has credit goes before them: it may be the answer of
    /// a service that closed in the middle of a request.
    pub(super) fn abort_here(&mut self, id: u32, code: ErrorCode) {
        let is_open = self.is_open();
        let Some(stream) = self.streams.get_mut(id) else { return };
        let unended = stream.send.syn == Syn::Sent && stream.send.fin != Fin::Sent;
        if unended && stream.reset.is_none() && is_open {
            if stream.send.sendable() > 0 {
                stream.send.part(code);
                return self.mark_reset(id, code, ResetBy::Local);
            }
            self.control(Control::Fin(id));
        }
        self.reset_here(id, code);
    }

    pub(super) fn mark_reset(&mut self, id: u32, code: ErrorCode, by: ResetBy) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        self.stats.n_resets += 1;
        stream.reset = Some((code, by));
        if stream.send.farewell.is_none() {
            stream.send.clear();
        }
        if by == ResetBy::Local {
            stream.recv.clear();
        }
        self.wakes.extend(stream.recv.waker.take());
        self.wakes.extend(stream.send.waker.take());
        self.refresh(id);
        self.settle(id);
    }

    /// Drops what an aborted stream still had to say: the peer has left.
    pub(super) fn silence(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.send.clear();
        self.refresh(id);
        self.settle(id);
    }

    /// Frees what the stream no longer needs, after anything that may have been its end.
    pub(super) fn settle(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let both_ended = stream.recv.fin && stream.send.fin == Fin::Sent;
        if both_ended || !stream.is_known() {
            let gone = stream.handle == Handle::Gone;
            self.streams.free_slot(id);
            if gone {
                self.forget(id);
            }
        }
    }

    pub(super) fn forget(&mut self, id: u32) {
        let Some(stream) = self.streams.get(id) else { return };
        self.unsent -= stream.send.counted;
        self.extra_window -= stream.recv.window() - crate::INITIAL_WINDOW;
        self.streams.remove(id);
    }

    pub(super) fn control(&mut self, frame: Control) {
        self.control.push_back(frame);
        self.attention = true;
    }

    /// Brings the session's view of a stream's sending direction up to date, after its queue, its
    /// credit or its end changed.
    pub(super) fn refresh(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let is_known = stream.is_known();
        let send = &mut stream.send;
        let sendable = send.sendable();
        self.unsent = self.unsent - send.counted + sendable;
        send.counted = sendable;
        if is_known && !send.in_ready && send.has_frame() {
            send.in_ready = true;
            self.ready.push_back(id);
            self.attention = true;
        }
        if send.waker.is_some() && send.worth_waking(self.config.send_buffer) {
            self.wakes.extend(send.waker.take());
        }
    }
}
