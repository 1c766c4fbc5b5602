//! Messages as they read on the wire of HTTP/1.1, whatever they came on.

use http::Version;

use crate::model::{Body, Headers, Request, Response};

/// `HTTP/1.1`, `HTTP/2.0`.
pub const fn proto(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP/1.1",
    }
}

/// `200 OK`; only the number where there is no word for it.
pub fn status_line(status: http::StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_str().to_owned(),
    }
}

/// A request with its body, as far as it was kept.
pub fn request(request: &Request) -> Vec<u8> {
    let (method, target) = (&request.method, &request.target);
    let line = format!("{method} {target} {}\r\n", proto(request.version));
    whole(&line, &request.headers, &request.body, request.trailers.as_ref())
}

/// A response with its body, as far as it was kept.
pub fn response(response: &Response) -> Vec<u8> {
    let line = format!("{} {}\r\n", proto(response.version), status_line(response.status));
    whole(&line, &response.headers, &response.body, response.trailers.as_ref())
}

fn whole(line: &str, headers: &Headers, body: &Body, trailers: Option<&Headers>) -> Vec<u8> {
    let mut raw = [line.as_bytes(), headers.as_wire(), b"\r\n"].concat();
    let is_chunked = headers.text("transfer-encoding").is_some_and(|encoding| {
        encoding.rsplit(',').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("chunked"))
    });
    if !is_chunked {
        raw.extend_from_slice(&body.bytes);
        return raw;
    }
    if !body.bytes.is_empty() {
        raw.extend_from_slice(format!("{:x}\r\n", body.bytes.len()).as_bytes());
        raw.extend_from_slice(&body.bytes);
        raw.extend_from_slice(b"\r\n");
    }
    if !body.is_truncated() {
        raw.extend_from_slice(b"0\r\n");
        raw.extend_from_slice(trailers.map_or(&[], |trailers| trailers.as_wire()));
        raw.extend_from_slice(b"\r\n");
    }
    raw
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};

    use super::*;

    fn post(headers: &[(&str, &str)], body: Body, trailers: Option<Headers>) -> String {
        let headers = Headers::collect(headers.iter().map(|(n, v)| (*n, v.as_bytes())));
        let (method, target, version) = (Method::POST, "/a?b".into(), Version::HTTP_11);
        let raw = request(&Request { method, target, version, headers, body, trailers });
        String::from_utf8(raw).unwrap()
    }

    #[test]
    fn a_request_reads_as_it_was_sent() {
        let got = post(&[("host", "a.test"), ("content-length", "2")], Body::whole("hi"), None);
        assert_eq!(got, "POST /a?b HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi");
    }

    #[test]
    fn chunks_are_put_around_a_body_that_came_in_chunks() {
        let trailers = Headers::collect([("x-sum", &b"9"[..])]);
        let headers = [("transfer-encoding", "chunked")];
        let head = "POST /a?b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let got = post(&headers, Body::whole("hello, you"), Some(trailers));
        assert_eq!(got, format!("{head}a\r\nhello, you\r\n0\r\nX-Sum: 9\r\n\r\n"));
        assert_eq!(post(&headers, Body::default(), None), format!("{head}0\r\n\r\n"));
        let cut = Body { bytes: "he".into(), total: 9 };
        assert_eq!(post(&headers, cut, None), format!("{head}2\r\nhe\r\n"));
    }

    #[test]
    fn a_response_has_its_status_in_words() {
        let got = response(&Response {
            status: StatusCode::BAD_GATEWAY,
            version: Version::HTTP_2,
            origin: adit_chain::Origin::Agent,
            headers: Headers::default(),
            body: Body::whole("no"),
            trailers: None,
        });
        assert_eq!(got, b"HTTP/2.0 502 Bad Gateway\r\n\r\nno");
        assert_eq!(status_line(StatusCode::from_u16(799).unwrap()), "799");
    }
}
