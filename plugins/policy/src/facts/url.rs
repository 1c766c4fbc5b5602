//! The URL of a request, in one normal form: what policies compare must not depend on how a
//! visitor spelt it.

use std::borrow::Cow;

use adit_chain::{Conn, Protocol};
use http::{HeaderValue, Uri, header::HOST, request};

use crate::scope::Original;

/// A URL in parts, normal: scheme and host in lower case, no default port, no dot segments, escapes
/// in upper case and only where they are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) scheme: &'static str,
    /// `user:password`, if the target had one.
    pub(super) user_password: String,
    /// Without a port.
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// Starts with a slash.
    pub(super) path: String,
    /// Without its question mark. `None`: there is no question mark.
    pub(super) query: Option<String>,
}

impl Url {
    /// The URL that a request asks for.
    pub(super) fn of(head: &request::Parts, conn: &Conn) -> Self {
        let scheme = scheme(conn);
        let authority = authority(head);
        let (user_password, place) = match authority.rsplit_once('@') {
            Some((user_password, place)) => (user_password.to_owned(), place),
            None => (String::new(), &*authority),
        };
        let (host, port) = split_port(place);
        let port = port.filter(|port| *port != default_port(scheme));
        Self {
            scheme,
            user_password,
            host: host.to_ascii_lowercase(),
            port,
            path: path(head.uri.path()),
            query: head.uri.query().map(|query| unescape(query).into_owned()),
        }
    }

    /// `user:password@host:port`, as far as there is one.
    pub(super) fn authority(&self) -> String {
        let Self { user_password, host, .. } = self;
        let at = if user_password.is_empty() { "" } else { "@" };
        match self.port {
            Some(port) => format!("{user_password}{at}{host}:{port}"),
            None => format!("{user_password}{at}{host}"),
        }
    }

    /// Path and query: what stands in a request's first line.
    pub(super) fn uri(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority(), self.uri())
    }
}

/// The URL as it came, in no normal form.
pub(super) fn raw(original: &Original, conn: &Conn) -> String {
    let target = original.uri.path_and_query().map_or("/", |target| target.as_str());
    let authority = place(&original.uri, original.host.as_ref());
    format!("{}://{authority}{target}", scheme(conn))
}

fn scheme(conn: &Conn) -> &'static str {
    match conn.endpoint.protocol {
        Protocol::Https | Protocol::Tls => "https",
        Protocol::Http | Protocol::Tcp => "http",
    }
}

const fn default_port(scheme: &str) -> u16 {
    if scheme.len() == "https".len() { 443 } else { 80 }
}

/// Where the request goes, as it says so.
pub(super) fn authority(head: &request::Parts) -> Cow<'_, str> {
    place(&head.uri, head.headers.get(HOST))
}

fn place<'a>(uri: &'a Uri, host: Option<&'a HeaderValue>) -> Cow<'a, str> {
    // A target that has one says the same by the time rules see it, or what it was before them.
    match (host, uri.authority()) {
        (Some(host), _) => String::from_utf8_lossy(host.as_bytes()),
        (None, Some(authority)) => authority.as_str().into(),
        (None, None) => "".into(),
    }
}

/// Host and port of `host:port`, `[::1]:port`, or either alone.
fn split_port(place: &str) -> (&str, Option<u16>) {
    match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) if port.is_empty() => (host, None),
            Err(_) => (place, None),
        },
        _ => (place, None),
    }
}

/// A path in its normal form.
fn path(path: &str) -> String {
    // The target of `OPTIONS *` is no path.
    if !path.starts_with('/') {
        return if path.is_empty() { "/".to_owned() } else { path.to_owned() };
    }
    let path = unescape(path);
    if !path.contains("/.") {
        return path.into_owned();
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path[1..].split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Decodes what need not be escaped, and writes the other escapes in upper case.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let mut normal = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        normal.push_str(before);
        let digits = behind.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match digits.filter(|_| !behind.starts_with('+')) {
            Some(byte) => {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                    normal.push(char::from(byte));
                } else {
                    normal.push('%');
                    normal.push_str(&behind[..2].to_ascii_uppercase());
                }
                rest = &behind[2..];
            }
            // No escape: the mark stands for itself, and must not become part of one.
            None => {
                normal.push_str("%25");
                rest = behind;
            }
        }
    }
    normal.push_str(rest);
    normal.into()
}

#[cfg(test)]
mod tests;
