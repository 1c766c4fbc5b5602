//! Headers that concern one hop, and those that say who the visitor is.
//!
//! Edits are in place, after one look over the names: most messages have nothing to remove.

use adit_chain::{Conn, Protocol};
use bitflags::bitflags;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE,
    },
};

use crate::render::{ERROR_CODE, ORIGIN};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");
const UPGRADE_TOKEN: HeaderValue = HeaderValue::from_static("upgrade");

bitflags! {
    /// Which of the headers that we care for a message has.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Has: u16 {
        const CONNECTION = 1 << 0;
        const KEEP_ALIVE = 1 << 1;
        const PROXY = 1 << 2;
        const TE = 1 << 3;
        const TRANSFER_ENCODING = 1 << 4;
        const UPGRADE = 1 << 5;
        const EXPECT = 1 << 6;
        const FORWARDED = 1 << 7;
        const ERROR_CODE = 1 << 8;
        const ORIGIN = 1 << 9;
        const COOKIES = 1 << 10;
        const LOOKALIKE = 1 << 11;
    }
}

impl Has {
    /// Looks over the names of a message.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut has = Self::empty();
        for name in headers.keys() {
            // The first letter tells most of the names that do not matter apart.
            has |= match name.as_str().as_bytes()[0] {
                b'c' if name == CONNECTION => Self::CONNECTION,
                b'c' if name == COOKIE => Self::COOKIES,
                b't' if name == TE => Self::TE,
                b't' if name == TRANSFER_ENCODING => Self::TRANSFER_ENCODING,
                b'u' if name == UPGRADE => Self::UPGRADE,
                b'e' if name == EXPECT => Self::EXPECT,
                b'f' if name == FORWARDED => Self::FORWARDED,
                b'k' if name == KEEP_ALIVE => Self::KEEP_ALIVE,
                b'n' if name == ERROR_CODE => Self::ERROR_CODE,
                b'a' if name == ORIGIN => Self::ORIGIN,
                b'p' if is_proxy(name) => Self::PROXY,
                b'x' if is_lookalike(name) => Self::LOOKALIKE,
                _ => Self::empty(),
            };
        }
        has
    }
}

fn is_proxy(name: &HeaderName) -> bool {
    name == PROXY_CONNECTION || name == PROXY_AUTHENTICATE || name == PROXY_AUTHORIZATION
}

/// Whether a name may be taken for one of the headers that say who the visitor is.
///
/// Fact: CGI and what grew out of it (WSGI, Rack, PHP) hand `_` and `-` to programs alike; and
/// `X-Forwarded-Port`, which we do not set, is believed by those who believe the others.
fn is_lookalike(name: &HeaderName) -> bool {
    let name = name.as_str();
    let Some(rest) = name.get("x-forwarded-".len()..) else { return false };
    let folded = name.bytes().map(|b| if b == b'_' { b'-' } else { b });
    folded.take("x-forwarded-".len()).eq("x-forwarded-".bytes())
        && match rest {
            "port" => true,
            "for" | "host" | "proto" => name.contains('_'),
            _ => false,
        }
}

/// Whether a message may switch protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Switch {
    /// It asks for it, or agrees to it.
    Wanted,
    /// It does not, or must not.
    No,
}

/// Has a response say once how long it is.
///
/// Fact: RFC 9110, section 8.6: the same length in a list, or in several lines, may be taken for one,
/// and must not be passed on; visitors with HTTP/2 refuse it. The HTTP library lets others not in.
pub(super) fn one_length(headers: &mut HeaderMap) {
    let mut all = headers.get_all(CONTENT_LENGTH).iter();
    let (Some(first), second) = (all.next(), all.next()) else { return };
    let one = first.as_bytes().split(|byte| *byte == b',').next().unwrap_or_default();
    if second.is_none() && one.len() == first.len() {
        return;
    }
    if let Ok(one) = HeaderValue::from_bytes(one.trim_ascii()) {
        headers.insert(CONTENT_LENGTH, one);
    }
}

/// Removes what concerns one hop only, and tells whether the message switches protocols; then
/// `Connection: upgrade` and `Upgrade` are left in.
pub(super) fn strip(headers: &mut HeaderMap, has: Has) -> Switch {
    if !has.intersects(
        Has::CONNECTION
            | Has::KEEP_ALIVE
            | Has::PROXY
            | Has::TE
            | Has::TRANSFER_ENCODING
            | Has::UPGRADE,
    ) {
        return Switch::No;
    }
    let switch = switch(headers, has);
    if has.contains(Has::TE) {
        let trailers = headers.get_all(TE).iter().any(|value| has_token(value, "trailers"));
        headers.remove(TE);
        if trailers {
            headers.insert(TE, TRAILERS);
        }
    }
    if has.contains(Has::CONNECTION) {
        strip_nominated(headers);
        headers.remove(CONNECTION);
    }
    if has.contains(Has::KEEP_ALIVE) {
        headers.remove(KEEP_ALIVE);
    }
    if has.contains(Has::PROXY) {
        headers.remove(PROXY_CONNECTION);
        headers.remove(PROXY_AUTHENTICATE);
        headers.remove(PROXY_AUTHORIZATION);
    }
    if has.contains(Has::TRANSFER_ENCODING) {
        // The body is framed anew; a length beside the chunks was never to be believed.
        headers.remove(TRANSFER_ENCODING);
        headers.remove(CONTENT_LENGTH);
    }
    match switch {
        Switch::Wanted => {
            headers.insert(CONNECTION, UPGRADE_TOKEN);
        }
        Switch::No if has.contains(Has::UPGRADE) => {
            headers.remove(UPGRADE);
            headers.remove(HTTP2_SETTINGS);
        }
        Switch::No => {}
    }
    switch
}

