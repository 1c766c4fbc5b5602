//! What a policy changed in the head of a message.

use std::fmt::Write;

use http::HeaderMap;
use serde_json::{Value, json};

/// The head of a message, and what handlers know about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// `method`, `target`, `authority` and `identity` of a request, `status` of a response, and
    /// variables as `var.name`.
    pub(super) facts: Vec<(String, String)>,
    /// Lines, as a map of their order.
    pub(super) headers: HeaderMap,
}

/// One difference between two heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// Something other than a header line.
    Fact { name: String, before: Option<String>, after: Option<String> },
    /// All lines of one name.
    Header { name: String, before: Vec<String>, after: Vec<String> },
}

impl Head {
    /// The value of a fact.
    pub(super) fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values of a header, readable.
    pub(super) fn header(&self, name: &str) -> Vec<String> {
        self.headers.get_all(name).iter().map(|value| text(value.as_bytes())).collect()
    }

    /// What turns this head into `after`.
    pub(super) fn edits(&self, after: &Self) -> Vec<Edit> {
        let mut edits = Vec::new();
        let names = self.facts.iter().chain(&after.facts).map(|(name, _)| name);
        let mut known: Vec<&str> = Vec::new();
        for name in names {
            if known.contains(&name.as_str()) {
                continue;
            }
            known.push(name);
            let (was, is) = (self.fact(name), after.fact(name));
            if was != is {
                let (before, after) = (was.map(str::to_owned), is.map(str::to_owned));
                edits.push(Edit::Fact { name: name.clone(), before, after });
            }
        }
        let mut names: Vec<_> = self.headers.keys().chain(after.headers.keys()).collect();
        names.sort_by_key(|name| name.as_str());
        names.dedup();
        for name in names {
            let (was, is) = (self.header(name.as_str()), after.header(name.as_str()));
            if was != is {
                let name = name.as_str().to_owned();
                edits.push(Edit::Header { name, before: was, after: is });
            }
        }
        edits
    }
}

/// Edits as a diff.
pub(super) fn diff(edits: &[Edit], indent: &str) -> String {
    let mut out = String::new();
    let mut line = |sign, name: &str, value: &str| {
        let _ = writeln!(out, "{indent}{sign} {name}: {value}");
    };
    for edit in edits {
        match edit {
            Edit::Fact { name, before, after } => {
                before.iter().for_each(|value| line('-', name, value));
                after.iter().for_each(|value| line('+', name, value));
            }
            Edit::Header { name, before, after } => {
                let gone = before.iter().filter(|value| !after.contains(value));
                gone.for_each(|value| line('-', name, value));
                let new = after.iter().filter(|value| !before.contains(value));
                new.for_each(|value| line('+', name, value));
            }
        }
    }
    out
}

/// Edits for programs.
pub(super) fn json(edits: &[Edit]) -> Value {
    edits
        .iter()
        .map(|edit| match edit {
            Edit::Fact { name, before, after } => {
                json!({ "what": name, "before": before, "after": after })
            }
            Edit::Header { name, before, after } => {
                json!({ "header": name, "before": before, "after": after })
            }
        })
        .collect()
}

/// Octets as people can read them.
pub(super) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text)
            if !text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) =>
        {
            text.to_owned()
        }
        _ => bytes.escape_ascii().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn head(facts: &[(&str, &str)], headers: &[(&'static str, &'static str)]) -> Head {
        let facts = facts.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        Head { facts, headers: map }
    }

    #[test]
    fn edits_read_as_a_diff() {
        let before = head(&[("method", "GET")], &[("a", "1"), ("b", "1"), ("b", "2")]);
        let after = head(
            &[("method", "POST"), ("identity", "ann")],
            &[("b", "1"), ("b", "3"), ("c", "new")],
        );
        let edits = before.edits(&after);
        let expected =
            "- method: GET\n+ method: POST\n+ identity: ann\n- a: 1\n- b: 2\n+ b: 3\n+ c: new\n";
        assert_eq!(diff(&edits, ""), expected);
        assert_eq!(before.edits(&before), []);
    }

    #[test]
    fn octets_that_are_no_text_are_escaped() {
        assert_eq!(text(b"a\xffb"), "a\\xffb");
        assert_eq!(text(b"\x1b[31m"), "\\x1b[31m");
        assert_eq!(text("é".as_bytes()), "é");
    }
}
