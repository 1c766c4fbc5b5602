//! Compressed messages of WebSocket, RFC 7692 (`permessage-deflate`), read as they pass.

use flate2::{Decompress, FlushDecompress, Status};

use super::splitting::Payload;

/// Bytes that a message may become.
///
/// Reason: reading them takes a millisecond or so of the connection's own time; what becomes more
/// is shown as it was sent, from then on.
const MAX_INFLATED: u64 = 1024 * 1024;

/// Memory of one direction: the window, and what the decoder needs beside it.
pub(crate) const INFLATE_COST: usize = 48 * 1024;

/// What the sender leaves away from the end of each message.
///
/// Fact: RFC 7692, section 7.2.2.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Whether a message may refer to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takeover {
    No,
    Yes,
}

/// How the visitor and the upstream compress, if the answer says that they do.
pub(crate) fn agreed(extensions: &str) -> Option<[Takeover; 2]> {
    let mut all = extensions.split(',');
    let ours = all.find_map(|one| {
        let mut parameters = one.split(';').map(str::trim);
        let is_it = parameters.next()?.eq_ignore_ascii_case("permessage-deflate");
        is_it.then(|| parameters.collect::<Vec<_>>())
    })?;
    let takeover = |name: &str| {
        let is_off = ours.iter().any(|parameter| parameter.eq_ignore_ascii_case(name));
        if is_off { Takeover::No } else { Takeover::Yes }
    };
    Some([takeover("client_no_context_takeover"), takeover("server_no_context_takeover")])
}

/// Reads the messages of one direction.
#[derive(Debug)]
pub(super) struct Inflate {
    decoder: Decompress,
    takeover: Takeover,
    payload: Payload,
}

/// The messages cannot be read any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lost;

impl Inflate {
    pub(super) fn new(takeover: Takeover) -> Self {
        Self { decoder: Decompress::new(false), takeover, payload: Payload::default() }
    }

    /// A part of a message, masked from a place in the mask on.
    pub(super) fn push(&mut self, bytes: &[u8], mask: [u8; 4], at: usize) -> Result<(), Lost> {
        let mut plain = [0; 1024];
        for (i, part) in bytes.chunks(plain.len()).enumerate() {
            let at = at + i * plain.len();
            for (j, (plain, byte)) in plain.iter_mut().zip(part).enumerate() {
                *plain = byte ^ mask[(at + j) % 4];
            }
            self.feed(&plain[..part.len()])?;
        }
        Ok(())
    }

    /// The message is whole.
    pub(super) fn finish(&mut self) -> Result<Payload, Lost> {
        self.feed(&TAIL)?;
        if self.takeover == Takeover::No {
            self.decoder.reset(false);
        }
        Ok(std::mem::take(&mut self.payload))
    }

    fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Lost> {
        let mut out = [0; 4096];
        loop {
            let (read, written) = (self.decoder.total_in(), self.decoder.total_out());
            let result = self.decoder.decompress(bytes, &mut out, FlushDecompress::Sync);
            let n_read = (self.decoder.total_in() - read) as usize;
            let n_written = (self.decoder.total_out() - written) as usize;
            bytes = bytes.get(n_read..).unwrap_or_default();
            self.payload.push(&out[..n_written]);
            if self.payload.len() > MAX_INFLATED {
                return Err(Lost);
            }
            match result {
                // A sender may end the stream with a message.
                Ok(Status::StreamEnd) => self.decoder.reset(false),
                Ok(Status::Ok | Status::BufError) => {}
                Err(_) => return Err(Lost),
            }
            if bytes.is_empty() && n_written < out.len() {
                return Ok(());
            }
            if n_read == 0 && n_written == 0 {
                return Err(Lost);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};
    use proptest::prelude::*;

    use super::*;
    use crate::{
        model::{Kind, MAX_EXCERPT},
        view::splitting::Piece,
    };

    /// What a sender makes of a message.
    fn deflated(encoder: &mut Compress, message: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(message.len() * 2 + 100);
        encoder.compress_vec(message, &mut out, FlushCompress::Sync).unwrap();
        assert!(out.ends_with(&TAIL));
        out.truncate(out.len() - TAIL.len());
        out
    }

    fn read(inflate: &mut Inflate, bytes: &[u8]) -> Result<(u64, Vec<u8>), Lost> {
        inflate.push(bytes, [0; 4], 0)?;
        let Piece { len, excerpt, .. } = inflate.finish()?.finish(Kind::Text, false);
        Ok((len, excerpt.to_vec()))
    }

    #[test]
    fn messages_may_refer_to_those_before_them() {
        let mut encoder = Compress::new(Compression::default(), false);
        let mut inflate = Inflate::new(Takeover::Yes);
        for _ in 0..3 {
            let bytes = deflated(&mut encoder, b"hello hello hello");
            assert_eq!(read(&mut inflate, &bytes), Ok((17, b"hello hello hello".to_vec())));
        }
        let mut inflate = Inflate::new(Takeover::No);
        for _ in 0..3 {
            encoder.reset();
            let bytes = deflated(&mut encoder, b"hello");
            assert_eq!(read(&mut inflate, &bytes), Ok((5, b"hello".to_vec())));
        }
        assert_eq!(read(&mut inflate, b"\x00"), Ok((0, Vec::new())), "an empty message");
    }

    #[test]
    fn a_bomb_is_given_up_on() {
        let mut encoder = Compress::new(Compression::default(), false);
        let mut inflate = Inflate::new(Takeover::Yes);
        let fits = deflated(&mut encoder, &vec![0; MAX_INFLATED as usize]);
        let got = read(&mut inflate, &fits).unwrap();
        assert_eq!((got.0, got.1.len()), (MAX_INFLATED, MAX_EXCERPT));
        let bomb = deflated(&mut encoder, &vec![0; MAX_INFLATED as usize + 1]);
        assert_eq!(read(&mut inflate, &bomb), Err(Lost));
    }

    #[test]
    fn what_was_agreed_is_read_from_the_answer() {
        use Takeover::{No, Yes};
        assert_eq!(agreed("permessage-deflate"), Some([Yes, Yes]));
        let both =
            "x-other, Permessage-Deflate; client_no_context_takeover; client_max_window_bits=12";
        assert_eq!(agreed(both), Some([No, Yes]));
        assert_eq!(agreed("permessage-deflate;server_no_context_takeover"), Some([Yes, No]));
        assert_eq!(agreed("permessage-bzip2"), None);
        assert_eq!(agreed(""), None);
    }

    proptest! {
        #[test]
        fn any_messages_in_any_pieces_are_read(
            messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..3000), 1..5),
            mask: [u8; 4], cut in 1_usize..50,
        ) {
            let mut encoder = Compress::new(Compression::default(), false);
            let mut inflate = Inflate::new(Takeover::Yes);
            for message in messages {
                let bytes = deflated(&mut encoder, &message);
                let masked: Vec<_> = bytes.iter().enumerate().map(|(i, b)| b ^ mask[i % 4]).collect();
                let mut at = 0;
                for piece in masked.chunks(cut) {
                    prop_assert_eq!(inflate.push(piece, mask, at), Ok(()));
                    at += piece.len();
                }
                let piece = inflate.finish().unwrap().finish(Kind::Binary, false);
                prop_assert_eq!(&*piece.excerpt, &message[..]);
            }
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = read(&mut Inflate::new(Takeover::Yes), &bytes);
        }
    }
}
