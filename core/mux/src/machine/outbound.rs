//! Frames for the peer: control first, then credit, then streams in turn.

use std::time::Instant;

use bytes::Buf;

use super::{
    Batch, Control, Machine, Phase,
    send::{Fin, MAX_PAYLOAD, Syn},
};
use crate::{
    ErrorCode,
    frame::{FIN, Header, Kind, SYN, StreamId, rst, wndinc},
};

/// A batch is written once it has so many bytes, or all there is.
const BATCH: usize = 128 * 1024;
/// What one stream may add before the next has its turn: a full frame.
const TURN: usize = MAX_PAYLOAD;

impl Machine {
    /// Moves frames into `batch` until it has enough or nothing is left.
    pub fn pull(&mut self, now: Instant, batch: &mut Batch) {
        while batch.remaining() < BATCH {
            if let Some(control) = self.control.pop_front() {
                self.pull_control(control, batch);
            } else if let Some(id) = self.grants.pop_front() {
                self.pull_grant(now, id, batch);
            } else if let Some(id) = self.ready.pop_front() {
                self.pull_stream(id, batch);
            } else {
                if let Phase::Ending { goaway, .. } = &mut self.phase
                    && let Some(frame) = goaway.take()
                {
                    batch.push_copy(&frame);
                }
                break;
            }
        }
        self.wake_writers();
    }

    /// Whether [`Self::pull`] would find something.
    pub fn has_output(&self) -> bool {
        !self.control.is_empty()
            || !self.grants.is_empty()
            || !self.ready.is_empty()
            || matches!(self.phase, Phase::Ending { goaway: Some(_), .. })
    }

    /// How many streams [`Self::pull`] would find something of.
    pub fn n_ready(&self) -> usize {
        self.ready.len()
    }

    fn pull_control(&mut self, control: Control, batch: &mut Batch) {
        match control {
            Control::Fin(id) => {
                batch.push_copy(&Header { len: 0, kind: Kind::Data, flags: FIN, id }.encode());
            }
            Control::Rst(id, code) => batch.push_copy(&rst(StreamId(id), code)),
        }
    }

    fn pull_grant(&mut self, now: Instant, id: u32, batch: &mut Batch) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.recv.in_grants = false;
        if stream.reset.is_none() {
            let n = stream.recv.take_grant(now);
            if n > 0 {
                batch.push_copy(&wndinc(StreamId(id), n));
            }
        }
    }

    fn pull_stream(&mut self, id: u32, batch: &mut Batch) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.send.in_ready = false;
        if !stream.is_known() {
            return;
        }
        let send = &mut stream.send;
        let mut turn = TURN;
        while turn > 0 {
            let sendable = send.sendable();
            let (mut len, mut flags) = (sendable.min(MAX_PAYLOAD).min(turn), 0);
            if let Syn::Waits { first_len } = send.syn {
                // Receivers read the type, and often the whole first message, from this frame.
                len = len.max(first_len);
                flags = SYN;
                send.syn = Syn::Sent;
            } else if send.fin == Fin::Waits && len == send.queued() {
                flags = FIN;
                send.fin = Fin::Sent;
            } else if len == 0 {
                break;
            }
            let header =
                Header { len: u32::try_from(len).unwrap_or(0), kind: Kind::Data, flags, id };
            batch.push_copy(&header.encode());
            self.stats.frames_out += 1;
            self.stats.bytes_out += len as u64;
            turn = turn.saturating_sub(len);
            while len > 0 {
                let Some(bytes) = send.pop(len) else { break };
                len -= bytes.len();
                batch.push_chunk(bytes);
            }
            if send.fin == Fin::Sent {
                if let Some(code) = send.farewell.take() {
                    batch.push_copy(&rst(StreamId(id), code));
                }
                break;
            }
        }
        self.refresh(id);
        self.settle(id);
    }

    /// Writers that were stopped by the session's budget of unsent bytes go on once a quarter of
    /// it is free: not for every frame.
    fn wake_writers(&mut self) {
        if self.waiting_for_unsent.is_empty() || self.unsent > self.config.max_unsent / 4 * 3 {
            return;
        }
        for id in std::mem::take(&mut self.waiting_for_unsent) {
            if let Some(stream) = self.streams.get_mut(id) {
                stream.send.in_waiting = false;
                self.wakes.extend(stream.send.waker.take());
            }
        }
    }

    /// Whether the session has ended and its last word was pulled.
    pub fn is_done(&self) -> bool {
        !self.is_open() && !self.has_output()
    }

    /// The transport failed to take anything in time.
    pub(super) fn write_stalled(&mut self) {
        self.end(crate::SessionError::WriteStalled, None);
    }

    /// What a stream is told when its session ends by itself.
    pub fn end_code(&self) -> Option<ErrorCode> {
        self.ended().map(crate::SessionError::code)
    }
}
