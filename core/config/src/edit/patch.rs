//! Changes of a text, each at a span of its outline.

use std::ops::Range;

use super::word;
use crate::yaml::outline::{Entry, Kind, Layout, Outline};

/// How far an entry of a map stands to the right of the map's key.
const INDENT: &str = "  ";

/// Changes that are made together.
pub(crate) struct Patch<'a> {
    text: &'a str,
    edits: Vec<(Range<usize>, String)>,
}

impl<'a> Patch<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, edits: Vec::new() }
    }

    /// The changed text.
    pub(crate) fn apply(self) -> String {
        let whole = 0..self.text.len();
        self.apply_to(whole)
    }

    /// A part of the changed text, in which all changes are.
    pub(crate) fn apply_to(mut self, part: Range<usize>) -> String {
        // Of two insertions at one place, the first stays first.
        self.edits.sort_by_key(|(span, _)| (span.start, span.end));
        let mut out = String::with_capacity(part.len() + 64);
        let mut from = part.start;
        for (span, new) in self.edits {
            out.push_str(self.text.get(from..span.start).unwrap_or_default());
            out.push_str(&new);
            from = span.end.max(from);
        }
        out.push_str(self.text.get(from..part.end).unwrap_or_default());
        out
    }

    /// How many characters stand before `at` in its line.
    pub(crate) fn column(&self, at: usize) -> usize {
        self.before(at).chars().count()
    }

    /// Writes `new` instead of a span.
    pub(crate) fn replace(&mut self, span: Range<usize>, new: impl Into<String>) {
        self.edits.push((span, new.into()));
    }

    /// Writes another value behind a key.
    pub(crate) fn replace_value(&mut self, entry: &Entry, new: &str) {
        let span = entry.value.span.clone();
        let old = self.text.get(span.clone()).unwrap_or_default();
        let space = if span.is_empty() { " " } else { "" };
        // A block of text ends with its last line.
        let end = if old.ends_with('\n') { self.newline() } else { "" };
        self.replace(span, format!("{space}{new}{end}"));
    }

    /// Writes a new entry behind `after`, or as the first of the map.
    pub(crate) fn insert(&mut self, map: &Outline, after: Option<&Entry>, key: &str, value: &str) {
        let space = if value.starts_with(['\r', '\n']) { "" } else { " " };
        match (&map.kind, after) {
            (Kind::Map(_, Layout::Flow), Some(after)) => {
                let at = after.value.span.end;
                self.replace(at..at, format!(", \"{key}\": {value}"));
            }
            (Kind::Map(entries, Layout::Flow), None) => {
                let at = map.span.start + 1;
                let comma = if entries.is_empty() { "" } else { ", " };
                self.replace(at..at, format!("\"{key}\": {value}{comma}"));
            }
            (_, Some(after)) => {
                let indent = self.indent(after.key_span.start);
                self.insert_line(after.value.span.end, &format!("{indent}{key}:{space}{value}"));
            }
            (_, None) => {
                let start = map.entries().first().map_or(map.span.start, |e| e.key_span.start);
                let indent = self.indent(start);
                let at = start - self.before(start).len();
                self.replace(at..at, format!("{indent}{key}:{space}{value}{}", self.newline()));
            }
        }
    }

    /// Writes the first entry of a map under a key that has no value yet.
    pub(crate) fn fill(&mut self, entry: &Entry, key: &str, value: &str) {
        let indent = self.indent(entry.key_span.start);
        let line = format!("{indent}{INDENT}{key}: {value}");
        if entry.value.span.is_empty() {
            self.insert_line(entry.value.span.end, &line);
        } else {
            self.replace(entry.value.span.clone(), format!("{}{line}", self.newline()));
        }
    }

    /// Writes a line behind the one that `at` is in.
    fn insert_line(&mut self, at: usize, line: &str) {
        let newline = self.newline();
        if self.text.get(..at).is_some_and(|before| before.ends_with('\n')) {
            return self.replace(at..at, format!("{line}{newline}"));
        }
        let rest = self.text.get(at..).unwrap_or_default();
        match rest.find('\n') {
            Some(end) => self.replace(at + end + 1..at + end + 1, format!("{line}{newline}")),
            None => {
                let end = self.text.len();
                self.replace(end..end, format!("{newline}{line}{newline}"));
            }
        }
    }

    /// How lines end in this text.
    pub(crate) fn newline(&self) -> &'static str {
        newline_of(self.text)
    }

    /// What stands before `at` in its line.
    fn before(&self, at: usize) -> &'a str {
        let before = self.text.get(..at).unwrap_or_default();
        before.rsplit('\n').next().unwrap_or_default()
    }

    /// Blanks as wide as what stands before `at` in its line.
    fn indent(&self, at: usize) -> String {
        let before = self.before(at);
        before.chars().map(|c| if c.is_whitespace() { c } else { ' ' }).collect()
    }
}

/// How lines end in a text.
pub(crate) fn newline_of(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// The words of a list in brackets.
pub(crate) fn list<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let words: Vec<_> = words.into_iter().map(word).collect();
    format!("[{}]", words.join(", "))
}
