//! JSON: checked, and set in lines. Numbers, keys and strings stay as they were written.

use serde::de::IgnoredAny;

use super::text::SyntaxError;

/// Depth to which lines are indented.
///
/// Reason: what is deeper is an attempt, and indenting it would cost the square of its depth.
const MAX_INDENT: usize = 64;

/// Whether bytes are JSON.
///
/// # Errors
/// The first mistake.
pub(super) fn check(bytes: &[u8]) -> Result<(), serde_json::Error> {
    serde_json::from_slice::<IgnoredAny>(bytes).map(drop)
}

/// Sets a text in lines, up to `max` bytes or a little more.
///
/// # Errors
/// The first mistake and its place.
pub(super) fn pretty(text: &str, max: usize) -> Result<String, SyntaxError> {
    if let Err(error) = check(text.as_bytes()) {
        let line_start = match error.line().saturating_sub(1) {
            0 => 0,
            n => text.match_indices('\n').nth(n - 1).map_or(text.len(), |(i, _)| i + 1),
        };
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        let column = if error.is_eof() { error.column() } else { error.column().saturating_sub(1) };
        return Err(SyntaxError::at(text, line_start + column, message));
    }
    Ok(lines(text, max))
}

/// Sets what is known to be JSON in lines.
fn lines(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max) * 2);
    let (mut depth, mut is_string, mut is_escaped) = (0_usize, false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if out.len() > max {
            break;
        }
        if is_string {
            out.push(c);
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => is_string = false,
                _ => {}
            }
            continue;
        }
        match c {
            ' ' | '\t' | '\n' | '\r' => {}
            '"' => {
                is_string = true;
                out.push(c);
            }
            '{' | '[' => {
                out.push(c);
                while chars.next_if(|c| matches!(c, ' ' | '\t' | '\n' | '\r')).is_some() {}
                let end = if c == '{' { '}' } else { ']' };
                match chars.next_if_eq(&end) {
                    Some(end) => out.push(end),
                    None => {
                        depth += 1;
                        new_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c => out.push(c),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(MAX_INDENT)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(text: &str) -> (String, usize, usize, usize) {
        let SyntaxError { message, line, column, offset } = pretty(text, 999).unwrap_err();
        (message, line, column, offset)
    }

    #[test]
    fn numbers_keys_and_strings_stay_as_written() {
        let text = r#" {"b":1.0e+2,"a":[1,[], {} ,{"x":"a,\"b\\"}],"b":12345678901234567890 ,"u":"\u00e4ä"} "#;
        let expected = "{\n  \"b\": 1.0e+2,\n  \"a\": [\n    1,\n    [],\n    {},\n    {\n      \
             \"x\": \"a,\\\"b\\\\\"\n    }\n  ],\n  \"b\": 12345678901234567890,\n  \
             \"u\": \"\\u00e4ä\"\n}";
        assert_eq!(pretty(text, 9999).unwrap(), expected);
        assert_eq!(pretty("7", 9).unwrap(), "7");
    }

    #[test]
    fn the_first_mistake_has_a_place() {
        assert_eq!(place("{\"a\" 1}"), ("expected `:`".into(), 1, 6, 5));
        assert_eq!(place("{\n  \"ä\": 1,\n}"), ("key must be a string".into(), 3, 1, 13));
        assert_eq!(place("[1, 2"), ("EOF while parsing a list".into(), 1, 6, 5));
        assert_eq!(place("[\"äö\", x]"), ("expected value".into(), 1, 8, 9));
        assert_eq!(place("{} x"), ("trailing characters".into(), 1, 4, 3));
        assert_eq!(place("[1,\n\n2 3]").1, 3);
    }

    #[test]
    fn depth_costs_no_more_than_its_length() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(pretty(&deep, usize::MAX).unwrap().len() < 100_000 * 270);
        assert!(pretty(&deep, 1000).unwrap().len() < 1300);
        assert!(pretty(&"[".repeat(100_000), 1000).is_err());
    }

    proptest! {
        #[test]
        fn what_is_set_in_lines_means_the_same(value in arbitrary()) {
            let text = value.to_string();
            let lines = pretty(&text, usize::MAX).unwrap();
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&lines).unwrap(), value);
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = pretty(&text, 100);
        }

        #[test]
        fn a_mistake_is_within_the_text(text in "[\\[\\]{}:,\"\\\\ a1\nä]{0,20}") {
            if let Err(error) = pretty(&text, 100) {
                prop_assert!(text.is_char_boundary(error.offset));
                let lines: Vec<_> = text.split('\n').collect();
                prop_assert!(error.line <= lines.len());
                prop_assert!(error.column <= lines[error.line - 1].chars().count() + 1);
            }
        }
    }

    fn arbitrary() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                proptest::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }
}
