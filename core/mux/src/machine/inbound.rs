//! Frames from the peer.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::{
    Control, Machine,
    flood::{Cheap, Verdict},
    recv::RecvHalf,
    send::{SendHalf, Syn},
    table::{Handle, Slot, StreamState},
};
use crate::{
    ErrorCode, Excess, INITIAL_WINDOW, ResetBy, SessionError,
    config::LARGEST_WINDOW,
    frame::{Event, Fatal, Header},
};

/// Who gets the payload of the frame that is arriving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Nobody,
    Stream { id: u32, fin: bool },
}

impl Machine {
    /// Takes every complete frame from the front of `input`, and large parts of incomplete ones.
    /// After the end of the session it throws `input` away.
    pub fn receive(&mut self, now: Instant, input: &mut BytesMut) {
        while self.is_open() {
            let step = match self.decoder.next(input) {
                Ok(Some(event)) => self.on_event(now, event),
                Ok(None) => return,
                Err(fatal) => Err(fatal),
            };
            if let Err(fatal) = step {
                self.violated(fatal);
            }
        }
        input.clear();
    }

    /// The transport ended.
    pub fn receive_eof(&mut self) {
        self.end(SessionError::PeerEof, None);
    }

    /// Whether reading should wait until the peer has taken what it was answered. Otherwise a peer
    /// could make us queue answers without reading any.
    pub fn is_choked(&self) -> bool {
        const MAX_ANSWERS: usize = 1024;
        self.control.len() > MAX_ANSWERS
    }

    fn on_event(&mut self, now: Instant, event: Event) -> Result<(), Fatal> {
        match event {
            Event::Data(header) => self.on_data(now, header),
            Event::Oversized(header) => self.on_oversized(now, header),
            Event::Payload { bytes, last } => {
                self.on_payload(now, bytes, last);
                Ok(())
            }
            Event::Reset { id, code } => self.on_reset(now, id, code),
            Event::Grant { id, n } => self.on_grant(now, id, n),
            Event::GoAway { code, text, .. } => {
                self.end(SessionError::GoAway { code, text }, None);
                Ok(())
            }
            Event::Skipped => self.count(Cheap::UnknownKind, now),
        }
    }

    fn on_data(&mut self, now: Instant, header: Header) -> Result<(), Fatal> {
        let Header { id, len, .. } = header;
        let len = len as usize;
        self.stats.frames_in += 1;
        if header.syn() && !self.on_syn(now, id)? {
            self.decoder.discard();
            return Ok(());
        }
        let Some(stream) = self.streams.get_mut(id).filter(|stream| stream.is_known()) else {
            return self.on_stray_data(now, header);
        };
        if stream.recv.fin {
            if len == 0 {
                return self.count(Cheap::EmptyData, now);
            }
            self.decoder.discard();
            self.reset_here(id, ErrorCode::StreamClosed);
            return Ok(());
        }
        let Some(sample) = stream.recv.charge(len, now) else {
            self.decoder.discard();
            self.reset_here(id, ErrorCode::FlowControl);
            self.n_violations += 1;
            if self.n_violations >= self.config.max_violations {
                return Err(Fatal::new(ErrorCode::FlowControl, "sent above windows too often"));
            }
            return Ok(());
        };
        if let Some(sample) = sample {
            self.rtt.hint(sample);
        }
        self.stats.bytes_in += len as u64;
        if len > 0 {
            self.target = Target::Stream { id, fin: header.fin() };
        } else if header.fin() {
            self.on_fin(id);
        } else if !header.syn() {
            return self.count(Cheap::EmptyData, now);
        }
        Ok(())
    }

    /// Whether the stream was taken. If not, it has been refused.
    fn on_syn(&mut self, now: Instant, id: u32) -> Result<bool, Fatal> {
        if !self.config.role.peer_opens(id) {
            return Err(Fatal::new(ErrorCode::Protocol, "opened a stream of the other side"));
        }
        if id <= self.last_peer_id {
            return Err(Fatal::new(ErrorCode::Protocol, "opened a stream twice or out of order"));
        }
        self.last_peer_id = id;
        let limits = self.config.limits;
        let refusal = if self.streams.n_opened_by_peer() >= limits.max_peer_streams {
            if limits.excess == Excess::Close {
                return Err(Fatal::new(ErrorCode::EnhanceYourCalm, "opened too many streams"));
            }
            ErrorCode::StreamRefused
        } else if !self.accepting || self.opens.admit(now).is_none() {
            ErrorCode::StreamRefused
        } else if self.backlog.len() >= self.config.accept_backlog {
            ErrorCode::AcceptQueueFull
        } else {
            self.stats.n_opened += 1;
            self.streams.insert(
                id,
                StreamState {
                    send: SendHalf::new(Syn::Sent),
                    recv: RecvHalf::new(now),
                    reset: None,
                    slot: Slot::OpenedByPeer,
                    handle: Handle::Held,
                },
            );
            self.backlog.push_back(id);
            let waker = self.accept_waker.take();
            self.wake(waker);
            return Ok(true);
        };
        self.stats.n_refused += 1;
        self.control(Control::Rst(id, refusal));
        self.count(Cheap::RefusedOpen, now)?;
        Ok(false)
    }

