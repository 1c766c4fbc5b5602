//! Bytes to frames, whatever way the bytes were cut.
//!
//! A DATA frame is told by its header first, so that its receiver can refuse it before a byte of
//! payload is kept; the payload follows whole, or in large pieces. A peer's longest frame therefore
//! never needs a buffer of its length.

use bytes::{Buf, Bytes, BytesMut};

use super::{HEADER_LEN, Header, Kind};
use crate::{ErrorCode, Limits};

/// A payload that has not arrived in full is passed on in pieces of at least this many bytes:
/// smaller ones would turn into small writes downstream.
const MIN_PIECE: usize = 8 * 1024;

/// A rule broken so that the session cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fatal {
    /// What the peer is told.
    pub code: ErrorCode,
    /// Which rule.
    pub reason: &'static str,
}

impl Fatal {
    pub(crate) const fn new(code: ErrorCode, reason: &'static str) -> Self {
        Self { code, reason }
    }
}

/// What the decoder found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Header of a DATA frame within the length limit. Its payload follows as [`Event::Payload`],
    /// unless [`Decoder::discard`] is called or it has none.
    Data(Header),
    /// Header of a DATA frame that is too long. Its payload is being discarded.
    Oversized(Header),
    /// The next piece of the payload of the last [`Event::Data`].
    Payload {
        /// Never empty.
        bytes: Bytes,
        /// Whether the frame ends here.
        last: bool,
    },
    /// A stream was reset.
    Reset {
        /// Which stream; never 0.
        id: u32,
        /// Why.
        code: ErrorCode,
    },
    /// More credit.
    Grant {
        /// Which stream; never 0.
        id: u32,
        /// Bytes; 0 is possible and means nothing.
        n: u32,
    },
    /// The peer ends the session. Nothing that follows has a meaning.
    GoAway {
        /// Last stream id that it saw.
        last: u32,
        /// Why.
        code: ErrorCode,
        /// Its words, as far as the declared length went.
        text: String,
    },
    /// A frame of an unassigned kind; its payload is being discarded.
    Skipped,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Header,
    Payload { left: usize },
    Discard { left: usize },
    Fixed(Header),
}

/// Incremental decoder of one direction.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    max_frame_len: usize,
    max_skipped_len: usize,
    max_goaway_text: usize,
}

impl Decoder {
    /// Refuses DATA frames with more payload than `max_frame_len` bytes; the other lengths are those
    /// of [`Limits::edge`].
    pub fn new(max_frame_len: usize) -> Self {
        Self::within(&Limits { max_frame_len, ..Limits::edge() })
    }

    /// Refuses frames that are longer than these limits allow.
    pub fn within(limits: &Limits) -> Self {
        Self {
            state: State::Header,
            max_frame_len: limits.max_frame_len,
            max_skipped_len: limits.max_skipped_len,
            max_goaway_text: limits.max_goaway_text,
        }
    }

    /// For frames whose header has not been seen yet.
    pub fn set_limits(&mut self, limits: &Limits) {
        let state = self.state;
        *self = Self { state, ..Self::within(limits) };
    }

    /// Throws away what is left of the current payload, exactly.
    pub fn discard(&mut self) {
        if let State::Payload { left } = self.state {
            self.state = State::Discard { left };
        }
    }

    /// Takes the next event from the front of `input`; `None` asks for more bytes.
    ///
    /// # Errors
    /// When the peer broke a rule that ends the session. The decoder is useless afterwards.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Option<Event>, Fatal> {
        loop {
            match self.state {
                State::Header => {
                    let Some(bytes) = input.first_chunk::<HEADER_LEN>() else { return Ok(None) };
                    let header = Header::decode(*bytes);
                    input.advance(HEADER_LEN);
                    if let Some(event) = self.on_header(header)? {
                        return Ok(Some(event));
                    }
                }
                State::Payload { left } => {
                    if input.len() < left.min(MIN_PIECE) {
                        return Ok(None);
                    }
                    let n = left.min(input.len());
                    let last = n == left;
                    self.state =
                        if last { State::Header } else { State::Payload { left: left - n } };
                    let bytes = input.split_to(n).freeze();
                    return Ok(Some(Event::Payload { bytes, last }));
                }
                State::Discard { left } => {
                    let n = left.min(input.len());
                    input.advance(n);
                    if n < left {
                        self.state = State::Discard { left: left - n };
                        return Ok(None);
                    }
                    self.state = State::Header;
                }
                State::Fixed(header) => {
                    let len = header.len as usize;
                    if input.len() < len {
                        return Ok(None);
                    }
                    self.state = State::Header;
                    return Ok(Some(fixed(header, input)));
                }
            }
        }
    }

    fn on_header(&mut self, header: Header) -> Result<Option<Event>, Fatal> {
        let len = header.len as usize;
        let fatal = |code, reason| Err(Fatal::new(code, reason));
        match header.kind {
            Kind::Unassigned(_) => {
                self.state = State::Discard { left: len };
                return Ok(Some(Event::Skipped));
            }
            Kind::Data => {
                if header.id == 0 {
                    return fatal(ErrorCode::Protocol, "DATA on stream 0");
                }
                if len <= self.max_frame_len {
                    if len > 0 {
                        self.state = State::Payload { left: len };
                    }
                    return Ok(Some(Event::Data(header)));
                }
                // Skipping costs bandwidth only, but somebody who announces megabytes is no peer.
                if len > self.max_skipped_len {
                    return fatal(ErrorCode::FrameSize, "DATA frame far above the limit");
                }
                self.state = State::Discard { left: len };
                return Ok(Some(Event::Oversized(header)));
            }
            _ if header.syn() => return fatal(ErrorCode::Protocol, "SYN on a frame without data"),
            Kind::GoAway => {
                if header.id != 0 {
                    return fatal(ErrorCode::Protocol, "GOAWAY on a stream");
                }
                if len < 8 || len - 8 > self.max_goaway_text {
                    return fatal(ErrorCode::FrameSize, "GOAWAY of a wrong length");
                }
            }
            Kind::Rst | Kind::WndInc => {
                if len != 4 {
                    return fatal(ErrorCode::FrameSize, "RST or WNDINC of a wrong length");
                }
                if header.id == 0 {
                    return fatal(ErrorCode::Protocol, "RST or WNDINC on stream 0");
                }
            }
        }
        self.state = State::Fixed(header);
        Ok(None)
    }
}

/// Frames whose payload is there, and was checked by the header to be long enough.
fn fixed(header: Header, input: &mut BytesMut) -> Event {
    let word = input.get_u32();
    match header.kind {
        Kind::Rst => Event::Reset { id: header.id, code: word.into() },
        Kind::GoAway => {
            let code = input.get_u32().into();
            let text = input.split_to(header.len as usize - 8);
            Event::GoAway { last: word, code, text: String::from_utf8_lossy(&text).into_owned() }
        }
        _ => Event::Grant { id: header.id, n: word & super::MAX_ID },
    }
}

#[cfg(test)]
mod tests;
