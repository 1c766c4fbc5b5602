//! Which entries somebody wants to see.

use std::{str::FromStr, time::Duration};

use http::StatusCode;

use crate::{
    model::{Body, Entry, Headers},
    view::text_of,
};

/// Which entries are wanted. All that is said must match; text is compared in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Name of the endpoint, exactly.
    pub endpoint: Option<String>,
    /// Part of path and query.
    pub path: Option<String>,
    /// The method, in any case.
    pub method: Option<String>,
    /// Status of the response.
    pub status: Option<StatusFilter>,
    /// Least duration, of what is over.
    pub min_duration: Option<Duration>,
    /// Greatest duration, of what is over.
    pub max_duration: Option<Duration>,
    /// Least length of the response's body.
    pub min_size: Option<u64>,
    /// Greatest length of the response's body.
    pub max_size: Option<u64>,
    /// A header of the request or the response.
    pub header: Option<HeaderFilter>,
    /// Text in the path, the heads, or the bodies as they read once they are decoded.
    pub text: Option<String>,
}

/// `200`, `4xx` or `400-499`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusFilter {
    /// The least that matches.
    pub from: u16,
    /// The greatest that matches.
    pub to: u16,
}

/// `name:part`, or `part` of any header's value. Without a part, that the header is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderFilter {
    /// Name of the header, in any case; any if `None`.
    pub name: Option<String>,
    /// Part of its value.
    pub part: String,
}

/// A filter cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// Not a status, a class or a range.
    #[error("{0:?} is no status: write 200, 4xx or 400-499")]
    Status(String),
}

impl Filter {
    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an entry is wanted.
    pub fn matches(&self, entry: &Entry) -> bool {
        let is = |wanted: &Option<String>, f: fn(&str, &str) -> bool, what: &str| {
            wanted.as_deref().is_none_or(|wanted| f(what, wanted))
        };
        is(&self.endpoint, |a, b| a == b, &entry.endpoint)
            && is(&self.method, str::eq_ignore_ascii_case, entry.request.method.as_str())
            && is(&self.path, contains, &entry.request.target)
            && self.status.is_none_or(|status| entry.status().is_some_and(|s| status.has(s)))
            && self.has_duration(entry)
            && self.min_size.is_none_or(|min| entry.response_len() >= min)
            && self.max_size.is_none_or(|max| entry.response_len() <= max)
            && self.header.as_ref().is_none_or(|header| header.is_in(entry))
            && self.text.as_deref().is_none_or(|text| has_text(entry, text))
    }

    fn has_duration(&self, entry: &Entry) -> bool {
        if self.min_duration.is_none() && self.max_duration.is_none() {
            return true;
        }
        let Some(took) = entry.timing.total else { return false };
        self.min_duration.is_none_or(|min| took >= min)
            && self.max_duration.is_none_or(|max| took <= max)
    }
}

impl StatusFilter {
    fn has(self, status: StatusCode) -> bool {
        (self.from..=self.to).contains(&status.as_u16())
    }
}

impl FromStr for StatusFilter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let wrong = || FilterError::Status(text.to_owned());
        let number = |text: &str| match text.trim().parse() {
            Ok(n @ 0..=999) => Ok(n),
            _ => Err(wrong()),
        };
        let text = text.trim();
        if let Some((from, to)) = text.split_once('-') {
            return Ok(Self { from: number(from)?, to: number(to)? });
        }
        if let [class @ b'1'..=b'9', b'x' | b'X', b'x' | b'X'] = text.as_bytes() {
            let from = u16::from(class - b'0') * 100;
            return Ok(Self { from, to: from + 99 });
        }
        let status = number(text)?;
        Ok(Self { from: status, to: status })
    }
}

impl HeaderFilter {
    fn is_in(&self, entry: &Entry) -> bool {
        let request = &entry.request;
        let response = entry.response.as_ref();
        [Some(&request.headers), request.trailers.as_ref()]
            .into_iter()
            .chain([response.map(|r| &r.headers), response.and_then(|r| r.trailers.as_ref())])
            .flatten()
            .any(|headers| self.is_among(headers))
    }

    fn is_among(&self, headers: &Headers) -> bool {
        headers.iter().any(|(name, value)| {
            let has_name = |wanted: &String| name.eq_ignore_ascii_case(wanted);
            self.name.as_ref().is_none_or(has_name)
                && contains(&String::from_utf8_lossy(value), &self.part)
        })
    }
}

impl From<&str> for HeaderFilter {
    fn from(text: &str) -> Self {
        match text.split_once(':') {
            Some((name, part)) if is_name(name) => {
                Self { name: Some(name.trim().to_owned()), part: part.trim().to_owned() }
            }
            _ => Self { name: None, part: text.trim().to_owned() },
        }
    }
}

fn is_name(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && http::HeaderName::from_bytes(text.as_bytes()).is_ok()
}

fn has_text(entry: &Entry, text: &str) -> bool {
    let (request, response) = (&entry.request, entry.response.as_ref());
    let in_headers = |headers: &Headers| {
        let block = String::from_utf8_lossy(headers.as_wire());
        contains(&block, text)
    };
    let in_body = |headers: &Headers, body: &Body| {
        text_of(headers, body).is_some_and(|body| contains(&body, text))
    };
    contains(&request.target, text)
        || in_headers(&request.headers)
        || response.is_some_and(|response| in_headers(&response.headers))
        || request.trailers.as_ref().is_some_and(in_headers)
        || response.and_then(|response| response.trailers.as_ref()).is_some_and(in_headers)
        || in_body(&request.headers, &request.body)
        || response.is_some_and(|response| in_body(&response.headers, &response.body))
}

/// Whether a text contains another, in any case.
pub(crate) fn contains(text: &str, part: &str) -> bool {
    if part.is_empty() {
        return true;
    }
    if part.is_ascii() {
        let n = part.len();
        return text.as_bytes().windows(n).any(|w| w.eq_ignore_ascii_case(part.as_bytes()));
    }
    text.to_lowercase().contains(&part.to_lowercase())
}
