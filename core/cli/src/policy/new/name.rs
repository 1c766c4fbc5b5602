//! What a policy may be called.

use anyhow::{Result, bail};

/// Longest name, in bytes.
const MAX_LEN: usize = 64;
/// Words that a crate cannot have for a name, or that would be taken for something else.
const TAKEN: [&str; 58] = [
    "abstract",
    "adit",
    "adit-policy-macro",
    "adit-policy-rules",
    "adit-policy-sdk",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "sdk",
    "self",
    "serde",
    "serde_json",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "unsafe",
    "use",
    "where",
];
/// Types that the template's code uses under these names.
const TYPES: [&str; 22] = [
    "Box",
    "Config",
    "Connection",
    "Duration",
    "Err",
    "Error",
    "Harness",
    "None",
    "Ok",
    "Option",
    "Outcome",
    "Quota",
    "Reply",
    "Request",
    "Response",
    "Result",
    "Self",
    "Some",
    "String",
    "Vec",
    "Verdict",
    "Decision",
];

/// The name of a crate, which is also the policy's in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        if !begins || !text.chars().all(fits) || text.ends_with(['-', '_']) {
            bail!(
                "{text:?} cannot be a policy's name: lower-case letters, digits, - and _, a letter \
                 first and no - or _ last; for example key-limit"
            );
        }
        if text.len() > MAX_LEN {
            bail!("{text:?} has {} letters; a policy's name may have {MAX_LEN}", text.len());
        }
        if TAKEN.contains(&text) {
            bail!("{text:?} means something to Rust already; for example {text}-policy is free");
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of its type: `KeyLimit`.
    pub(super) fn type_name(&self) -> String {
        let words = self.0.split(['-', '_']).filter(|word| !word.is_empty());
        let name: String = words
            .map(|word| {
                let (first, rest) = word.split_at(1);
                first.to_ascii_uppercase() + rest
            })
            .collect();
        if TYPES.contains(&name.as_str()) { name + "Policy" } else { name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_crate_and_a_type() {
        let name = |text| Name::parse(text).unwrap().type_name();
        assert_eq!(name("key-limit"), "KeyLimit");
        assert_eq!(name("a_b-2c"), "AB2c");
        assert_eq!(name("request"), "RequestPolicy");
    }

    #[test]
    fn what_cannot_be_a_crate_is_refused() {
        for text in ["", "Key", "1st", "a b", "../x", "a/b", "-a", "a-", "é", "fn", "std"] {
            assert!(Name::parse(text).is_err(), "{text}");
        }
        assert!(Name::parse(&"a".repeat(64)).is_ok());
        assert!(Name::parse(&"a".repeat(65)).is_err());
    }
}
