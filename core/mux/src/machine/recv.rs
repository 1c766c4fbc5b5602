//! The receiving direction of one stream: its queue, its window, and how the window grows.

use std::{
    collections::VecDeque,
    task::Waker,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};

use crate::INITIAL_WINDOW;

/// Shorter payloads are copied out of the read buffer.
///
/// A slice keeps the whole buffer of 64 KiB alive, so one byte kept by a slow reader could cost
/// 64 KiB. With this, what a stream holds costs at most 16 times its window, and buffers that only
/// saw small frames are free at once and reused. Copying so little is cheaper than a new buffer.
const COPY_BELOW: usize = 4 * 1024;
/// Copied payloads are joined up to this length, so that many tiny frames cost what few do.
const JOIN_UP_TO: usize = 16 * 1024;

/// Invariant: `credit` + bytes queued or held by the reader + `ungranted` = `window`.
#[derive(Debug)]
pub(super) struct RecvHalf {
    queue: VecDeque<Bytes>,
    tail: BytesMut,
    /// What the peer may still send.
    credit: usize,
    window: usize,
    /// Consumed (or added by growth), not yet told to the peer.
    ungranted: usize,
    pub(super) fin: bool,
    pub(super) in_grants: bool,
    pub(super) in_ungranted: bool,
    pub(super) waker: Option<Waker>,
    epoch: Epoch,
    received: u64,
    probe: Option<Probe>,
}

/// Bytes consumed since a moment: a whole window of them is one measurement.
#[derive(Debug)]
struct Epoch {
    since: Instant,
    n: usize,
}

/// A grant whose first use will tell the round trip.
#[derive(Debug)]
struct Probe {
    granted_at: Instant,
    /// Count of received bytes that the peer could not exceed before the grant.
    beyond: u64,
}

impl RecvHalf {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            queue: VecDeque::new(),
            tail: BytesMut::new(),
            credit: INITIAL_WINDOW,
            window: INITIAL_WINDOW,
            ungranted: 0,
            fin: false,
            in_grants: false,
            in_ungranted: false,
            waker: None,
            epoch: Epoch { since: now, n: 0 },
            received: 0,
            probe: None,
        }
    }

    /// Takes the credit for a frame that begins. `None`: the peer has less.
    ///
    /// Returns a sample of the round trip if this frame is the first use of a grant.
    pub(super) fn charge(&mut self, len: usize, now: Instant) -> Option<Option<Duration>> {
        self.credit = self.credit.checked_sub(len)?;
        if self.epoch.n == 0 {
            self.epoch.since = self.epoch.since.max(now);
        }
        self.received += len as u64;
        let sample = self.probe.take_if(|probe| self.received > probe.beyond);
        Some(sample.map(|probe| now.saturating_duration_since(probe.granted_at)))
    }

    pub(super) fn push(&mut self, bytes: Bytes) {
        if bytes.len() >= COPY_BELOW {
            self.seal_tail();
            self.queue.push_back(bytes);
        } else if self.tail.is_empty() {
            self.tail = BytesMut::from(bytes.as_ref());
        } else {
            self.tail.extend_from_slice(&bytes);
            if self.tail.len() >= JOIN_UP_TO {
                self.seal_tail();
            }
        }
    }

    fn seal_tail(&mut self) {
        if !self.tail.is_empty() {
            self.queue.push_back(std::mem::take(&mut self.tail).freeze());
        }
    }

    pub(super) fn pop(&mut self) -> Option<Bytes> {
        if let Some(bytes) = self.queue.pop_front() {
            if self.queue.is_empty() && self.queue.capacity() > 16 {
                self.queue = VecDeque::new();
            }
            return Some(bytes);
        }
        (!self.tail.is_empty()).then(|| std::mem::take(&mut self.tail).freeze())
    }

    pub(super) fn clear(&mut self) {
        self.queue = VecDeque::new();
        self.tail = BytesMut::new();
    }

    /// The reader is done with `n` bytes.
    pub(super) fn release(&mut self, n: usize) {
        self.ungranted += n;
        self.epoch.n += n;
    }

    /// Ends a measurement if a whole window was consumed; how fast, then.
    pub(super) fn measure(&mut self, now: Instant) -> Option<Duration> {
        if self.epoch.n < self.window {
            return None;
        }
        let took = now.saturating_duration_since(self.epoch.since);
        self.epoch = Epoch { since: now, n: 0 };
        Some(took)
    }

    pub(super) fn grow(&mut self, extra: usize) {
        self.window += extra;
        self.ungranted += extra;
    }

    /// Whether the peer must hear of its credit now, rather than when the stream is idle.
    pub(super) fn grant_is_due(&self) -> bool {
        !self.fin && self.ungranted * 2 >= self.window
    }

    pub(super) fn has_ungranted(&self) -> bool {
        !self.fin && self.ungranted > 0
    }

    /// Takes what is to be granted, in bytes; 0 if nothing.
    pub(super) fn take_grant(&mut self, now: Instant) -> u32 {
        if self.fin {
            return 0;
        }
        let n = std::mem::take(&mut self.ungranted);
        if n > 0 && self.probe.is_none() {
            let beyond = self.received + self.credit as u64;
            self.probe = Some(Probe { granted_at: now, beyond });
        }
        self.credit += n;
        u32::try_from(n).expect("windows are far below 2^31")
    }

    pub(super) fn window(&self) -> usize {
        self.window
    }

    #[cfg(test)]
    pub(super) fn is_balanced(&self, held: usize) -> bool {
        let queued: usize = self.queue.iter().map(Bytes::len).sum::<usize>() + self.tail.len();
        self.credit + queued + held + self.ungranted == self.window
    }
}
