//! `content_type` and `content_encoding`.

use std::borrow::Cow;

use cel::common::types::{CelMap, CelMapKey, CelString};
use http::{
    HeaderMap, HeaderName,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE},
};

use super::fact::{Boxed, Fact};
use crate::expr::Type;

/// The header's text. `None`: there is none.
pub(super) fn header(headers: &HeaderMap, name: HeaderName) -> Option<Cow<'_, str>> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
}

/// The codings that were applied, in order.
pub(super) fn encoding(headers: &HeaderMap) -> Fact<'_> {
    let values = headers.get_all(CONTENT_ENCODING).into_iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let codings = values.flat_map(|value| value.split(',')).map(str::trim);
    Fact::texts(codings.filter(|coding| !coding.is_empty()))
}

/// The length that was announced.
pub(super) fn length(headers: &HeaderMap) -> Fact<'_> {
    let length = header(headers, CONTENT_LENGTH).and_then(|text| text.trim().parse::<i64>().ok());
    length.map_or(Fact::Unknown, Fact::int)
}

/// The media type, with its parameters.
pub(super) fn content_type(ty: Type, headers: &HeaderMap) -> Fact<'_> {
    let Some(raw) = header(headers, CONTENT_TYPE) else { return Fact::Unknown };
    let media = raw.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    Fact::with_text(ty, media, move |name, _| match name {
        "parameters" => {
            let pairs = parameters(&raw).into_iter().map(|(name, value)| {
                (CelMapKey::from(name), Box::new(CelString::from(value)) as Boxed<'_>)
            });
            Fact::Known(Box::new(CelMap::from(pairs.collect::<std::collections::HashMap<_, _>>())))
        }
        "raw" => Fact::text(raw.clone()),
        _ => Fact::Unknown,
    })
}

/// `name=value` pairs behind the media type; names in lower case, values unquoted.
fn parameters(raw: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = raw.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, behind)) = rest.split_once('=') {
        let name = name.trim_start_matches(|c: char| c == ';' || c.is_whitespace()).trim_end();
        let behind = behind.trim_start();
        let value;
        (value, rest) = match behind.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let (value, rest) = behind.split_once(';').unwrap_or((behind, ""));
                (value.trim_end().to_owned(), rest)
            }
        };
        // What stood between two semicolons without a value is no parameter.
        let name = name.rsplit(';').next().unwrap_or_default().trim();
        if !name.is_empty() {
            pairs.push((name.to_ascii_lowercase(), value));
        }
    }
    pairs
}

/// A text up to the closing quote, and what follows it.
fn unquote(quoted: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}
