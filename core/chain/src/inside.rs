//! Endpoints that no visitor reaches, and handlers do.

use std::fmt;

use http::{Request, Response};

use crate::{Body, BoxFuture, Protocol, Refusal};

/// What internal names end with.
///
/// Fact: the public documentation of the service whose clients we serve.
const SUFFIX: &str = ".internal";

/// Bytes of a name. Fact: RFC 1035, without the root's dot.
const MAX_HOST: usize = 253;

/// The URL of an internal endpoint: `scheme://name.internal[:port]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InsideUrl {
    protocol: Protocol,
    host: String,
    port: u16,
}

/// A text is not the URL of an internal endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InsideUrlError {
    /// It has a path, a query, a fragment or a user.
    #[error("an internal endpoint's URL ends with its host and port")]
    Part,
    /// The port is no number from 1 to 65535, or `tcp` has none.
    #[error("the port must be a number from 1 to 65535, and tcp:// needs one")]
    Port,
    /// The scheme is unknown or missing.
    #[error("the scheme must be http://, https://, tcp:// or tls://")]
    Scheme,
    /// The host is none of ours.
    #[error("the host must be a name that ends with .internal")]
    Host,
}

impl InsideUrl {
    /// Reads a URL; a slash at its end is nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InsideUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(InsideUrlError::Scheme)?;
        let protocol = protocol(scheme).ok_or(InsideUrlError::Scheme)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@']) {
            return Err(InsideUrlError::Part);
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        };
        if !is_internal(host) {
            return Err(InsideUrlError::Host);
        }
        let port = match port.map(str::parse::<u16>) {
            Some(Ok(port)) if port != 0 => port,
            Some(_) => return Err(InsideUrlError::Port),
            None => default_port(protocol).ok_or(InsideUrlError::Port)?,
        };
        Ok(Self { protocol, host: host.to_ascii_lowercase(), port })
    }

    /// The protocol that its scheme names.
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The name, in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, its scheme's where it was left out.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// `host[:port]`, as a `Host` header has it.
    pub fn authority(&self) -> String {
        if default_port(self.protocol) == Some(self.port) {
            return self.host.clone();
        }
        format!("{}:{}", self.host, self.port)
    }

    /// The same URL with another host.
    pub fn at(&self, host: &str) -> String {
        Self { host: host.to_owned(), ..*self }.to_string()
    }

    /// The name of the endpoint itself, then those of the wildcards that cover it, the closest
    /// first.
    pub fn candidates(&self) -> impl Iterator<Item = String> {
        let parents =
            std::iter::successors(self.host.split_once('.'), |(_, rest)| rest.split_once('.'));
        let wildcards = parents.map(|(_, parent)| format!("*.{parent}"));
        std::iter::once(self.host.clone()).chain(wildcards)
    }
}

impl fmt::Display for InsideUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.protocol.as_str(), self.authority())
    }
}

/// Whether a host, without its port, is the name of an internal endpoint.
pub fn is_internal(host: &str) -> bool {
    let host = host.as_bytes();
    let Some(name) = host.len().checked_sub(SUFFIX.len()) else { return false };
    let is_fine = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    name > 0
        && host.len() <= MAX_HOST
        && host[name..].eq_ignore_ascii_case(SUFFIX.as_bytes())
        && host[..name].iter().all(is_fine)
        && host.split(|b| *b == b'.').all(|label| !label.is_empty())
}

fn protocol(scheme: &str) -> Option<Protocol> {
    let all = [Protocol::Http, Protocol::Https, Protocol::Tcp, Protocol::Tls];
    all.into_iter().find(|protocol| scheme.eq_ignore_ascii_case(protocol.as_str()))
}

const fn default_port(protocol: Protocol) -> Option<u16> {
    match protocol {
        Protocol::Http => Some(80),
        Protocol::Https | Protocol::Tls => Some(443),
        Protocol::Tcp => None,
    }
}

/// On what errand a request goes to an internal endpoint. Each has its own limit of how often one
/// leads to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// It is the visitor's, and so is the answer. It may switch protocols.
    Forward,
    /// It is a handler's own.
    Ask,
}

/// The way from an exchange to internal endpoints: those of the same account at the edge, those of
/// the same session at the agent.
pub trait Inside: fmt::Debug + Send + Sync + 'static {
    /// Sends a request, in origin form and with `Host`, through the handlers of an endpoint to its
    /// upstream. Whatever they answer is a success; handlers that refuse have answered, too.
    ///
    /// # Errors
    /// There is no such endpoint, it speaks another protocol, it cannot be reached, or requests
    /// have been led from endpoint to endpoint too often.
    ///
    /// # Cancel safety
    /// Dropping the future gives the request up.
    fn send<'a>(
        &'a self,
        to: &'a InsideUrl,
        request: Request<Body>,
        errand: Errand,
    ) -> BoxFuture<'a, Result<Response<Body>, Refusal>>;
}

/// The way from a connection to internal endpoints that take bytes.
pub trait Nearby: fmt::Debug + Send + Sync + 'static {
    /// Whether the connection can be led to an endpoint.
    ///
    /// # Errors
    /// There is no such endpoint, it does not take bytes, or the connection has been led from
    /// endpoint to endpoint too often.
    #[expect(clippy::result_large_err, reason = "refusals are rare, and moved once")]
    fn find(&self, to: &InsideUrl) -> Result<(), Refusal>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_an_internal_endpoint_is_a_scheme_a_name_and_a_port() {
        let read = |text: &str| InsideUrl::parse(text).map(|url| url.to_string());
        for (text, url) in [
            ("https://Api.Internal", "https://api.internal"),
            ("https://api.internal:443/", "https://api.internal"),
            ("http://a.b.internal:8080", "http://a.b.internal:8080"),
            ("tcp://db.internal:5432", "tcp://db.internal:5432"),
            ("tls://db.internal", "tls://db.internal"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(url), "{text}");
        }
        for (text, error) in [
            ("api.internal", InsideUrlError::Scheme),
            ("ftp://api.internal", InsideUrlError::Scheme),
            ("https://api.example", InsideUrlError::Host),
            ("https://.internal", InsideUrlError::Host),
            ("https://a..internal", InsideUrlError::Host),
            ("https://a b.internal", InsideUrlError::Host),
            ("https://internal", InsideUrlError::Host),
            ("https://u@api.internal", InsideUrlError::Part),
            ("https://api.internal/x", InsideUrlError::Part),
            ("https://api.internal?x", InsideUrlError::Part),
            ("https://api.internal:0", InsideUrlError::Port),
            ("https://api.internal:x", InsideUrlError::Port),
            ("tcp://db.internal", InsideUrlError::Port),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }

    #[test]
    fn the_closest_wildcard_comes_first() {
        let url = InsideUrl::parse("https://x.b.internal").unwrap();
        let names: Vec<_> = url.candidates().collect();
        assert_eq!(names, ["x.b.internal", "*.b.internal", "*.internal"]);
        assert_eq!(url.at("*.b.internal"), "https://*.b.internal");
    }
}
