//! Text, whatever letters it is written in; and places in it.

use encoding_rs::{Encoding, UTF_8};

use super::media::parameter;
use crate::model::Headers;

/// The place of a mistake in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// In bytes of UTF-8, from 0.
    pub offset: usize,
}

impl SyntaxError {
    /// A mistake at an offset of a text. Past the end means at the end.
    pub(super) fn at(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        Self { message: message.into(), line, column, offset }
    }
}

/// A text as Unicode. Bytes that are no letters become `U+FFFD`; nothing is an error.
pub(super) fn text(headers: &Headers, bytes: &[u8]) -> String {
    let said = parameter(headers, "charset");
    let said = said.and_then(|label| Encoding::for_label(label.as_bytes()));
    let (text, ..) = said.unwrap_or(UTF_8).decode(bytes);
    text.into_owned()
}

/// Cuts a text between two letters. Returns whether it was cut.
pub(super) fn cut(text: &mut String, max: usize) -> bool {
    if text.len() <= max {
        return false;
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_letters_from_one() {
        let text = "ab\n\u{e4}\u{f6}x";
        let at = |offset| {
            let error = SyntaxError::at(text, offset, "");
            (error.line, error.column, error.offset)
        };
        assert_eq!(at(0), (1, 1, 0));
        assert_eq!(at(2), (1, 3, 2));
        assert_eq!(at(3), (2, 1, 3));
        assert_eq!(at(4), (2, 1, 3), "within a letter");
        assert_eq!(at(7), (2, 3, 7));
        assert_eq!(at(99), (2, 4, 8));
    }

    #[test]
    fn other_letters_are_read_and_nonsense_is_replaced() {
        let headers = |charset: &str| {
            let value = format!("text/plain; charset={charset}");
            Headers::collect([("content-type", value.as_bytes())])
        };
        assert_eq!(text(&headers("iso-8859-1"), b"gr\xfc\xdfe"), "gr\u{fc}\u{df}e");
        assert_eq!(text(&headers("utf-16le"), b"a\0b\0"), "ab");
        assert_eq!(text(&headers("no-such"), b"a\xff"), "a\u{fffd}");
        assert_eq!(text(&Headers::default(), b"\xef\xbb\xbfa"), "a");
    }

    #[test]
    fn a_cut_is_between_letters() {
        let mut text = "a\u{e4}b".to_owned();
        assert!(!cut(&mut text, 4));
        assert!(cut(&mut text, 2));
        assert_eq!(text, "a");
    }
}
