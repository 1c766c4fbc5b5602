//! Requests, responses and visitors for tests.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::Serialize;

use crate::reply::HeaderValue;

/// A request that a visitor sends.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing before the harness gets it"]
pub struct Message {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) authority: String,
    pub(super) scheme: String,
    pub(super) version: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Body,
    pub(super) identity: Option<String>,
    pub(super) vars: BTreeMap<String, String>,
    pub(super) client: Client,
    pub(super) answer: Upstream,
}

/// A `GET`.
pub fn get(target: &str) -> Message {
    method("GET", target)
}

/// A `HEAD`.
pub fn head(target: &str) -> Message {
    method("HEAD", target)
}

/// A `POST`.
pub fn post(target: &str) -> Message {
    method("POST", target)
}

/// A `PUT`.
pub fn put(target: &str) -> Message {
    method("PUT", target)
}

/// A `DELETE`.
pub fn delete(target: &str) -> Message {
    method("DELETE", target)
}

/// A request with any method.
pub fn method(method: &str, target: &str) -> Message {
    Message {
        method: method.to_owned(),
        target: target.to_owned(),
        authority: "app.example".to_owned(),
        scheme: "https".to_owned(),
        version: "1.1".to_owned(),
        headers: Vec::new(),
        body: Body::None,
        identity: None,
        vars: BTreeMap::new(),
        client: client("192.0.2.1"),
        answer: response(200),
    }
}

impl Message {
    /// The visitor's address, with or without a port.
    ///
    /// # Panics
    ///
    /// If it is not an address.
    #[track_caller]
    pub fn from(mut self, address: &str) -> Self {
        self.client.address = parse(address);
        self
    }

    /// The visitor and the connection.
    pub fn client(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    /// Adds a header line.
    pub fn header(mut self, name: &str, value: impl HeaderValue) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.octets().into_owned()));
        self
    }

    /// A body of known length.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Known(body.into());
        self
    }

    /// A JSON document as body.
    ///
    /// # Panics
    ///
    /// If the value cannot be written as JSON.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        let document = crate::state::to_json(value);
        self.header("content-type", "application/json").body(document)
    }

    /// A body that comes in these pieces, of unknown length.
    pub fn chunks<T: Into<Vec<u8>>>(mut self, chunks: impl IntoIterator<Item = T>) -> Self {
        self.body = Body::Chunks(chunks.into_iter().map(Into::into).collect());
        self
    }

    /// The host, and perhaps port, that is asked for; `app.example` unless said.
    pub fn authority(mut self, authority: &str) -> Self {
        self.authority = authority.to_owned();
        self
    }

    /// `https` unless said.
    pub fn scheme(mut self, scheme: &str) -> Self {
        self.scheme = scheme.to_owned();
        self
    }

    /// `1.1` unless said.
    pub fn version(mut self, version: &str) -> Self {
        self.version = version.to_owned();
        self
    }

    /// Who an earlier handler found the visitor to be.
    pub fn identity(mut self, subject: &str) -> Self {
        self.identity = Some(subject.to_owned());
        self
    }

    /// A variable that an earlier handler left.
    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A fact about the connection.
    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        self.client = self.client.attribute(name, value);
        self
    }

    /// What comes back if the request gets through.
    pub fn answer(mut self, answer: Upstream) -> Self {
        self.answer = answer;
        self
    }
}

/// A body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    None,
    Known(Vec<u8>),
    Chunks(Vec<Vec<u8>>),
}

impl Body {
    pub(super) fn chunks(self) -> Vec<Vec<u8>> {
        match self {
            Self::None => Vec::new(),
            Self::Known(body) => vec![body],
            Self::Chunks(chunks) => chunks,
        }
    }

    /// Adds the length to the header lines, where it is known and nobody said it.
    pub(super) fn announce(&self, headers: &mut Vec<(String, Vec<u8>)>) {
        let said = headers.iter().any(|(name, _)| name == "content-length");
        if let (Self::Known(body), false) = (self, said) {
            headers.push(("content-length".into(), body.len().to_string().into_bytes()));
        }
    }
}

/// A response that comes back.
#[derive(Clone, Debug)]
#[must_use = "a response does nothing before a request has it as answer"]
pub struct Upstream {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Body,
    pub(super) origin: String,
    pub(super) failure: Option<String>,
    pub(super) after: Duration,
}

/// A response of the upstream.
pub fn response(status: u16) -> Upstream {
    Upstream {
        status,
        headers: Vec::new(),
        body: Body::None,
        origin: "upstream".to_owned(),
        failure: None,
        after: Duration::ZERO,
    }
}

impl Upstream {
    /// Adds a header line.
    pub fn header(mut self, name: &str, value: impl HeaderValue) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.octets().into_owned()));
        self
    }

    /// A body of known length.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Known(body.into());
        self
    }

    /// A JSON document as body.
    ///
    /// # Panics
    ///
    /// If the value cannot be written as JSON.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        let document = crate::state::to_json(value);
        self.header("content-type", "application/json").body(document)
    }

    /// A body that comes in these pieces, of unknown length.
    pub fn chunks<T: Into<Vec<u8>>>(mut self, chunks: impl IntoIterator<Item = T>) -> Self {
        self.body = Body::Chunks(chunks.into_iter().map(Into::into).collect());
        self
    }

    /// Who made it: `upstream` unless said, `handler` or `agent`.
    pub fn origin(mut self, origin: &str) -> Self {
        self.origin = origin.to_owned();
        self
    }

    /// Why it is the agent that answers, such as `upstream-unreachable`: `on_finish` is told.
    pub fn failure(mut self, reason: &str) -> Self {
        self.failure = Some(reason.to_owned());
        self.origin("agent")
    }

    /// How long it takes: the clock moves.
    pub fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }
}

/// A visitor and the connection from there.
#[derive(Clone, Debug)]
#[must_use = "a visitor does nothing before the harness gets it"]
pub struct Client {
    pub(super) address: SocketAddr,
    pub(super) endpoint: String,
    pub(super) url: String,
    pub(super) protocol: String,
    pub(super) server_name: Option<String>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) vars: BTreeMap<String, String>,
}

/// A visitor at that address, with or without a port.
///
/// # Panics
///
/// If it is not an address.
#[track_caller]
pub fn client(address: &str) -> Client {
    Client {
        address: parse(address),
        endpoint: "app".to_owned(),
        url: "https://app.example".to_owned(),
        protocol: "https".to_owned(),
        server_name: None,
        attributes: BTreeMap::new(),
        vars: BTreeMap::new(),
    }
}

impl Client {
    /// The endpoint's name; `app` unless said.
    pub fn endpoint(mut self, name: &str) -> Self {
        self.endpoint = name.to_owned();
        self
    }

    /// The endpoint's public URL; `https://app.example` unless said.
    pub fn url(mut self, url: &str) -> Self {
        self.url = url.to_owned();
        self
    }

    /// `https` unless said.
    pub fn protocol(mut self, protocol: &str) -> Self {
        self.protocol = protocol.to_owned();
        self
    }

    /// The name in the TLS handshake.
    pub fn server_name(mut self, name: &str) -> Self {
        self.server_name = Some(name.to_owned());
        self
    }

    /// A fact about the connection.
    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A variable that an earlier handler left.
    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.to_owned(), value.to_owned());
        self
    }
}

#[track_caller]
fn parse(address: &str) -> SocketAddr {
    match address.parse::<IpAddr>() {
        Ok(ip) => SocketAddr::new(ip, 50_000),
        Err(_) => address.parse().unwrap_or_else(|_| panic!("{address:?} is not an address")),
    }
}
