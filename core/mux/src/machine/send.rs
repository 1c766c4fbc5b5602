//! The sending direction of one stream.

use std::{collections::VecDeque, task::Waker};

use bytes::Bytes;

use crate::{ErrorCode, INITIAL_WINDOW};

/// Payload of one frame: with its header it fills two TLS records exactly.
pub(super) const MAX_PAYLOAD: usize = 32 * 1024 - crate::frame::HEADER_LEN;
/// A writer is woken for at least this much room, or when nothing is queued: peers that grant
/// some bytes at a time shall not make us wake, and send, for each.
const WORTH_WAKING: usize = 16 * 1024;

/// How far the opening frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syn {
    /// Waits, and must carry so many bytes.
    Waits {
        first_len: usize,
    },
    Sent,
}

/// How far the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fin {
    NotYet,
    /// After everything queued.
    Waits,
    Sent,
}

/// Invariant: `queued` is the length of `queue`; `counted` is what the session's sum of unsent
/// bytes has for this stream; `usable` is at most `credit`.
#[derive(Debug)]
pub(super) struct SendHalf {
    pub(super) syn: Syn,
    pub(super) fin: Fin,
    /// The reset that follows the end.
    pub(super) farewell: Option<ErrorCode>,
    queue: VecDeque<Bytes>,
    queued: usize,
    credit: usize,
    /// What may be sent until the next grant.
    usable: usize,
    pub(super) counted: usize,
    pub(super) in_ready: bool,
    pub(super) in_waiting: bool,
    pub(super) waker: Option<Waker>,
}

impl SendHalf {
    pub(super) fn new(syn: Syn) -> Self {
        Self {
            syn,
            fin: Fin::NotYet,
            farewell: None,
            queue: VecDeque::new(),
            queued: 0,
            credit: INITIAL_WINDOW,
            usable: INITIAL_WINDOW,
            counted: 0,
            in_ready: false,
            in_waiting: false,
            waker: None,
        }
    }

    pub(super) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.queued += bytes.len();
            self.queue.push_back(bytes);
        }
    }

    /// Takes at most `max` bytes, as the longest piece that is in one chunk.
    pub(super) fn pop(&mut self, max: usize) -> Option<Bytes> {
        let front = self.queue.front_mut()?;
        let bytes = if front.len() <= max { self.queue.pop_front()? } else { front.split_to(max) };
        self.queued -= bytes.len();
        self.credit -= bytes.len(); // callers ask for `sendable` bytes at most
        self.usable -= bytes.len();
        if self.queue.is_empty() && self.queue.capacity() > 16 {
            self.queue = VecDeque::new();
        }
        Some(bytes)
    }

    /// Adds credit, of which at most `max_usable` is used until the next grant. `None`: the sum
    /// would not fit what the protocol can say.
    pub(super) fn add_credit(&mut self, n: usize, max_usable: usize) -> Option<usize> {
        let sum = self.credit + n;
        if sum > crate::frame::MAX_ID as usize {
            return None;
        }
        self.credit = sum;
        self.usable = sum.min(max_usable);
        Some(sum)
    }

    /// Drops what is queued.
    pub(super) fn clear(&mut self) {
        self.queue = VecDeque::new();
        self.queued = 0;
        self.farewell = None;
    }

    /// Queues the end, and a reset behind it. What would need credit for that is dropped.
    pub(super) fn part(&mut self, code: ErrorCode) {
        while self.queued > self.usable {
            let Some(mut last) = self.queue.pop_back() else { break };
            let excess = self.queued - self.usable;
            self.queued -= last.len();
            self.push(last.split_to(last.len().saturating_sub(excess)));
        }
        self.fin = Fin::Waits;
        self.farewell = Some(code);
    }

    /// Bytes that wait for the transport only.
    pub(super) fn sendable(&self) -> usize {
        self.queued.min(self.usable)
    }

    /// Bytes that the writer may add. Never more than there is credit for: what is queued then
    /// depends on the transport alone, and slow streams cannot fill the session's budget.
    pub(super) fn room(&self, send_buffer: usize) -> usize {
        self.usable.min(send_buffer).saturating_sub(self.queued)
    }

    /// Whether a waiting writer should look again.
    pub(super) fn worth_waking(&self, send_buffer: usize) -> bool {
        let room = self.room(send_buffer);
        match self.fin {
            Fin::NotYet => room >= WORTH_WAKING.min(send_buffer) || self.queued == 0 && room > 0,
            Fin::Waits | Fin::Sent => self.end_is_certain(),
        }
    }

    /// Whether the end needs nothing from the peer any more.
    pub(super) fn end_is_certain(&self) -> bool {
        self.fin != Fin::NotYet && self.queued <= self.usable
    }

    /// Whether there is a frame to send.
    pub(super) fn has_frame(&self) -> bool {
        matches!(self.syn, Syn::Waits { .. })
            || self.sendable() > 0
            || self.queued == 0 && self.fin == Fin::Waits
    }

    pub(super) fn queued(&self) -> usize {
        self.queued
    }
}
