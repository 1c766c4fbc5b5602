//! Messages of gRPC: each behind five bytes, a flag and its length.

use bytes::Bytes;

use super::splitting::{Payload, Piece, Splitter};
use crate::model::Kind;

/// A flag, and a length in 32 bits, big-endian.
///
/// Fact: gRPC over HTTP/2, "Length-Prefixed-Message".
const PREFIX: usize = 5;

/// One message of a body that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcMessage {
    /// Whether it is compressed, by the method that the head names.
    pub is_compressed: bool,
    /// Its payload, as far as it is there.
    pub payload: Bytes,
    /// How long it says that it is.
    pub len: u32,
}

/// The messages of a body, which may be cut.
pub fn split(body: &Bytes) -> Vec<GrpcMessage> {
    let mut messages = Vec::new();
    let mut rest = body.clone();
    while rest.len() >= PREFIX {
        let prefix = rest.split_to(PREFIX);
        let len = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]);
        let payload = rest.split_to(rest.len().min(len as usize));
        messages.push(GrpcMessage { is_compressed: prefix[0] & 1 == 1, payload, len });
    }
    messages
}

/// Finds messages as they pass.
pub(crate) fn splitter() -> Box<dyn Splitter> {
    Box::new(Grpc::default())
}

#[derive(Debug, Default)]
struct Grpc {
    prefix: [u8; PREFIX],
    n_prefix: usize,
    /// Bytes of the payload that are still to come.
    left: usize,
    payload: Payload,
}

impl Splitter for Grpc {
    fn push(&mut self, mut bytes: &[u8], tell: &mut dyn FnMut(Piece)) {
        loop {
            if self.n_prefix < PREFIX {
                let n = bytes.len().min(PREFIX - self.n_prefix);
                self.prefix[self.n_prefix..self.n_prefix + n].copy_from_slice(&bytes[..n]);
                self.n_prefix += n;
                bytes = &bytes[n..];
                if self.n_prefix < PREFIX {
                    return;
                }
                let [_, length @ ..] = self.prefix;
                self.left = u32::from_be_bytes(length) as usize;
            }
            let n = bytes.len().min(self.left);
            self.payload.push(&bytes[..n]);
            self.left -= n;
            bytes = &bytes[n..];
            if self.left > 0 {
                return;
            }
            self.n_prefix = 0;
            tell(self.payload.finish(Kind::Grpc, self.prefix[0] & 1 == 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(flag: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![flag];
        frame.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        frame.extend_from_slice(payload);
        frame
    }

    #[test]
    fn a_cut_body_shows_what_is_there() {
        let mut body = frame(0, b"one");
        body.extend(frame(1, b"twotwo"));
        body.truncate(body.len() - 2);
        let messages = split(&body.into());
        assert_eq!(messages.len(), 2);
        assert_eq!((&*messages[0].payload, messages[0].len), (&b"one"[..], 3));
        assert_eq!((&*messages[1].payload, messages[1].len), (&b"twot"[..], 6));
        assert!(messages[1].is_compressed && !messages[0].is_compressed);
        assert_eq!(split(&Bytes::from_static(b"\0\0")), []);
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_gives_the_same_messages(
            messages: Vec<(bool, Vec<u8>)>, cuts in proptest::collection::vec(1_usize..9, 0..40),
        ) {
            let stream: Vec<u8> =
                messages.iter().flat_map(|(flag, payload)| frame(u8::from(*flag), payload)).collect();
            let (mut splitter, mut found, mut rest) = (splitter(), Vec::new(), &stream[..]);
            let mut tell = |piece: Piece| found.push((piece.is_compressed, piece.excerpt.to_vec()));
            for n in cuts {
                let (now, later) = rest.split_at(n.min(rest.len()));
                splitter.push(now, &mut tell);
                rest = later;
            }
            splitter.push(rest, &mut tell);
            prop_assert_eq!(found, messages);
        }
    }
}
