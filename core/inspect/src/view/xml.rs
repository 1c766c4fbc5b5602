//! XML: checked for being well-formed, and set in lines. Entities are left as they are written.

use quick_xml::{Error, Reader, events::Event};

use super::text::SyntaxError;

/// Depth to which lines are indented. Reason: as for JSON.
const MAX_INDENT: usize = 64;

/// Sets a text in lines, up to `max` bytes or a little more.
///
/// # Errors
/// The first mistake and its place.
pub(super) fn pretty(text: &str, max: usize) -> Result<String, SyntaxError> {
    let mut reader = Reader::from_str(text);
    let mut layout = Layout { max, ..Layout::default() };
    // Where the elements that are open begin.
    let mut open = Vec::new();
    let mut has_root = false;
    loop {
        let start = offset(reader.buffer_position());
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => {
                return Err(SyntaxError::at(text, place(&reader, &error), message(&error)));
            }
        };
        let raw = text.get(start..offset(reader.buffer_position())).unwrap_or_default();
        let wrong = |what: &str| Err(SyntaxError::at(text, start, what));
        match event {
            Event::Start(tag) | Event::Empty(tag) => {
                if open.is_empty() && has_root {
                    return wrong("there is an element already");
                }
                has_root = true;
                for attribute in tag.attributes() {
                    if let Err(error) = attribute {
                        return wrong(&error.to_string());
                    }
                }
                if raw.ends_with("/>") {
                    layout.line(raw);
                } else {
                    open.push(start);
                    layout.open(raw);
                }
            }
            Event::End(_) => {
                open.pop();
                layout.close(raw);
            }
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                if open.is_empty() && !raw.trim_matches('\u{feff}').trim().is_empty() {
                    return wrong("text outside of the element");
                }
                layout.text(raw);
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {
                layout.line(raw);
            }
            Event::Eof => break,
        }
    }
    match open.pop() {
        Some(start) => Err(SyntaxError::at(text, start, "the element is not closed")),
        None if !has_root => Err(SyntaxError::at(text, text.len(), "there is no element")),
        None => Ok(layout.out),
    }
}

fn place(reader: &Reader<&[u8]>, error: &Error) -> usize {
    match error {
        Error::Syntax(_) | Error::IllFormed(_) => offset(reader.error_position()),
        _ => offset(reader.buffer_position()),
    }
}

fn message(error: &Error) -> String {
    match error {
        Error::Syntax(error) => error.to_string(),
        Error::IllFormed(error) => error.to_string(),
        error => error.to_string(),
    }
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

#[derive(Debug, Default)]
struct Layout {
    out: String,
    max: usize,
    depth: usize,
    /// Text since the last tag.
    run: String,
    /// Whether the last tag opened an element.
    is_open: bool,
}

impl Layout {
    fn text(&mut self, raw: &str) {
        if self.out.len() < self.max {
            self.run.push_str(raw);
        }
    }

    fn open(&mut self, raw: &str) {
        self.line(raw);
        self.depth += 1;
        self.is_open = true;
    }

    fn close(&mut self, raw: &str) {
        self.depth = self.depth.saturating_sub(1);
        if self.is_open {
            let run = std::mem::take(&mut self.run);
            self.push(run.trim());
            self.push(raw);
        } else {
            self.depth += 1;
            self.flush();
            self.depth -= 1;
            self.new_line();
            self.push(raw);
        }
        self.is_open = false;
    }

    /// Something that stands on a line of its own.
    fn line(&mut self, raw: &str) {
        self.flush();
        self.new_line();
        self.push(raw);
        self.is_open = false;
    }

    fn flush(&mut self) {
        let run = std::mem::take(&mut self.run);
        let run = run.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if !run.is_empty() {
            self.new_line();
            self.push(run);
        }
    }

    fn new_line(&mut self) {
        if self.out.len() < self.max {
            if !self.out.is_empty() {
                self.out.push('\n');
            }
            self.out.extend(std::iter::repeat_n("  ", self.depth.min(MAX_INDENT)));
        }
    }

    fn push(&mut self, text: &str) {
        if self.out.len() < self.max {
            self.out.push_str(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place_of(text: &str) -> (usize, usize, String) {
        let error = pretty(text, 999).unwrap_err();
        (error.line, error.column, error.message)
    }

    #[test]
    fn elements_stand_in_lines_and_short_ones_on_one() {
        let text = "<?xml version=\"1.0\"?><!-- c --><a x='1'><b>t &amp; &#228;</b><c/> mixed \
                    <d><![CDATA[<x>]]></d><e></e></a>";
        let expected = "<?xml version=\"1.0\"?>\n<!-- c -->\n<a x='1'>\n  <b>t &amp; &#228;</b>\n  \
                        <c/>\n  mixed\n  <d><![CDATA[<x>]]></d>\n  <e></e>\n</a>";
        assert_eq!(pretty(text, 9999).unwrap(), expected);
        // What is in lines stays as it is.
        assert_eq!(pretty(expected, 9999).unwrap(), expected);
    }

    #[test]
    fn the_first_mistake_has_a_place() {
        let (line, column, message) = place_of("<a>\n  <b></c>\n</a>");
        assert_eq!((line, column), (2, 6));
        assert_eq!(message, "expected `</b>`, but `</c>` was found");
        assert_eq!(place_of("<a>\n <b>"), (2, 2, "the element is not closed".into()));
        assert_eq!(place_of("<a/>\n<b/>"), (2, 1, "there is an element already".into()));
        assert_eq!(place_of("x <a/>"), (1, 1, "text outside of the element".into()));
        assert_eq!(place_of(""), (1, 1, "there is no element".into()));
        assert_eq!(place_of("<a b></a>").0, 1);
        assert_eq!(place_of("<a><!-- ").0, 1);
        assert_eq!(place_of("<a>\n\n &amp </a>").0, 3);
        assert_eq!(place_of("<a x='1' x='2'/>").0, 1);
    }

    #[test]
    fn depth_costs_no_more_than_its_length() {
        let deep = format!("{}{}", "<a>".repeat(50_000), "</a>".repeat(50_000));
        assert!(pretty(&deep, 1000).unwrap().len() < 1300);
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String, tags in "[<>/a-b\"'= &;!\\[\\]?\nä-]{0,40}") {
            let _ = pretty(&text, 100);
            if let Err(error) = pretty(&tags, 100) {
                prop_assert!(tags.is_char_boundary(error.offset));
            }
        }
    }
}