    fn on_stray_data(&mut self, now: Instant, header: Header) -> Result<(), Fatal> {
        if header.len == 0 {
            return self.count(self.stray(header.id), now);
        }
        self.decoder.discard();
        self.control(Control::Rst(header.id, ErrorCode::StreamClosed));
        self.count(Cheap::StrayData, now)
    }

    fn on_oversized(&mut self, now: Instant, header: Header) -> Result<(), Fatal> {
        let id = header.id;
        self.stats.frames_in += 1;
        if header.syn() && !self.on_syn(now, id)? {
            return Ok(());
        }
        let known = self.streams.get(id).is_some_and(StreamState::is_known);
        if !known {
            self.control(Control::Rst(id, ErrorCode::StreamClosed));
            return self.count(Cheap::StrayData, now);
        }
        self.reset_here(id, ErrorCode::FlowControl);
        Ok(())
    }

    fn on_payload(&mut self, now: Instant, bytes: Bytes, last: bool) {
        let Target::Stream { id, fin } = self.target else { return };
        if last {
            self.target = Target::Nobody;
        }
        // The stream may have been reset here since the frame began.
        let Some(stream) = self.streams.get_mut(id).filter(|stream| stream.reset.is_none()) else {
            return;
        };
        if stream.handle == Handle::Gone {
            // Nobody will read it. No credit for it either: the sender stops by itself, and the
            // stream ends by its deadline. A reset at once could cost the peer our last words.
        } else {
            stream.recv.push(bytes);
            let waker = stream.recv.waker.take();
            self.wake(waker);
            self.arm_idle(now);
        }
        if last && fin {
            self.on_fin(id);
        }
    }

    fn on_fin(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.recv.fin = true;
        let waker = stream.recv.waker.take();
        self.wake(waker);
        self.settle(id);
    }

    fn on_reset(&mut self, now: Instant, id: u32, code: ErrorCode) -> Result<(), Fatal> {
        match self.streams.get(id) {
            // Also when both directions have ended: whoever resets after its end says that the end
            // was not a good one, and a reader that has not come so far shall know.
            Some(stream) if stream.reset.is_none() => {
                self.mark_reset(id, code, ResetBy::Peer);
                Ok(())
            }
            Some(stream) if stream.is_known() => {
                self.silence(id);
                Ok(())
            }
            _ => self.count(self.stray(id), now),
        }
    }

    fn on_grant(&mut self, now: Instant, id: u32, n: u32) -> Result<(), Fatal> {
        let Some(stream) = self.streams.get_mut(id).filter(|stream| stream.is_known()) else {
            return self.count(self.stray(id), now);
        };
        let max_credit = self.config.max_send_credit.max(INITIAL_WINDOW);
        let Some(credit) = stream.send.add_credit(n as usize, max_credit) else {
            self.reset_here(id, ErrorCode::FlowControl);
            return Ok(());
        };
        self.refresh(id);
        if n == 0 || credit > max_credit.max(LARGEST_WINDOW) {
            return self.count(Cheap::OverGrant, now);
        }
        Ok(())
    }

    /// Which kind of stray a frame without payload for `id` is.
    fn stray(&self, id: u32) -> Cheap {
        let was_open = if self.config.role.peer_opens(id) {
            id <= self.last_peer_id
        } else {
            id < self.next_id
        };
        if was_open { Cheap::Stale } else { Cheap::Stray }
    }

    fn count(&mut self, kind: Cheap, now: Instant) -> Result<(), Fatal> {
        match self.flood.count(kind, &self.config.limits, now) {
            Verdict::Tolerable => Ok(()),
            Verdict::Flood => Err(Fatal::new(ErrorCode::EnhanceYourCalm, "flood of cheap frames")),
        }
    }
}
