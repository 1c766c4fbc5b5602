//! Cuts an event stream into messages, wherever its pieces were cut before.

use bytes::{Bytes, BytesMut};

use super::Message;

/// Bytes of one message.
///
/// Reason: all of a message has to be there before rules can run on it. Streams of language models
/// have some hundred bytes in a message; the longest in use carry whole documents.
pub(crate) const MAX_MESSAGE_LEN: usize = 1024 * 1024;

/// A message is longer than [`MAX_MESSAGE_LEN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of the event stream is longer than {MAX_MESSAGE_LEN} bytes")]
pub(crate) struct MessageTooLong;

/// Cuts an event stream into messages.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    buffer: BytesMut,
    /// Where the line begins that is looked at.
    line: usize,
    /// From where on nobody has looked for the end of the line.
    seen: usize,
    /// Whether the message has begun: a line was neither empty nor a comment.
    has_begun: bool,
    /// Whether the last line ended with a CR, which an LF may follow that belongs to it.
    after_cr: bool,
}

/// A part of an event stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Between messages: empty lines, and comments, which keep connections alive.
    Between(Bytes),
    Message(Message),
}

impl Splitter {
    pub(super) fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// The next part, if it has arrived.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, MessageTooLong> {
        loop {
            if self.after_cr && self.line < self.buffer.len() {
                self.after_cr = false;
                if self.buffer[self.line] == b'\n' {
                    self.line += 1;
                    self.seen = self.line;
                    if !self.has_begun {
                        return Ok(Some(Piece::Between(self.take(1))));
                    }
                }
            }
            let rest = &self.buffer[self.seen..];
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
                self.seen = self.buffer.len();
                return if self.seen > MAX_MESSAGE_LEN { Err(MessageTooLong) } else { Ok(None) };
            };
            let end = self.seen + end;
            let after = match &self.buffer[end..] {
                [b'\r', b'\n', ..] => end + 2,
                _ => end + 1,
            };
            self.after_cr = self.buffer[end..] == *b"\r";
            if after > MAX_MESSAGE_LEN {
                return Err(MessageTooLong);
            }
            let is_empty = end == self.line;
            let is_comment = self.buffer[self.line] == b':';
            if self.has_begun && is_empty {
                return Ok(Some(Piece::Message(Message::new(self.take(after)))));
            }
            if !self.has_begun && (is_empty || is_comment) {
                return Ok(Some(Piece::Between(self.take(after))));
            }
            self.has_begun = true;
            (self.line, self.seen) = (after, after);
        }
    }

    /// What is left at the end of the stream: a message that nobody ended.
    pub(super) fn rest(&mut self) -> Option<Message> {
        let len = self.buffer.len();
        (len > 0).then(|| Message::new(self.take(len)))
    }

    fn take(&mut self, len: usize) -> Bytes {
        (self.line, self.seen, self.has_begun) = (0, 0, false);
        self.buffer.split_to(len).freeze()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is made of a stream that arrives in these pieces.
    fn split(pieces: &[&[u8]]) -> Vec<Piece> {
        let mut splitter = Splitter::default();
        let mut found = Vec::new();
        for piece in pieces {
            splitter.push(piece);
            while let Some(piece) = splitter.next().unwrap() {
                found.push(piece);
            }
        }
        found.extend(splitter.rest().map(Piece::Message));
        found
    }

    fn message(text: &'static str) -> Piece {
        Piece::Message(Message::new(Bytes::from_static(text.as_bytes())))
    }

    fn between(text: &'static str) -> Piece {
        Piece::Between(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn messages_end_at_empty_lines_and_comments_between_them_do_not_wait() {
        let found = split(&[b":hi\ndata: a\n:in\n\n\n: still here\n", b"data: b"]);
        let expected = [
            between(":hi\n"),
            message("data: a\n:in\n\n"),
            between("\n"),
            between(": still here\n"),
            message("data: b"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_line_break_of_two_bytes_may_come_in_two_pieces() {
        let found = split(&[b"data: a\r", b"\ndata: b\r\n\r", b"\ndata: c\r\r", b"data: d\n\n"]);
        let expected = [
            message("data: a\r\ndata: b\r\n\r"),
            between("\n"),
            message("data: c\r\r"),
            message("data: d\n\n"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_whole_line_break_at_the_end_of_a_piece_is_followed_by_a_line_of_its_own() {
        let found = split(&[b"data: a\r\n", b"\ndata: b\n\n"]);
        assert_eq!(found, [message("data: a\r\n\n"), message("data: b\n\n")]);
    }

    #[test]
    fn a_message_that_does_not_end_is_refused_at_the_limit() {
        let mut splitter = Splitter::default();
        splitter.push(&vec![b'x'; MAX_MESSAGE_LEN]);
        assert_eq!(splitter.next(), Ok(None));
        splitter.push(b"x");
        assert_eq!(splitter.next(), Err(MessageTooLong));
        let mut lines = Splitter::default();
        lines.push("data: x\n".repeat(MAX_MESSAGE_LEN / 8).as_bytes());
        assert_eq!(lines.next(), Ok(None));
        lines.push(b"\n");
        assert_eq!(lines.next(), Err(MessageTooLong));
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_and_messages_do_not_depend_on_the_cuts(
            text in "([adt:\r\n]|data: ){0,40}",
            cuts in proptest::collection::vec(0_usize..200, 0..6),
        ) {
            let text = text.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
            let found = split(&pieces);
            let mut all = Vec::new();
            let mut data = Vec::new();
            for piece in found {
                match piece {
                    Piece::Between(bytes) => all.extend_from_slice(&bytes),
                    Piece::Message(message) => {
                        data.push(message.field(crate::sse::Field::Data));
                        all.extend_from_slice(&message.into_bytes());
                    }
                }
            }
            prop_assert_eq!(&all, text);
            let whole = split(&[text]).into_iter().filter_map(|piece| match piece {
                Piece::Between(_) => None,
                Piece::Message(message) => Some(message.field(crate::sse::Field::Data)),
            });
            prop_assert_eq!(data, whole.collect::<Vec<_>>());
        }
    }
}
