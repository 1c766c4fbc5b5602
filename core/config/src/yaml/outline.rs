//! Where everything in a file starts and ends, for changing it in place.
//!
//! A [`Node`](crate::node::Node) says what a file means; an outline says which of its bytes say so.
//! Comments and spelling live between the spans, so that an edit which only touches spans keeps
//! them.

use std::{ops::Range, sync::Arc};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::remedy;
use crate::{diagnostic::Diagnostic, node::Style};

/// A value and the bytes that it takes.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    /// From its first byte to behind its last; empty, behind the colon, where nothing was written.
    pub(crate) span: Range<usize>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Alias,
    List,
    Map(Vec<Entry>, Layout),
    Scalar(String, Style),
}

/// How a map is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// A line for each entry.
    Block,
    /// In braces.
    Flow,
}

/// One entry of a map.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Outline,
}

impl Outline {
    /// The outline of a text that [`super::parse`] has accepted; `None` when it says nothing.
    pub(crate) fn parse(file: &Arc<str>, text: &str) -> Result<Option<Self>, Diagnostic> {
        let mut builder = Builder { text, lines: line_starts(text), open: Vec::new(), root: None };
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|e| remedy::refusal(&e, text, file))?;
            builder.event(event, span.start, span.end);
        }
        Ok(builder.root)
    }

    /// The value's entries, if it is a map.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries, _) => entries,
            _ => &[],
        }
    }

    /// The entry with this key, if it is a map that has one.
    pub(crate) fn find(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The text of a scalar that is not null.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text, _) if !self.is_null() => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(text, Style::Plain)
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }
}

struct Builder<'a> {
    text: &'a str,
    lines: Vec<usize>,
    open: Vec<Open>,
    root: Option<Outline>,
}

/// A collection whose end has not been seen.
struct Open {
    start: usize,
    flow: bool,
    /// Where its last value ends.
    end: usize,
    /// `None` for a list.
    map: Option<OpenMap>,
}