/// Takes back that a message switches protocols.
pub(super) fn refuse_switch(headers: &mut HeaderMap) {
    headers.remove(CONNECTION);
    headers.remove(UPGRADE);
    headers.remove(HTTP2_SETTINGS);
}

/// Ours: an upgrade to `h2c` is not passed on; it would carry requests past every check made here.
fn switch(headers: &HeaderMap, has: Has) -> Switch {
    let wanted = has.contains(Has::CONNECTION | Has::UPGRADE)
        && headers.get_all(CONNECTION).iter().any(|value| has_token(value, "upgrade"))
        && !headers.get_all(UPGRADE).iter().any(|value| has_token(value, "h2c"));
    if wanted { Switch::Wanted } else { Switch::No }
}

/// Removes the headers that `Connection` names. End-to-end headers that a sender has no business
/// to remove on the way stay.
fn strip_nominated(headers: &mut HeaderMap) {
    let mut nominated = smallvec::SmallVec::<[HeaderName; 4]>::new();
    for value in headers.get_all(CONNECTION) {
        for token in value.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii) {
            let common = [&b"close"[..], b"keep-alive", b"upgrade", b"te"];
            if common.iter().any(|name| token.eq_ignore_ascii_case(name)) {
                continue;
            }
            if let Ok(name) = HeaderName::from_bytes(token)
                && !is_end_to_end(&name)
            {
                nominated.push(name);
            }
        }
    }
    for name in nominated {
        headers.remove(name);
    }
}

fn is_end_to_end(name: &HeaderName) -> bool {
    *name == http::header::HOST
        || *name == CONTENT_LENGTH
        || *name == http::header::CONTENT_TYPE
        || *name == http::header::AUTHORIZATION
        || *name == COOKIE
        || *name == FORWARDED_FOR
        || *name == FORWARDED_PROTO
        || *name == FORWARDED_HOST
}

fn has_token(value: &HeaderValue, wanted: &str) -> bool {
    let tokens = value.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii);
    tokens.into_iter().any(|token| token.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// Who the visitor is, as header values that are made once for a connection.
#[derive(Debug)]
pub(super) struct WhoCame {
    client: HeaderValue,
    scheme: HeaderValue,
}

impl WhoCame {
    pub(super) fn new(conn: &Conn) -> Self {
        let ip = conn.client.ip().to_canonical().to_string();
        let client =
            HeaderValue::try_from(ip).unwrap_or_else(|_| HeaderValue::from_static("unknown"));
        let is_tls = conn.tls.get().is_some() || matches!(conn.endpoint.protocol, Protocol::Https);
        let scheme = HeaderValue::from_static(if is_tls { "https" } else { "http" });
        Self { client, scheme }
    }

    /// Says who came, whatever the visitor said.
    pub(super) fn announce(&self, headers: &mut HeaderMap, has: Has, host: Option<HeaderValue>) {
        headers.insert(FORWARDED_FOR, self.client.clone());
        headers.insert(FORWARDED_PROTO, self.scheme.clone());
        match host {
            Some(host) => drop(headers.insert(FORWARDED_HOST, host)),
            None => drop(headers.remove(FORWARDED_HOST)),
        }
        if has.contains(Has::FORWARDED) {
            headers.remove(FORWARDED);
        }
        if has.contains(Has::LOOKALIKE) {
            let lookalikes: Vec<_> = headers.keys().filter(|n| is_lookalike(n)).cloned().collect();
            for name in lookalikes {
                headers.remove(name);
            }
        }
    }
}

/// Joins the pieces that HTTP/2 splits cookies into, as HTTP/1 wants them.
pub(super) fn join_cookies(headers: &mut HeaderMap) {
    let mut all = headers.get_all(COOKIE).iter();
    let (Some(first), Some(_)) = (all.next(), all.next()) else { return };
    let mut joined = first.as_bytes().to_vec();
    for piece in headers.get_all(COOKIE).iter().skip(1) {
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(piece.as_bytes());
    }
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        headers.insert(COOKIE, joined);
    }
}

/// Takes away what only answers of the far side itself may carry, and tells whether it is one.
pub(super) fn strip_marks(headers: &mut HeaderMap, has: Has, origin: Option<&str>) -> bool {
    let is_own = match (headers.get(ORIGIN), origin) {
        (Some(said), Some(origin)) if has.contains(Has::ORIGIN) => {
            said.as_bytes() == origin.as_bytes()
        }
        _ => false,
    };
    if has.contains(Has::ORIGIN) {
        headers.remove(ORIGIN);
    }
    if has.contains(Has::ERROR_CODE) && !is_own {
        headers.remove(ERROR_CODE);
    }
    is_own
}

#[cfg(test)]
#[path = "headers_tests.rs"]
mod tests;
