//! The eight-byte header that every frame starts with, and the frames without payload of their own.
//!
//! ```text
//!  bits  0                   23 24   27 28    31
//!       +----------------------+-------+--------+
//!       | payload length       | type  | flags  |
//!       +-+--------------------+-------+--------+
//!       |R| stream id (31 bits)                 |   R: sent as 0, masked on receipt
//!       +-+-------------------------------------+
//! ```
//!
//! Fact: both published client families; checked byte by byte in the tests below.

mod decode;

use std::fmt;

pub use decode::{Decoder, Event, Fatal};

use crate::ErrorCode;

/// Bytes of a header.
pub const HEADER_LEN: usize = 8;
/// Largest payload that the 24-bit length can say.
pub const MAX_LEN: usize = 0x00ff_ffff;
/// Stream ids have 31 bits.
pub(crate) const MAX_ID: u32 = 0x7fff_ffff;
/// Text of a GOAWAY that we send, in bytes: what a hardened peer still reads.
const MAX_GOAWAY_TEXT: usize = 4096;

/// Names one stream of a session. Odd: opened by the agent; even: by the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub(crate) u32);

impl StreamId {
    /// The number on the wire.
    pub fn as_u32(self) -> u32 {
        self.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 0x0: ends both directions of a stream at once.
    Rst,
    /// 0x1: payload; the only kind that may open (SYN) or finish (FIN) a stream.
    Data,
    /// 0x2: credit for the sender of the other direction.
    WndInc,
    /// 0x3: ends the session.
    GoAway,
    /// 0x4..=0xf: skipped.
    Unassigned(u8),
}

impl Kind {
    fn from_nibble(nibble: u8) -> Self {
        match nibble {
            0 => Self::Rst,
            1 => Self::Data,
            2 => Self::WndInc,
            3 => Self::GoAway,
            other => Self::Unassigned(other),
        }
    }

    fn nibble(self) -> u8 {
        match self {
            Self::Rst => 0,
            Self::Data => 1,
            Self::WndInc => 2,
            Self::GoAway => 3,
            Self::Unassigned(other) => other & 0x0f,
        }
    }
}

/// FIN: the sender's direction ends with this frame.
pub const FIN: u8 = 0x1;
/// SYN: this frame opens the stream.
pub const SYN: u8 = 0x2;

/// A decoded header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Payload bytes that follow. At most [`MAX_LEN`]; more is cut by [`Self::encode`].
    pub len: u32,
    /// What the frame is.
    pub kind: Kind,
    /// [`FIN`] and [`SYN`]; the two other bits are ignored on receipt.
    pub flags: u8,
    /// Stream id, or 0 for the session.
    pub id: u32,
}

impl Header {
    /// The eight bytes on the wire.
    pub fn encode(self) -> [u8; HEADER_LEN] {
        let word = self.len << 8 | u32::from(self.kind.nibble()) << 4 | u32::from(self.flags & 0x3);
        let [a, b, c, d] = word.to_be_bytes();
        let [e, f, g, h] = (self.id & MAX_ID).to_be_bytes();
        [a, b, c, d, e, f, g, h]
    }

    /// Reads eight bytes. Every value has a meaning, so this cannot fail.
    pub fn decode(bytes: [u8; HEADER_LEN]) -> Self {
        let [a, b, c, d, e, f, g, h] = bytes;
        Self {
            len: u32::from_be_bytes([0, a, b, c]),
            kind: Kind::from_nibble(d >> 4),
            flags: d & 0x3,
            id: u32::from_be_bytes([e, f, g, h]) & MAX_ID,
        }
    }

    /// Whether the frame opens its stream.
    pub fn syn(self) -> bool {
        self.flags & SYN != 0
    }

    /// Whether the frame finishes its direction.
    pub fn fin(self) -> bool {
        self.flags & FIN != 0
    }
}

/// A whole RST frame.
pub fn rst(id: StreamId, code: ErrorCode) -> [u8; 12] {
    with_word(Kind::Rst, id, code.into())
}

/// A whole WNDINC frame. `n` is at least 1 and below 2^31.
pub fn wndinc(id: StreamId, n: u32) -> [u8; 12] {
    with_word(Kind::WndInc, id, n & MAX_ID)
}

