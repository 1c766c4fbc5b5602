//! What a file says, before anything is known about what it may say: a tree with places.

use std::sync::Arc;

use crate::place::Place;

/// Line and column from 1, within one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pos {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Pos {
    pub(crate) fn in_file(self, file: &Arc<str>) -> Place {
        Place::new(file.clone(), self.line, self.column)
    }
}

/// One value and where it starts.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) pos: Pos,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    /// In the order of the file; keys are unique.
    Map(Vec<(Key, Node)>),
}

/// A scalar keeps its source text, because only the reader knows which type is wanted:
/// `version: 3` and `version: "3"` are the same string, `metadata: 1.10` is not `1.1`.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Unquoted: may be null, a boolean or a number.
    Plain,
    /// Quoted or a block: always a string.
    Text,
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) style: Style,
    pub(crate) pos: Pos,
}

/// What an unquoted scalar stands for in YAML's core schema.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Plain<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    Float(f64),
    Text(&'a str),
}

impl Scalar {
    pub(crate) fn plain(&self) -> Plain<'_> {
        match self.style {
            Style::Plain => classify(&self.text),
            Style::Text => Plain::Text(&self.text),
        }
    }
}

impl Node {
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(s) if s.plain() == Plain::Null)
    }

    /// What a person would call it in an error.
    pub(crate) fn noun(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Scalar(s) => match s.plain() {
                Plain::Null => "nothing",
                Plain::Bool(_) => "a boolean",
                Plain::Int(_) | Plain::Unsigned(_) | Plain::Float(_) => "a number",
                Plain::Text(_) => "a string",
            },
        }
    }
}

pub(crate) fn classify(text: &str) -> Plain<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Plain::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Plain::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Plain::Float(f64::NAN),
        _ => {}
    }
    let radix = match text.get(..2) {
        Some("0x") => Some(16),
        Some("0o") => Some(8),
        _ => None,
    };
    if let Some(radix) = radix {
        let digits = text.get(2..).unwrap_or_default();
        return match digits.starts_with(['+', '-']) {
            false => i64::from_str_radix(digits, radix).map_or(Plain::Text(text), Plain::Int),
            true => Plain::Text(text),
        };
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Plain::Text(text);
    }
    if let Ok(n) = text.parse() {
        return Plain::Int(n);
    }
    if let Ok(n) = text.parse() {
        return Plain::Unsigned(n);
    }
    let numeric = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    match text.parse() {
        Ok(x) if numeric && text.bytes().any(|b| b.is_ascii_digit()) => Plain::Float(x),
        _ => Plain::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        assert_eq!(classify(""), Plain::Null);
        assert_eq!(classify("0x1f"), Plain::Int(31));
        assert_eq!(classify("0o17"), Plain::Int(15));
        assert_eq!(classify("-3"), Plain::Int(-3));
        assert_eq!(classify("18446744073709551615"), Plain::Unsigned(u64::MAX));
        assert_eq!(classify("1e3"), Plain::Float(1000.0));
        for text in ["yes", "1.2.3", "22:30", "0x-1", "-", "+", "infinity", "1_000", "é"] {
            assert_eq!(classify(text), Plain::Text(text));
        }
    }
}
