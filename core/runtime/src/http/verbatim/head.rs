//! Heads of HTTP/1 messages, read without being changed.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version,
    header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING},
};
use http::{Request, header::GetAll};
use httparse::Status;

use super::{
    super::{guard, headers::Has},
    framing::{Broken, Chunks, Framing},
};
use crate::{
    limits::MAX_HEADERS,
    render::{ERROR_CODE, ORIGIN},
};

/// The head of a request that may pass as it is.
pub(super) struct Asked {
    pub(super) request: Request<()>,
    /// Its length, in bytes.
    pub(super) len: usize,
    pub(super) body: Framing,
}

/// Reads the head of a request. `None` if it is not whole, or if it is anything but plain: somebody
/// who reads it more carefully says then what is to be done.
pub(super) fn request(bytes: &Bytes) -> Option<Asked> {
    let mut parsed = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut parsed);
    let Ok(Status::Complete(len)) = head.parse(bytes) else { return None };
    let (method, target) = (head.method?, head.path?);
    if head.version != Some(1) || !target.starts_with('/') || bytes[0].is_ascii_whitespace() {
        return None;
    }
    let method = Method::from_bytes(method.as_bytes()).ok()?;
    let uri = Uri::from_maybe_shared(bytes.slice_ref(target.as_bytes())).ok()?;
    if uri.path_and_query()?.as_str() != target {
        return None; // a fragment, which is cut off in full
    }
    let mut request = Request::new(());
    *request.headers_mut() = headers(bytes, head.headers)?;
    let unusual =
        Has::CONNECTION | Has::KEEP_ALIVE | Has::PROXY | Has::TE | Has::UPGRADE | Has::EXPECT;
    if method == Method::CONNECT || Has::of(request.headers()).intersects(unusual) {
        return None;
    }
    guard::check_raw(&method, &bytes[..len]).ok()?;
    (*request.method_mut(), *request.uri_mut()) = (method, uri);
    guard::check(&request).ok()?;
    let headers = request.headers();
    let body = match (headers.get(CONTENT_LENGTH), headers.contains_key(TRANSFER_ENCODING)) {
        (None, false) => Framing::Done,
        (None, true) => Framing::Chunked(Chunks::default()),
        (Some(value), false) => by_length(length(value)?),
        (Some(_), true) => return None,
    };
    Some(Asked { request, len, body })
}

/// The head of a response.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    /// Its length, in bytes.
    pub(super) len: usize,
    pub(super) body: Framing,
    /// Whether the connection may carry another exchange.
    pub(super) is_kept: bool,
}

/// Reads the head of a response to a request, `HEAD` or another. `None` if it is not whole.
pub(super) fn response(bytes: &Bytes, is_head: bool) -> Result<Option<Answered>, Broken> {
    let mut parsed = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut parsed);
    let len = match head.parse(bytes) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) => return Ok(None),
        Err(_) => return Err(Broken),
    };
    let status = head.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(Broken)?;
    let headers = headers(bytes, head.headers).ok_or(Broken)?;
    let is_old = head.version != Some(1);
    let version = if is_old { Version::HTTP_10 } else { Version::HTTP_11 };
    let body = match status {
        _ if is_head || status.is_informational() => Framing::Done,
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => Framing::Done,
        _ => framing(&headers, is_old)?,
    };
    let closes = says(headers.get_all(CONNECTION), "close");
    let is_kept = body != Framing::UntilClose
        && !closes
        && (!is_old || says(headers.get_all(CONNECTION), "keep-alive"));
    Ok(Some(Answered { status, version, headers, len, body, is_kept }))
}

fn framing(headers: &HeaderMap, is_old: bool) -> Result<Framing, Broken> {
    // As the HTTP library has it, by which the edge reads the same bytes: the last encoding decides,
    // and a length beside it means nothing.
    if let Some(last) = headers.get_all(TRANSFER_ENCODING).iter().next_back() {
        let last = last.as_bytes().rsplit(|byte| *byte == b',').next().unwrap_or_default();
        let is_chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
        return match (is_old, is_chunked) {
            (true, _) => Err(Broken),
            (false, true) => Ok(Framing::Chunked(Chunks::default())),
            (false, false) => Ok(Framing::UntilClose),
        };
    }
    // Also a list, as long as it says one thing.
    let values = headers.get_all(CONTENT_LENGTH).iter();
    let mut lengths = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let Some(first) = lengths.next() else { return Ok(Framing::UntilClose) };
    let first = digits(first.trim_ascii()).ok_or(Broken)?;
    if lengths.any(|other| digits(other.trim_ascii()) != Some(first)) {
        return Err(Broken);
    }
    Ok(by_length(first))
}

const fn by_length(length: u64) -> Framing {
    if length == 0 { Framing::Done } else { Framing::Length(length) }
}

fn length(value: &HeaderValue) -> Option<u64> {
    digits(value.as_bytes())
}

fn digits(digits: &[u8]) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

