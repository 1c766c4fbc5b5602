//! Messages within a stream of bytes, found as it passes.

use bytes::Bytes;

use crate::model::{Kind, MAX_EXCERPT};

/// Finds messages. It is told of all bytes in order, in pieces of any size.
pub(crate) trait Splitter: Send {
    /// More bytes; messages that are whole with them are told of.
    fn push(&mut self, bytes: &[u8], tell: &mut dyn FnMut(Piece));
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    pub(crate) is_compressed: bool,
    /// Length of its payload.
    pub(crate) len: u64,
    /// The beginning of its payload.
    pub(crate) excerpt: Bytes,
}

/// Payload that arrives: counted, and its beginning kept.
#[derive(Debug, Default)]
pub(super) struct Payload {
    len: u64,
    excerpt: Vec<u8>,
}

impl Payload {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.len += bytes.len() as u64;
        let room = MAX_EXCERPT - self.excerpt.len();
        self.excerpt.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The kept part, to be unmasked from a position on.
    pub(super) fn kept_from(&mut self, position: usize) -> &mut [u8] {
        self.excerpt.get_mut(position..).unwrap_or_default()
    }

    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    pub(super) const fn kept(&self) -> usize {
        self.excerpt.len()
    }

    pub(super) fn finish(&mut self, kind: Kind, is_compressed: bool) -> Piece {
        let Self { len, excerpt } = std::mem::take(self);
        Piece { kind, is_compressed, len, excerpt: excerpt.into_boxed_slice().into() }
    }
}
