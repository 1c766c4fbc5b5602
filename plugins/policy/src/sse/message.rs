//! One message of an event stream.

use bytes::{BufMut as _, Bytes, BytesMut};

/// One message of an event stream: lines of fields and comments, up to the empty line.
///
/// Fact: the format is that of the HTML standard, 9.2.6 (interpreting an event stream): lines end
/// with CR LF, LF or CR, and one space after the colon of a field is not part of its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    raw: Bytes,
    /// New values of fields. A message without any leaves as it came, byte for byte.
    changes: Vec<(Field, Vec<u8>)>,
}

/// A field that rules may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// What the message says: all its lines, with `\n` between them.
    Data,
    /// How long a client waits before it connects again; of several lines the last counts.
    Retry,
}

/// Some editors put it at the beginning of a text, where it means nothing.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Field {
    const ALL: [Self; 2] = [Self::Data, Self::Retry];

    const fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Retry => "retry",
        }
    }

    /// The field of a line and its value, if it is one of these.
    fn of(line: &[u8]) -> Option<(Self, &[u8])> {
        let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let field = Self::ALL.into_iter().find(|field| field.name().as_bytes() == name)?;
        Some((field, value.strip_prefix(b" ").unwrap_or(value)))
    }
}

impl Message {
    /// A message with these bytes, the empty line that ends it among them.
    pub(crate) const fn new(raw: Bytes) -> Self {
        Self { raw, changes: Vec::new() }
    }

    /// The value of a field; `None` if the message has no such line.
    pub(crate) fn field(&self, field: Field) -> Option<Vec<u8>> {
        if let Some((_, value)) = self.changes.iter().find(|(changed, _)| *changed == field) {
            return Some(value.clone());
        }
        let lines = lines(&self.raw).filter_map(Field::of);
        let values: Vec<_> = lines.filter(|(of, _)| *of == field).map(|(_, value)| value).collect();
        let last = values.last()?;
        Some(match field {
            Field::Data => values.join(&b'\n'),
            Field::Retry => last.to_vec(),
        })
    }

    /// Gives a field that the message has another value.
    pub(crate) fn set(&mut self, field: Field, value: Vec<u8>) {
        match self.changes.iter_mut().find(|(changed, _)| *changed == field) {
            Some((_, old)) => *old = value,
            None => self.changes.push((field, value)),
        }
    }

    /// The message as it goes on.
    pub(crate) fn into_bytes(self) -> Bytes {
        if self.changes.is_empty() {
            return self.raw;
        }
        let mut written = BytesMut::with_capacity(self.raw.len());
        let mut is_written = [false; Field::ALL.len()];
        for line in lines(&self.raw) {
            let changed = Field::of(line)
                .and_then(|(field, _)| self.changes.iter().find(|(changed, _)| *changed == field));
            match changed {
                None => put_line(&mut written, &[line]),
                // The new value stands where the first line of the field stood.
                Some((field, value)) if !is_written[*field as usize] => {
                    is_written[*field as usize] = true;
                    put_field(&mut written, *field, value);
                }
                Some(_) => {}
            }
        }
        written.freeze()
    }
}

/// Writes a field so that its value can neither end the message nor begin another field.
fn put_field(to: &mut BytesMut, field: Field, value: &[u8]) {
    let name = field.name().as_bytes();
    match field {
        Field::Data if value.is_empty() => put_line(to, &[name, b":"]),
        Field::Data => {
            for line in lines(value) {
                put_line(to, &[name, b": ", line]);
            }
            // A value that ends with a line break has one more line, an empty one.
            if matches!(value.last(), Some(b'\n' | b'\r')) {
                put_line(to, &[name, b":"]);
            }
        }
        Field::Retry => {
            let in_one_line: Vec<_> =
                value.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')).copied().collect();
            put_line(to, &[name, b": ", &in_one_line]);
        }
    }
}

fn put_line(to: &mut BytesMut, parts: &[&[u8]]) {
    parts.iter().for_each(|part| to.put_slice(part));
    to.put_u8(b'\n');
}

/// The lines of a text, without what ends them.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        let after = after.strip_prefix(b"\r\n").unwrap_or(after.get(1..).unwrap_or_default());
        rest = after;
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &'static str) -> Message {
        Message::new(Bytes::from_static(text.as_bytes()))
    }

    fn data(text: &'static str) -> Option<String> {
        message(text).field(Field::Data).map(|data| String::from_utf8(data).unwrap())
    }

    #[test]
    fn data_is_joined_over_lines_however_they_end() {
        assert_eq!(data("data: a\ndata:b\n\n").unwrap(), "a\nb");
        assert_eq!(data("data: a\r\nid: 1\r\ndata:  b\r\n\r\n").unwrap(), "a\n b");
        assert_eq!(data("data: a\rdata\r\r").unwrap(), "a\n");
        assert_eq!(data("\u{feff}data: a\n\n").unwrap(), "a");
        assert_eq!(data("event: x\nDATA: a\ndatabase: b\n: data\n\n"), None);
    }

    #[test]
    fn a_message_that_is_not_changed_leaves_as_it_came() {
        let text = "retry:5\r\ndata:a\r:note\ndata: b\n\n";
        assert_eq!(message(text).into_bytes(), text);
    }

    #[test]
    fn a_changed_field_stands_where_it_began_and_cannot_begin_another_one() {
        let mut changed = message("id: 1\ndata: a\r\nevent: e\r\ndata: b\r\nretry: 9\r\n\r\n");
        changed.set(Field::Data, b"x\nid: 2\r\n\ny\rz".to_vec());
        changed.set(Field::Retry, b"10\n\ndata: 3".to_vec());
        assert_eq!(changed.field(Field::Retry).unwrap(), b"10\n\ndata: 3");
        let written = "id: 1\ndata: x\ndata: id: 2\ndata: \ndata: y\ndata: z\nevent: e\n\
                       retry: 10data: 3\n\n";
        assert_eq!(changed.into_bytes(), written);
    }

    #[test]
    fn data_that_became_empty_still_is_a_message() {
        let mut changed = message("data: a\ndata: b\n\n");
        changed.set(Field::Data, Vec::new());
        assert_eq!(changed.into_bytes(), "data:\n\n");
    }

    #[test]
    fn a_line_break_at_the_end_of_data_is_kept() {
        let mut changed = message("data: a\n\n");
        changed.set(Field::Data, b"b\n".to_vec());
        let written = Message::new(changed.into_bytes());
        assert_eq!(written.field(Field::Data).unwrap(), b"b\n");
    }
}