/// A head without the lines that mark answers of our own.
pub(super) fn without_marks(head: &[u8]) -> impl Iterator<Item = &u8> {
    let is_mark = |line: &[u8]| {
        [ERROR_CODE, ORIGIN].iter().any(|name| {
            let name = name.as_str().as_bytes();
            let (start, rest) = line.split_at(name.len().min(line.len()));
            start.eq_ignore_ascii_case(name) && rest.first() == Some(&b':')
        })
    };
    head.split_inclusive(|byte| *byte == b'\n').filter(move |line| !is_mark(line)).flatten()
}

/// Whether one of the values, which are lists, has a word.
fn says(values: GetAll<'_, HeaderValue>, word: &str) -> bool {
    let has = |value: &HeaderValue| {
        let Ok(list) = value.to_str() else { return false };
        list.split(',').any(|item| item.trim().eq_ignore_ascii_case(word))
    };
    values.iter().any(has)
}

/// Headers that share their values' memory with the bytes that they were read from.
fn headers(bytes: &Bytes, parsed: &[httparse::Header<'_>]) -> Option<HeaderMap> {
    let mut map = HeaderMap::with_capacity(parsed.len());
    for line in parsed {
        let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
        let value = HeaderValue::from_maybe_shared(bytes.slice_ref(line.value)).ok()?;
        map.append(name, value);
    }
    Some(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &'static str) -> Option<Asked> {
        request(&Bytes::from_static(text.as_bytes()))
    }

    fn answered(text: &'static str) -> Result<Option<Answered>, Broken> {
        response(&Bytes::from_static(text.as_bytes()), false)
    }

    #[test]
    fn a_plain_request_is_read_and_its_body_framed() {
        let head = asked("POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc").unwrap();
        assert_eq!(
            (head.request.method(), head.request.uri()),
            (&Method::POST, &Uri::from_static("/a?b"))
        );
        assert_eq!((head.len, head.body), (50, Framing::Length(3)));
        assert_eq!(head.request.headers()["host"], "x");
        assert!(asked("GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap().body.is_done());
        let chunked =
            asked("PUT / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: Chunked\r\n\r\n").unwrap();
        assert_eq!(chunked.body, Framing::Chunked(Chunks::default()));
    }

    #[test]
    fn whatever_is_not_plain_is_for_somebody_else() {
        for text in [
            "GET / HTTP/1.1\r\nhost: x\r\n",
            "GET / HTTP/1.0\r\nhost: x\r\n\r\n",
            "GET http://x/ HTTP/1.1\r\nhost: x\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
            "CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\nproxy-authorization: Basic eA==\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\nkeep-alive: timeout=5\r\n\r\n",
            "GET /a#b HTTP/1.1\r\nhost: x\r\n\r\n",
            "\nGET / HTTP/1.1\r\nhost: x\r\n\r\n",
            "PUT / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n",
            "PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n",
            "PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: +1\r\n\r\n",
            "PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            "PUT / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
            "GET / HTTP/1.1\nhost: x\n\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n",
        ] {
            assert!(asked(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_response_is_framed_by_its_status_and_its_headers() {
        let framed = |text| answered(text).unwrap().map(|head| (head.body, head.is_kept));
        let length = framed("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc");
        assert_eq!(length, Some((Framing::Length(3), true)));
        for same in [
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3, 3\r\n\r\n",
        ] {
            assert_eq!(framed(same), Some((Framing::Length(3), true)));
        }
        let closes = framed("HTTP/1.1 200 OK\r\nconnection: a, Close\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(closes, Some((Framing::Done, false)));
        assert_eq!(
            framed("HTTP/1.1 304 \r\ncontent-length: 3\r\n\r\n"),
            Some((Framing::Done, true))
        );
        assert_eq!(framed("HTTP/1.1 200 OK\r\n\r\n"), Some((Framing::UntilClose, false)));
        assert_eq!(
            framed("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\n"),
            Some((Framing::Length(1), false))
        );
        for text in [
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
        ] {
            assert_eq!(framed(text), Some((Framing::Chunked(Chunks::default()), true)), "{text:?}");
        }
        let gzip = framed("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n");
        assert_eq!(gzip, Some((Framing::UntilClose, false)));
        let kept = "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\n";
        assert_eq!(framed(kept), Some((Framing::Length(1), true)));
        assert_eq!(framed("HTTP/1.1 100 Continue\r\n\r\n"), Some((Framing::Done, true)));
        assert_eq!(framed("HTTP/1.1 200 OK\r\ncontent-le"), None);
        let head =
            response(&Bytes::from_static(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"), true);
        assert!(head.unwrap().unwrap().body.is_done());
    }

    #[test]
    fn a_response_with_two_meanings_is_broken() {
        for text in [
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3,\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3, 4\r\n\r\n",
            "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "SSH-2.0-server\r\n",
        ] {
            assert!(matches!(answered(text), Err(Broken)), "{text:?}");
        }
    }
}