/// Its entries, and the key whose value has not been seen.
type OpenMap = (Vec<Entry>, Option<(String, Range<usize>)>);

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, start: Marker, end: Marker) {
        let span = self.offset(start)..self.offset(end);
        match event {
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                let span = match style {
                    ScalarStyle::Plain => span,
                    ScalarStyle::SingleQuoted => span.start..self.end_of_single(span.start),
                    ScalarStyle::DoubleQuoted => span.start..self.end_of_double(span.start),
                    _ => self.block(span.start, start.col()),
                };
                let style = if plain { Style::Plain } else { Style::Text };
                self.value(span, Kind::Scalar(text.into_owned(), style));
            }
            Event::Alias(_) => self.value(span, Kind::Alias),
            Event::SequenceStart(..) => self.start(&span, None),
            Event::MappingStart(..) => self.start(&span, Some((Vec::new(), None))),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return };
                let end = if open.flow { span.end } else { open.end };
                let layout = if open.flow { Layout::Flow } else { Layout::Block };
                let kind = open.map.map_or(Kind::List, |(entries, _)| Kind::Map(entries, layout));
                self.value(open.start..end.max(open.start), kind);
            }
            _ => {}
        }
    }

    fn start(&mut self, span: &Range<usize>, map: Option<OpenMap>) {
        let flow = self.text.get(span.start..).is_some_and(|t| t.starts_with(['{', '[']));
        self.open.push(Open { start: span.start, flow, end: span.start, map });
    }

    /// A finished value goes to where it stands.
    fn value(&mut self, mut span: Range<usize>, kind: Kind) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(Outline { span, kind });
            return;
        };
        let Some((entries, waiting)) = &mut open.map else {
            open.end = open.end.max(span.end);
            return;
        };
        match (waiting.take(), kind) {
            (None, Kind::Scalar(text, _)) => *waiting = Some((text, span)),
            // No key is anything else: the reader refuses it.
            (None, _) => {}
            (Some((key, key_span)), kind) => {
                if matches!(&kind, Kind::Scalar(text, Style::Plain) if text.is_empty()) {
                    let behind = self.text.get(key_span.end..).unwrap_or_default();
                    let colon = behind.find(':').map_or(key_span.end, |at| key_span.end + at + 1);
                    span = colon..colon;
                }
                open.end = open.end.max(span.end);
                entries.push(Entry { key, key_span, value: Outline { span, kind } });
            }
        }
    }

    /// Behind the quote that ends a string; the parser counts a comment that follows as well.
    fn end_of_single(&self, start: usize) -> usize {
        let mut quotes =
            self.text.get(start + 1..).unwrap_or_default().match_indices('\'').peekable();
        while let Some((at, _)) = quotes.next() {
            if quotes.next_if(|(next, _)| *next == at + 1).is_none() {
                return start + at + 2;
            }
        }
        self.text.len()
    }

    fn end_of_double(&self, start: usize) -> usize {
        let mut chars = self.text.get(start + 1..).unwrap_or_default().char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => drop(chars.next()),
                '"' => return start + at + 2,
                _ => {}
            }
        }
        self.text.len()
    }

    /// A block of text from its header to its last line, of which the parser tells where the first
    /// line starts.
    fn block(&self, first: usize, column: usize) -> Range<usize> {
        let waiting = self.open.last().and_then(|open| open.map.as_ref()?.1.as_ref());
        let key_end = waiting.map_or(first, |(_, span)| span.end);
        let header = self.text.get(key_end..first).unwrap_or_default().find(['|', '>']);
        let (mut end, mut at) = (first, first - column.min(first));
        for line in self.text.get(at..).unwrap_or_default().split_inclusive('\n') {
            let indent = line.len() - line.trim_start_matches(' ').len();
            at += line.len();
            match line.trim().is_empty() {
                true => {}
                false if indent >= column => end = at,
                false => break,
            }
        }
        header.map_or(first, |header| key_end + header)..end
    }

    /// Markers count characters within their line.
    fn offset(&self, mark: Marker) -> usize {
        let line = mark.line().saturating_sub(1);
        let Some(start) = self.lines.get(line).copied() else { return self.text.len() };
        let rest = self.text.get(start..).unwrap_or_default();
        start + rest.char_indices().nth(mark.col()).map_or(rest.len(), |(at, _)| at)
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Every value of a map with the source of its key and its value.
    fn spans(text: &str) -> Vec<(String, String)> {
        fn walk(outline: &Outline, text: &str, into: &mut Vec<(String, String)>) {
            for entry in outline.entries() {
                let of = |span: &Range<usize>| text[span.clone()].to_owned();
                into.push((of(&entry.key_span), of(&entry.value.span)));
                walk(&entry.value, text, into);
            }
        }
        let mut found = Vec::new();
        walk(&Outline::parse(&Arc::from("t"), text).unwrap().unwrap(), text, &mut found);
        found
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn spans_hold_the_values_and_nothing_else() {
        let text = "# é\nversion: \"3\"  # why\nagent:\n  log: 'é x'   \n  é: a b # c\nnothing:\n# end\nlast: ~\n";
        assert_eq!(
            spans(text),
            pairs(&[
                ("version", "\"3\""),
                ("agent", "log: 'é x'   \n  é: a b"),
                ("log", "'é x'"),
                ("é", "a b"),
                ("nothing", ""),
                ("last", "~"),
            ])
        );
    }

    #[test]
    fn strings_end_where_their_quote_or_their_last_line_is() {
        let text = "a: 'it''s' # '\n\nb: \"x\\\"\" # \"\nc: |  # text\n  x\n\n  y\n\n# z\nd: e\n";
        assert_eq!(
            spans(text),
            pairs(&[
                ("a", "'it''s'"),
                ("b", "\"x\\\"\""),
                ("c", "|  # text\n  x\n\n  y\n"),
                ("d", "e"),
            ])
        );
    }

    #[test]
    fn braces_and_quoted_keys_are_part_of_their_spans() {
        let text = "{\"a\": {b: [1, 2]}, \"c\": }";
        assert_eq!(spans(text), pairs(&[("\"a\"", "{b: [1, 2]}"), ("b", "[1, 2]"), ("\"c\"", "")]));
    }

    #[test]
    fn lines_that_end_as_on_windows_are_counted() {
        assert_eq!(spans("a: b\r\nc: d\r\n"), pairs(&[("a", "b"), ("c", "d")]));
    }
}