fn with_word(kind: Kind, id: StreamId, word: u32) -> [u8; 12] {
    let mut frame = [0; 12];
    let (head, tail) = frame.split_at_mut(HEADER_LEN);
    head.copy_from_slice(&Header { len: 4, kind, flags: 0, id: id.0 }.encode());
    tail.copy_from_slice(&word.to_be_bytes());
    frame
}

/// A whole GOAWAY frame. The text is cut at 4096 bytes and padded with spaces to 8.
///
/// Fact: one family's decoder waits for eight bytes more than the frame has, another's encoder
/// sends nothing for short texts; both are happy with eight or more.
pub fn goaway(last: u32, code: ErrorCode, text: &str) -> Vec<u8> {
    let mut cut = text.len().min(MAX_GOAWAY_TEXT);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    let text = format!("{:<8}", &text[..cut]);
    let len = 8 + u32::try_from(text.len()).expect("cut above");
    let mut frame = Vec::with_capacity(HEADER_LEN + 8 + text.len());
    frame.extend_from_slice(&Header { len, kind: Kind::GoAway, flags: 0, id: 0 }.encode());
    frame.extend_from_slice(&(last & MAX_ID).to_be_bytes());
    frame.extend_from_slice(&u32::from(code).to_be_bytes());
    frame.extend_from_slice(text.as_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(id: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
        let len = u32::try_from(payload.len()).unwrap_or(0);
        [&Header { len, kind: Kind::Data, flags, id }.encode(), payload].concat()
    }

    #[test]
    fn frames_are_byte_exact() {
        assert_eq!(data(3, SYN, &[0xff; 4]), [0, 0, 4, 0x12, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(data(5, SYN, &[0; 4]), [0, 0, 4, 0x12, 0, 0, 0, 5, 0, 0, 0, 0]);
        assert_eq!(
            data(3, 0, &[0x09, 0x60, 0x81, 0x57]),
            [0, 0, 4, 0x10, 0, 0, 0, 3, 0x09, 0x60, 0x81, 0x57]
        );
        assert_eq!(data(5, FIN, &[]), [0, 0, 0, 0x11, 0, 0, 0, 5]);
        assert_eq!(wndinc(StreamId(2), 262_144), [0, 0, 4, 0x20, 0, 0, 0, 2, 0, 4, 0, 0]);
        assert_eq!(rst(StreamId(2), ErrorCode::FlowControl), [0, 0, 4, 0, 0, 0, 0, 2, 0, 0, 0, 3]);
        assert_eq!(
            rst(StreamId(0x7000), ErrorCode::StreamClosed),
            [0, 0, 4, 0, 0, 0, 0x70, 0, 0, 0, 0, 4]
        );
        assert_eq!(
            goaway(0, ErrorCode::NoError, "no error"),
            b"\0\0\x10\x30\0\0\0\0\0\0\0\0\0\0\0\0no error"
        );
        assert_eq!(
            goaway(9, ErrorCode::Protocol, "bad frame"),
            b"\0\0\x11\x30\0\0\0\0\0\0\0\x09\0\0\0\x01bad frame"
        );
    }

    #[test]
    fn a_short_goodbye_is_padded_to_eight_bytes() {
        assert_eq!(&goaway(0, ErrorCode::NoError, "bye")[16..], b"bye     ");
    }

    #[test]
    fn the_reserved_bit_and_unknown_flags_are_ignored() {
        let header = Header::decode([0, 0, 1, 0x1d, 0x80, 0, 0, 7]);
        assert_eq!(header, Header { len: 1, kind: Kind::Data, flags: FIN, id: 7 });
    }

    #[test]
    fn every_header_survives_the_round_trip() {
        for kind in 0..16 {
            for flags in 0..4 {
                let header =
                    Header { len: 0x00ab_cdef, kind: Kind::from_nibble(kind), flags, id: MAX_ID };
                assert_eq!(Header::decode(header.encode()), header);
            }
        }
    }

    #[test]
    fn error_codes_survive_the_round_trip() {
        for value in (0..=0x20).chain([0xff, u32::MAX]) {
            assert_eq!(u32::from(ErrorCode::from(value)), value);
        }
    }
}
