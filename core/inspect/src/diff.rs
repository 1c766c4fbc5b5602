//! Two exchanges side by side.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use crate::{
    model::{Body, Entry, Headers},
    view::{self, ContentKind, raw},
};

/// Lines of both bodies together that are compared.
///
/// Reason: as many as a browser shows smoothly; comparing them takes a fraction of a second.
const MAX_LINES: usize = 20_000;

/// Time after which a comparison becomes coarse.
const TIME: Duration = Duration::from_millis(300);

/// Lines that are shown around what differs.
const CONTEXT: usize = 3;

/// How two exchanges differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// Their requests.
    pub request: SideDiff,
    /// Their responses; `None` if neither has one.
    pub response: Option<SideDiff>,
}

/// How two messages differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideDiff {
    /// First line of the left one; empty if there is none.
    pub left: String,
    /// First line of the right one; empty if there is none.
    pub right: String,
    /// Their headers, by name; then their trailers.
    pub headers: Vec<HeaderDiff>,
    /// Their bodies.
    pub body: BodyDiff,
}

/// Whether something is on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only on the right.
    Added,
    /// On both, and not the same.
    Changed,
    /// Only on the left.
    Removed,
    /// On both.
    Same,
}

/// One header on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderDiff {
    /// Its name.
    pub name: String,
    /// Its value on the left.
    pub left: Option<String>,
    /// Its value on the right.
    pub right: Option<String>,
    /// What happened to it.
    pub change: Change,
}

/// How two bodies differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyDiff {
    /// They are other octets, at least one of them no text.
    Binary,
    /// They say the same, without their encodings.
    Same,
    /// They are texts that differ.
    Text {
        /// Whether both were set in lines first.
        is_pretty: bool,
        /// Where they differ.
        hunks: Vec<Vec<Line>>,
    },
    /// They differ, and are too long to say where.
    TooLarge,
}

/// One line on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What happened to it.
    pub change: Change,
    /// Its number on the left, from 1.
    pub left: Option<usize>,
    /// Its number on the right, from 1.
    pub right: Option<usize>,
    /// What it says, without its end.
    pub text: String,
}

/// One message.
#[derive(Clone, Copy)]
struct Message<'a> {
    headers: &'a Headers,
    trailers: Option<&'a Headers>,
    body: &'a Body,
}

/// Compares two exchanges.
pub fn diff(left: &Entry, right: &Entry) -> Diff {
    let line = |entry: &Entry| {
        let request = &entry.request;
        format!("{} {} {}", request.method, request.target, raw::proto(request.version))
    };
    let status = |entry: &Entry| {
        let response = entry.response.as_ref();
        response.map_or_else(String::new, |response| {
            format!("{} {}", raw::proto(response.version), raw::status_line(response.status))
        })
    };
    let has_response = left.response.is_some() || right.response.is_some();
    Diff {
        request: side(line(left), line(right), of_request(left), of_request(right)),
        response: has_response
            .then(|| side(status(left), status(right), of_response(left), of_response(right))),
    }
}

fn of_request(entry: &Entry) -> Option<Message<'_>> {
    let request = &entry.request;
    let (headers, body) = (&request.headers, &request.body);
    Some(Message { headers, trailers: request.trailers.as_ref(), body })
}

fn of_response(entry: &Entry) -> Option<Message<'_>> {
    let response = entry.response.as_ref()?;
    let (headers, body) = (&response.headers, &response.body);
    Some(Message { headers, trailers: response.trailers.as_ref(), body })
}

fn side(left: String, right: String, a: Option<Message<'_>>, b: Option<Message<'_>>) -> SideDiff {
    let mut headers = compare_headers(a.map(|m| m.headers), b.map(|m| m.headers));
    let trailers =
        |message: Option<Message<'_>>| message.and_then(|message| message.trailers.cloned());
    headers.extend(compare_headers(trailers(a).as_ref(), trailers(b).as_ref()));
    SideDiff { left, right, headers, body: compare_bodies(a, b) }
}

/// By name, in the order of the left side and then of the right one; several values of a name in
/// their order.
fn compare_headers(left: Option<&Headers>, right: Option<&Headers>) -> Vec<HeaderDiff> {
    let none = Headers::default();
    let (left, right) = (left.unwrap_or(&none), right.unwrap_or(&none));
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in left.iter().chain(right.iter()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut headers = Vec::new();
    for name in names {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let (mut a, mut b) = (left.get_all(name).map(text), right.get_all(name).map(text));
        loop {
            let change = match (a.next(), b.next()) {
                (None, None) => break,
                (Some(a), Some(b)) if a == b => (Some(a), Some(b), Change::Same),
                (Some(a), Some(b)) => (Some(a), Some(b), Change::Changed),
                (left @ Some(_), None) => (left, None, Change::Removed),
                (None, right) => (None, right, Change::Added),
            };
            let (left, right, change) = change;
            headers.push(HeaderDiff { name: name.to_owned(), left, right, change });
        }
    }
    headers
}

fn compare_bodies(left: Option<Message<'_>>, right: Option<Message<'_>>) -> BodyDiff {
    let look = |message: Option<Message<'_>>| message.map(|m| view::look(m.headers, m.body));
    let (left, right) = (look(left), look(right));
    let bytes = |view: &Option<view::View>| view.as_ref().map(|v| v.decoded.bytes.clone());
    if bytes(&left).unwrap_or_default() == bytes(&right).unwrap_or_default() {
        return BodyDiff::Same;
    }
    let (Some((a, is_a_pretty)), Some((b, is_b_pretty))) = (text(left), text(right)) else {
        return BodyDiff::Binary;
    };
    if a.lines().count() + b.lines().count() > MAX_LINES {
        return BodyDiff::TooLarge;
    }
    let diff = TextDiff::configure().timeout(TIME).diff_lines(&a, &b);
    let hunks = diff.grouped_ops(CONTEXT).into_iter().map(|ops| {
        ops.iter().flat_map(|op| diff.iter_changes(op)).map(|change| line(&change)).collect()
    });
    BodyDiff::Text { is_pretty: is_a_pretty || is_b_pretty, hunks: hunks.collect() }
}

/// The text of a body, and whether it was set in lines; none of a body that is not there.
fn text(view: Option<view::View>) -> Option<(String, bool)> {
    match view {
        None => Some((String::new(), false)),
        Some(view) if view.kind == ContentKind::Empty => Some((String::new(), false)),
        Some(view) => view.text.map(|text| (text.text, text.is_pretty)),
    }
}

fn line(change: &similar::Change<&str>) -> Line {
    let text = change.value().trim_end_matches(['\r', '\n']).to_owned();
    let number = |index: Option<usize>| index.map(|index| index + 1);
    Line {
        change: match change.tag() {
            ChangeTag::Delete => Change::Removed,
            ChangeTag::Equal => Change::Same,
            ChangeTag::Insert => Change::Added,
        },
        left: number(change.old_index()),
        right: number(change.new_index()),
        text,
    }
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
