//! Text of strangers, made safe to show: nothing in it reaches the terminal as a command, and
//! nothing changes the order or hides what stands beside it.

use std::{borrow::Cow, fmt::Write};

/// One line: everything that is not to be seen is written out, line ends too.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escape(text, is_unseen)
}

/// Several lines: line feeds and tabs stay what they are.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| !matches!(c, '\n' | '\t') && is_unseen(c))
}

/// JSON on one line, which says the same.
pub(crate) fn json(value: &serde_json::Value) -> String {
    // Whatever is unseen stands in a string, where it can be written by its number.
    let text = value.to_string();
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

fn escape(text: &str, unseen: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&unseen) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' if unseen(c) => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' if unseen(c) => safe.push_str("\\t"),
            c if unseen(c) && u32::from(c) < 0x100 => {
                let _ = write!(safe, "\\x{:02x}", u32::from(c));
            }
            c if unseen(c) => {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Controls (C0, DEL, C1), line separators, and characters that only steer: joiners, marks and
/// overrides of direction, tags.
const fn is_unseen(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_escape_sequence_survives() {
        assert_eq!(line("/a\x1b[2J\x07b"), "/a\\x1b[2J\\x07b");
        assert_eq!(line("a\r\nb\tc\x7f\u{9b}31m"), "a\\r\\nb\\tc\\x7f\\x9b31m");
        assert_eq!(lines("a\r\nb\tc\x1b]0;x\x07"), "a\\r\nb\tc\\x1b]0;x\\x07");
    }

    #[test]
    fn nothing_changes_the_order_of_what_is_beside_it() {
        assert_eq!(line("a\u{202e}b\u{feff}"), "a\\u{202e}b\\u{feff}");
    }

    #[test]
    fn json_says_the_same_without_what_is_unseen() {
        let value = serde_json::json!({ "a": "\u{9b}31m\u{202e}\u{e0041}\x1b\n\"ü" });
        let text = json(&value);
        assert_eq!(text, r#"{"a":"\u009b31m\u202e\udb40\udc41\u001b\n\"ü"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).ok(), Some(value));
    }

    #[test]
    fn what_people_write_stays() {
        assert!(matches!(line("/größe?q=日本語 🙂"), Cow::Borrowed(_)));
        assert!(matches!(lines("a\n\tb"), Cow::Borrowed(_)));
    }
}
