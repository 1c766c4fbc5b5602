//! Messages of WebSocket, RFC 6455: frames put together, masks taken off.

use super::{
    inflate::{Inflate, Takeover},
    splitting::{Payload, Piece, Splitter},
};
use crate::model::Kind;

/// Longest head of a frame: two bytes, a length of eight, a mask of four.
const MAX_HEAD: usize = 14;

/// Longest payload of a control frame.
///
/// Fact: RFC 6455, section 5.5.
const MAX_CONTROL: u64 = 125;

/// Finds messages of one direction as they pass, and reads compressed ones if it is known how.
pub(crate) fn splitter(deflate: Option<Takeover>) -> Box<dyn Splitter> {
    Box::new(Frames { inflate: deflate.map(Inflate::new), ..Frames::default() })
}

#[derive(Debug, Default)]
struct Frames {
    head: [u8; MAX_HEAD],
    n_head: usize,
    /// The frame whose payload is arriving.
    frame: Option<Frame>,
    /// The message that is arriving, over several frames.
    message: Option<(Kind, bool)>,
    data: Payload,
    control: Payload,
    inflate: Option<Inflate>,
    /// The bytes made no sense.
    is_over: bool,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    is_last: bool,
    /// `None` for a part of a message.
    control: Option<Control>,
    mask: Option<[u8; 4]>,
    /// Where in the mask the next byte is.
    at: usize,
    left: u64,
}

#[derive(Clone, Copy, Debug)]
enum Control {
    Close,
    Ping,
    Pong,
}

/// The head of a frame makes no sense.
struct Nonsense;

impl Splitter for Frames {
    fn push(&mut self, mut bytes: &[u8], tell: &mut dyn FnMut(Piece)) {
        while !self.is_over {
            let frame = match self.frame {
                Some(frame) => frame,
                None => match self.read_head(&mut bytes) {
                    Ok(Some(frame)) => frame,
                    Ok(None) => return,
                    Err(Nonsense) => {
                        self.is_over = true;
                        tell(Payload::default().finish(Kind::Invalid, false));
                        return;
                    }
                },
            };
            self.frame = self.read_payload(frame, &mut bytes, tell);
            if self.frame.is_some() {
                return;
            }
        }
    }
}

impl Frames {
    /// The head of the next frame, once it is whole.
    fn read_head(&mut self, bytes: &mut &[u8]) -> Result<Option<Frame>, Nonsense> {
        loop {
            let wanted = self.head_len();
            if self.n_head == wanted {
                self.n_head = 0;
                return self.begin().map(Some);
            }
            let n = bytes.len().min(wanted - self.n_head);
            if n == 0 {
                return Ok(None);
            }
            self.head[self.n_head..self.n_head + n].copy_from_slice(&bytes[..n]);
            self.n_head += n;
            *bytes = &bytes[n..];
        }
    }

    /// How long the head is, as far as that is known.
    const fn head_len(&self) -> usize {
        if self.n_head < 2 {
            return 2;
        }
        let length = match self.head[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.head[1] & 0x80 == 0 { 0 } else { 4 };
        2 + length + mask
    }

    /// Understands a head that is whole.
    fn begin(&mut self) -> Result<Frame, Nonsense> {
        let [first, second, rest @ ..] = self.head;
        let (left, n) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes([rest[0], rest[1]])), 2),
            127 => {
                let [length @ .., _, _, _, _] = rest;
                (u64::from_be_bytes(length), 8)
            }
            short => (u64::from(short), 0),
        };
        let mask = (second & 0x80 != 0).then(|| [rest[n], rest[n + 1], rest[n + 2], rest[n + 3]]);
        let is_last = first & 0x80 != 0;
        let is_compressed = first & 0x40 != 0;
        if first & 0x30 != 0 || left > i64::MAX as u64 {
            return Err(Nonsense);
        }
        let control = match first & 0x0f {
            0 if self.message.is_some() && !is_compressed => None,
            code @ 1..=2 if self.message.is_none() => {
                let kind = if code == 1 { Kind::Text } else { Kind::Binary };
                self.message = Some((kind, is_compressed));
                None
            }
            8 => Some(Control::Close),
            9 => Some(Control::Ping),
            10 => Some(Control::Pong),
            _ => return Err(Nonsense),
        };
        if control.is_some() && (!is_last || left > MAX_CONTROL || is_compressed) {
            return Err(Nonsense);
        }
        Ok(Frame { is_last, control, mask, at: 0, left })
    }

    /// Takes what there is of the payload. Returns the frame if it is not whole yet.
    fn read_payload(
        &mut self,
        mut frame: Frame,
        bytes: &mut &[u8],
        tell: &mut dyn FnMut(Piece),
    ) -> Option<Frame> {
        let payload = if frame.control.is_some() { &mut self.control } else { &mut self.data };
        let n = usize::try_from(frame.left).unwrap_or(usize::MAX).min(bytes.len());
        let before = payload.kept();
        payload.push(&bytes[..n]);
        if let Some(mask) = frame.mask {
            for (i, byte) in payload.kept_from(before).iter_mut().enumerate() {
                *byte ^= mask[(frame.at + i) % 4];
            }
        }
        if frame.control.is_none() {
            self.inflate(&bytes[..n], frame);
        }
        frame.at = (frame.at + n) % 4;
        frame.left -= n as u64;
        *bytes = &bytes[n..];
        if frame.left > 0 {
            return Some(frame);
        }
        match frame.control {
            Some(control) => {
                let code = |kept: &[u8]| match kept {
                    [high, low, ..] => Some(u16::from_be_bytes([*high, *low])),
                    _ => None,
                };
                let kind = match control {
                    Control::Close => Kind::Close { code: code(self.control.kept_from(0)) },
                    Control::Ping => Kind::Ping,
                    Control::Pong => Kind::Pong,
                };
                tell(self.control.finish(kind, false));
            }
            None if frame.is_last => {
                if let Some((kind, is_compressed)) = self.message.take() {
                    tell(self.finish(kind, is_compressed));
                }
            }
            None => {}
        }
        None
    }

    /// Reads a part of a message that is compressed. Once that fails, no more are read.
    fn inflate(&mut self, bytes: &[u8], frame: Frame) {
        if let (Some((_, true)), Some(inflate)) = (self.message, &mut self.inflate)
            && inflate.push(bytes, frame.mask.unwrap_or_default(), frame.at).is_err()
        {
            self.inflate = None;
        }
    }

    /// A message is whole: as it reads, if it can be read.
    fn finish(&mut self, kind: Kind, is_compressed: bool) -> Piece {
        if let Some(inflate) = self.inflate.as_mut().filter(|_| is_compressed) {
            match inflate.finish() {
                Ok(mut plain) => {
                    self.data = Payload::default();
                    return plain.finish(kind, false);
                }
                Err(_) => self.inflate = None,
            }
        }
        self.data.finish(kind, is_compressed)
    }
}

#[cfg(test)]
#[path = "websocket_tests.rs"]
mod tests;
