//! Requests that two servers could read differently are refused before anybody reads them.
//!
//! Everything that is let through is written anew by the HTTP library, framed by what was parsed;
//! so these checks are a second lock, and they tell the sender that something is wrong.

use std::io::BufRead as _;

use adit_chain::Refusal;
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode, Version,
    header::{HOST, TRANSFER_ENCODING},
    uri::Authority,
};

/// What is wrong with a request.
type Wrong = &'static str;

/// Looks at a head as it was sent. `head` may be empty (nothing is known), and may go on after the
/// head's end.
pub(super) fn check_raw(method: &Method, head: &[u8]) -> Result<(), Wrong> {
    let head = skip_blank_lines(head);
    let is_this_request = head
        .strip_prefix(method.as_str().as_bytes())
        .is_some_and(|rest| rest.first() == Some(&b' '));
    if !is_this_request {
        return Ok(());
    }
    let (mut n_lengths, mut n_encodings) = (0, 0);
    let mut rest = head;
    loop {
        let line = rest;
        let n = rest.skip_until(b'\n').unwrap_or(0);
        let Some(line) = line[..n].strip_suffix(b"\n") else { break };
        let Some(line) = line.strip_suffix(b"\r") else {
            return Err("a line ends without a carriage return");
        };
        match line.first() {
            None => break,
            Some(b' ' | b'\t') => return Err("a header is folded over several lines"),
            Some(b'c' | b'C') if is_header(line, b"content-length") => n_lengths += 1,
            Some(b't' | b'T') if is_header(line, b"transfer-encoding") => n_encodings += 1,
            Some(_) => {}
        }
    }
    match (n_lengths, n_encodings) {
        (0, 0..=1) | (1, 0) => Ok(()),
        (0, _) => Err("several Transfer-Encoding headers"),
        (_, 0) => Err("several Content-Length headers"),
        _ => Err("both Content-Length and Transfer-Encoding"),
    }
}

fn skip_blank_lines(mut head: &[u8]) -> &[u8] {
    while let [b'\r' | b'\n', rest @ ..] = head {
        head = rest;
    }
    head
}

fn is_header(line: &[u8], name: &[u8]) -> bool {
    line.get(name.len()) == Some(&b':') && line[..name.len()].eq_ignore_ascii_case(name)
}

/// Looks at a request as it was parsed, and tells what authority it is for, if it says.
pub(super) fn check<B>(request: &Request<B>) -> Result<Option<HeaderValue>, Wrong> {
    let headers = request.headers();
    if headers.contains_key(TRANSFER_ENCODING) {
        check_encoding(headers)?;
    }
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err("several Host headers");
    }
    if let Some(host) = host
        && !is_authority(host.as_bytes())
    {
        return Err("the Host header is not a host");
    }
    let target = request.uri().authority();
    match (host, target) {
        (Some(host), None) => Ok(Some(host.clone())),
        (Some(host), Some(target)) if is_same(host, target) => Ok(Some(host.clone())),
        (Some(_), Some(_)) => Err("the target and the Host header differ"),
        (None, Some(target)) if request.version() == Version::HTTP_2 => {
            let value = HeaderValue::from_str(target.as_str());
            match value {
                Ok(value) if is_authority(value.as_bytes()) => Ok(Some(value)),
                _ => Err("the authority is not a host"),
            }
        }
        (None, _) if request.version() == Version::HTTP_10 => Ok(None),
        (None, _) => Err("no Host header"),
    }
}

/// Only `chunked`, and once: what else there is nobody sends, or it is an attempt.
fn check_encoding(headers: &HeaderMap) -> Result<(), Wrong> {
    let mut all = headers.get_all(TRANSFER_ENCODING).iter();
    match (all.next(), all.next()) {
        (Some(value), None) if value.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err("a Transfer-Encoding other than chunked"),
    }
}

fn is_same(host: &HeaderValue, target: &Authority) -> bool {
    host.as_bytes().eq_ignore_ascii_case(target.as_str().as_bytes())
}

/// `host[:port]`, without user, blanks or lists.
fn is_authority(bytes: &[u8]) -> bool {
    let is_fine = |b: &u8| {
        b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']' | b'~')
    };
    !bytes.is_empty() && bytes.len() <= 512 && bytes.iter().all(is_fine)
}

/// The answer to a request with which something is wrong.
pub(super) fn refusal(wrong: Wrong) -> Refusal {
    let mut refusal =
        Refusal::new(StatusCode::BAD_REQUEST, format!("The request is not valid: {wrong}."));
    refusal.headers.insert(http::header::CONNECTION, HeaderValue::from_static("close"));
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(head: &str) -> Result<(), Wrong> {
        check_raw(&Method::POST, head.as_bytes())
    }

    #[test]
    fn heads_with_one_framing_pass() {
        assert_eq!(raw("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc"), Ok(()));
        assert_eq!(raw("\r\nPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), Ok(()));
        assert_eq!(raw("POST / HTTP/1.1\r\nhost: a\r\n\r\ncontent-length: 3\n"), Ok(()));
        assert_eq!(raw(""), Ok(()));
        assert_eq!(raw("tail of a body\ncontent-length: 3\n"), Ok(()));
    }

    #[test]
    fn heads_with_two_meanings_do_not() {
        for (head, wrong) in [
            (
                "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                "both Content-Length and Transfer-Encoding",
            ),
            (
                "transfer-encoding: chunked\r\ncontent-length: 3\r\n",
                "both Content-Length and Transfer-Encoding",
            ),
            ("content-length: 3\r\nCONTENT-LENGTH: 3\r\n", "several Content-Length headers"),
            (
                "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
                "several Transfer-Encoding headers",
            ),
            ("host: a\n", "a line ends without a carriage return"),
            ("x: a\r\n b\r\n", "a header is folded over several lines"),
        ] {
            assert_eq!(raw(&format!("POST / HTTP/1.1\r\n{head}\r\n")), Err(wrong), "{head}");
        }
    }

    fn parsed(uri: &str, headers: &[(&str, &str)]) -> Result<Option<HeaderValue>, Wrong> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(()).unwrap())
    }

    #[test]
    fn the_authority_is_told_when_it_is_unambiguous() {
        let a = Ok(Some(HeaderValue::from_static("a.b:80")));
        assert_eq!(parsed("/", &[("host", "a.b:80")]), a);
        assert_eq!(parsed("http://A.B:80/", &[("host", "a.b:80")]), a);
        let differ = Err("the target and the Host header differ");
        assert_eq!(parsed("http://other/", &[("host", "a.b")]), differ);
        assert_eq!(parsed("/", &[("host", "a"), ("host", "a")]), Err("several Host headers"));
        assert_eq!(parsed("/", &[]), Err("no Host header"));
        for host in ["", "a b", "a,b", "u@a", "a/b", "a\u{e9}"] {
            assert_eq!(
                parsed("/", &[("host", host)]),
                Err("the Host header is not a host"),
                "{host}"
            );
        }
    }

    #[test]
    fn only_chunked_is_an_encoding() {
        let wrong = Err("a Transfer-Encoding other than chunked");
        assert_eq!(parsed("/", &[("host", "a"), ("transfer-encoding", "gzip, chunked")]), wrong);
        assert_eq!(parsed("/", &[("host", "a"), ("transfer-encoding", "xchunked")]), wrong);
        assert!(parsed("/", &[("host", "a"), ("transfer-encoding", "Chunked")]).is_ok());
    }
}
