//! How a string is written in a file.

use crate::node::{Plain, classify};

/// Words that older parsers take for a boolean.
const BOOLEANS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];

/// A string as any parser of YAML reads it back: bare where that is certain, quoted otherwise.
pub(crate) fn word(text: &str) -> String {
    let bare = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.:/".contains(c))
        && !text.ends_with(':')
        // Older parsers read `1:30` as a number in base 60.
        && (!text.contains(':') || text.starts_with(|c: char| c.is_ascii_alphabetic()))
        && matches!(classify(text), Plain::Text(_))
        // Nor `1_000` as a string.
        && !text.chars().all(|c| c.is_ascii_digit() || "_.-".contains(c))
        && !BOOLEANS.contains(&text.to_ascii_lowercase().as_str());
    if bare {
        return text.to_owned();
    }
    // A string of JSON is one of YAML.
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_misread_stands_bare() {
        for bare in ["2abc_DEF-x", "connect.example.com:443", "some-auth-token", "a/b.pem"] {
            assert_eq!(word(bare), bare);
        }
        for quoted in
            ["", "3", "1e3", "0x1f", "1_000", "true", "No", "~", "a: b", "a #b", "-x", "é"]
        {
            assert_eq!(word(quoted), format!("\"{quoted}\""));
        }
        assert_eq!(word("a\"\n\\"), r#""a\"\n\\""#);
    }
}
