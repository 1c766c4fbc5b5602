//! The streams of a session, by id.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use super::{recv::RecvHalf, send::SendHalf};
use crate::{ErrorCode, ResetBy};

/// Whether somebody still holds the handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handle {
    /// Queued for [`crate::Accept`], or held by somebody.
    Held,
    /// Dropped after its end was sent or queued; what is left ends by itself or by a deadline.
    Gone,
}

/// Whether the stream counts as open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    OpenedByPeer,
    OpenedHere,
    Free,
}

/// One stream.
#[derive(Debug)]
pub(super) struct StreamState {
    pub(super) send: SendHalf,
    pub(super) recv: RecvHalf,
    pub(super) reset: Option<(ErrorCode, ResetBy)>,
    pub(super) slot: Slot,
    pub(super) handle: Handle,
}

impl StreamState {
    /// Whether the stream has not ended for the peer: nobody has reset it, or what was said before
    /// it was aborted here is still on its way.
    pub(super) fn is_known(&self) -> bool {
        self.reset.is_none() || self.send.farewell.is_some()
    }
}

/// All streams that anybody still cares about.
#[derive(Debug, Default)]
pub(super) struct Table {
    streams: HashMap<u32, StreamState, BuildHasherDefault<IdHasher>>,
    n_opened_by_peer: usize,
    n_opened_here: usize,
}

impl Table {
    pub(super) fn insert(&mut self, id: u32, stream: StreamState) {
        *self.count(stream.slot).expect("a new stream is open") += 1;
        self.streams.insert(id, stream);
    }

    pub(super) fn get(&self, id: u32) -> Option<&StreamState> {
        self.streams.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut StreamState> {
        self.streams.get_mut(&id)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut StreamState> {
        self.streams.values_mut()
    }

    #[cfg(test)]
    pub(super) fn values(&self) -> impl Iterator<Item = &StreamState> {
        self.streams.values()
    }

    pub(super) fn remove(&mut self, id: u32) {
        self.free_slot(id);
        self.streams.remove(&id);
        if self.streams.is_empty() && self.streams.capacity() > 64 {
            self.streams.shrink_to_fit(); // an idle session keeps little
        }
    }

    /// The stream stops counting as open. Once: later calls change nothing.
    pub(super) fn free_slot(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let slot = std::mem::replace(&mut stream.slot, Slot::Free);
        if let Some(n) = self.count(slot) {
            *n -= 1;
        }
    }

    pub(super) fn n_open(&self) -> usize {
        self.n_opened_by_peer + self.n_opened_here
    }

    pub(super) fn n_opened_by_peer(&self) -> usize {
        self.n_opened_by_peer
    }

    pub(super) fn n_opened_here(&self) -> usize {
        self.n_opened_here
    }

    fn count(&mut self, slot: Slot) -> Option<&mut usize> {
        match slot {
            Slot::OpenedByPeer => Some(&mut self.n_opened_by_peer),
            Slot::OpenedHere => Some(&mut self.n_opened_here),
            Slot::Free => None,
        }
    }
}

/// Multiplies and folds. A peer could choose its ids to collide, but only among the few streams
/// that its limit lets it hold open.
#[derive(Debug, Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, id: u32) {
        let mixed = (self.0 ^ u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}
