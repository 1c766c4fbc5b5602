//! Conditional requests and ranges (RFC 9110, sections 13 and 14).

use std::{
    ops::Range,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, HeaderName, header};

/// What identifies one state of a file.
#[derive(Debug)]
pub(super) struct Validators {
    /// Strong entity tag, with its quotes.
    pub(super) etag: String,
    /// In whole seconds, as headers have it.
    pub(super) modified: Option<SystemTime>,
}

/// What the preconditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They hold.
    Send,
    /// The visitor has it already.
    NotModified,
    /// The visitor wanted another state.
    Failed,
}

/// Which part of the file is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// These bytes; never empty.
    Bytes(Range<u64>),
    /// Bytes that it does not have.
    Unsatisfiable,
}

impl Validators {
    /// From size and time of the last change, as most servers make them.
    pub(super) fn new(len: u64, modified: Option<SystemTime>) -> Self {
        let since = modified.and_then(|m| m.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        let modified = modified.map(|_| UNIX_EPOCH + Duration::from_secs(since.as_secs()));
        Self { etag: format!("\"{:x}-{len:x}\"", since.as_nanos()), modified }
    }

    /// Looks at the preconditions in the order that the RFC gives.
    pub(super) fn check(&self, headers: &HeaderMap) -> Verdict {
        if let Some(wanted) = list(headers, &header::IF_MATCH) {
            if !wanted.iter().any(|tag| *tag == "*" || *tag == self.etag) {
                return Verdict::Failed;
            }
        } else if let (Some(limit), Some(modified)) =
            (date(headers, &header::IF_UNMODIFIED_SINCE), self.modified)
            && modified > limit
        {
            return Verdict::Failed;
        }
        if let Some(known) = list(headers, &header::IF_NONE_MATCH) {
            let weak = |tag: &&str| tag.strip_prefix("W/").unwrap_or(tag) == self.etag;
            if known.iter().any(|tag| *tag == "*" || weak(tag)) {
                return Verdict::NotModified;
            }
        } else if let (Some(since), Some(modified)) =
            (date(headers, &header::IF_MODIFIED_SINCE), self.modified)
            && modified <= since
        {
            return Verdict::NotModified;
        }
        Verdict::Send
    }

    /// The part that `Range` asks for, if `If-Range` agrees. Several ranges, other units and
    /// nonsense mean the whole: the RFC lets a server ignore them.
    pub(super) fn part(&self, headers: &HeaderMap, len: u64) -> Part {
        let Some(range) = headers.get(header::RANGE).and_then(|v| v.to_str().ok()) else {
            return Part::Whole;
        };
        match range.trim().split_once('=') {
            Some((unit, spec)) if unit.eq_ignore_ascii_case("bytes") && self.if_range(headers) => {
                parse_range(spec.trim(), len)
            }
            _ => Part::Whole,
        }
    }

    fn if_range(&self, headers: &HeaderMap) -> bool {
        let Some(value) = headers.get(header::IF_RANGE) else { return true };
        match value.to_str() {
            Ok(tag) if tag == self.etag => true,
            Ok(text) => httpdate::parse_http_date(text).is_ok_and(|d| Some(d) == self.modified),
            Err(_) => false,
        }
    }
}

fn parse_range(spec: &str, len: u64) -> Part {
    let number = |text: &str| match text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit mean "beyond the end".
        true if !text.is_empty() => Some(text.parse().unwrap_or(u64::MAX)),
        _ => None,
    };
    let Some((first, last)) = spec.split_once('-') else { return Part::Whole };
    let range = match (number(first.trim()), number(last.trim())) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(len),
        (Some(first), None) if last.trim().is_empty() => first..len,
        (None, Some(n)) if first.trim().is_empty() => len.saturating_sub(n)..len,
        _ => return Part::Whole,
    };
    if range.start < range.end { Part::Bytes(range) } else { Part::Unsatisfiable }
}

fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Vec<&'a str>> {
    let values: Vec<_> = headers.get_all(name).iter().filter_map(|v| v.to_str().ok()).collect();
    let tags = values.iter().flat_map(|v| v.split(',')).map(str::trim);
    headers.contains_key(name).then(|| tags.collect())
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const FIRST: &str = "Thu, 01 Jan 1970 00:00:00 GMT";
    const SECOND: &str = "Fri, 02 Jan 1970 00:00:00 GMT";
    const THIRD: &str = "Sat, 03 Jan 1970 00:00:00 GMT";

    fn validators() -> Validators {
        Validators::new(10, Some(UNIX_EPOCH + DAY + Duration::from_nanos(5)))
    }

    fn headers(list: &[(HeaderName, &str)]) -> HeaderMap {
        list.iter().map(|(n, v)| (n.clone(), v.parse().unwrap())).collect()
    }

    fn verdict(list: &[(HeaderName, &str)]) -> Verdict {
        validators().check(&headers(list))
    }

    #[test]
    fn a_known_tag_or_date_is_not_sent_again() {
        let tag = validators().etag;
        assert_eq!(verdict(&[(header::IF_NONE_MATCH, &tag)]), Verdict::NotModified);
        let weak = format!("\"x\", W/{tag}");
        assert_eq!(verdict(&[(header::IF_NONE_MATCH, &weak)]), Verdict::NotModified);
        assert_eq!(verdict(&[(header::IF_NONE_MATCH, "*")]), Verdict::NotModified);
        assert_eq!(verdict(&[(header::IF_MODIFIED_SINCE, SECOND)]), Verdict::NotModified);
        assert_eq!(verdict(&[(header::IF_MODIFIED_SINCE, FIRST)]), Verdict::Send);
        assert_eq!(verdict(&[(header::IF_MODIFIED_SINCE, "yesterday")]), Verdict::Send);
    }

    #[test]
    fn a_tag_wins_over_a_date() {
        let both = [(header::IF_NONE_MATCH, "\"x\""), (header::IF_MODIFIED_SINCE, THIRD)];
        assert_eq!(verdict(&both), Verdict::Send);
    }

    #[test]
    fn a_state_that_is_not_the_wanted_one_fails() {
        let tag = validators().etag;
        assert_eq!(verdict(&[(header::IF_MATCH, &tag)]), Verdict::Send);
        assert_eq!(verdict(&[(header::IF_MATCH, "\"x\"")]), Verdict::Failed);
        assert_eq!(verdict(&[(header::IF_UNMODIFIED_SINCE, FIRST)]), Verdict::Failed);
        assert_eq!(verdict(&[(header::IF_UNMODIFIED_SINCE, SECOND)]), Verdict::Send);
    }

    #[test]
    fn one_range_is_understood() {
        let part = |range: &str| validators().part(&headers(&[(header::RANGE, range)]), 10);
        assert_eq!(part("bytes=0-3"), Part::Bytes(0..4));
        assert_eq!(part("Bytes = 4-"), Part::Whole);
        assert_eq!(part("bytes=4-"), Part::Bytes(4..10));
        assert_eq!(part("bytes=-3"), Part::Bytes(7..10));
        assert_eq!(part("bytes=-99999999999999999999"), Part::Bytes(0..10));
        assert_eq!(part("bytes=9-99999999999999999999"), Part::Bytes(9..10));
        assert_eq!(part("bytes=10-"), Part::Unsatisfiable);
        assert_eq!(part("bytes=-0"), Part::Unsatisfiable);
        assert_eq!(
            validators().part(&headers(&[(header::RANGE, "bytes=0-")]), 0),
            Part::Unsatisfiable
        );
    }

    #[test]
    fn what_may_be_ignored_means_the_whole() {
        let part = |range: &str| validators().part(&headers(&[(header::RANGE, range)]), 10);
        for range in ["bytes=0-1,3-4", "lines=0-1", "bytes=3-1", "bytes=", "bytes=-", "bytes=+1-2"]
        {
            assert_eq!(part(range), Part::Whole, "{range}");
        }
    }

    #[test]
    fn a_range_of_another_state_means_the_whole() {
        let tag = validators().etag;
        let part = |cond: &str| {
            let list = [(header::RANGE, "bytes=0-0"), (header::IF_RANGE, cond)];
            validators().part(&headers(&list), 10)
        };
        assert_eq!(part(&tag), Part::Bytes(0..1));
        assert_eq!(part(SECOND), Part::Bytes(0..1));
        assert_eq!(part(FIRST), Part::Whole);
        assert_eq!(part("\"x\""), Part::Whole);
        assert_eq!(part(&format!("W/{tag}")), Part::Whole);
    }
}
