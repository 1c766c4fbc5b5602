//! What is remembered of an exchange.
//!
//! An [`Entry`] is a snapshot: whoever holds one sees it as it was then, and asks the
//! [store](crate::capture::Store) again for what it has become. It is cheap to clone.

#[cfg(test)]
pub(crate) mod fixture;
mod head;
mod message;
mod timing;

use std::{net::SocketAddr, sync::Arc, time::SystemTime};

use adit_chain::{Id, Origin};
use bytes::Bytes;
use http::{Method, StatusCode, Version};

pub use self::{
    head::Headers,
    message::{Kind, MAX_EXCERPT, MAX_MESSAGES, Message, Messages, Party},
    timing::{Decision, Side, Timing},
};

/// One exchange: a request with its response.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its text is 16 hex digits that sort in the order of time, over restarts too.
    pub id: Id,
    /// How it came here.
    pub source: Source,
    /// Name of the endpoint that the visitor came for.
    pub endpoint: Arc<str>,
    /// Public URL of that endpoint, without trailing slash.
    pub url: Arc<str>,
    /// The visitor.
    pub client: Option<SocketAddr>,
    /// When the request's head had been read.
    pub started: SystemTime,
    /// The request as the visitor sent it.
    pub request: Request,
    /// The response as the visitor gets it; `None` until there is a head.
    pub response: Option<Response>,
    /// Which handler decided what, in order. Complete with the response's head.
    pub decisions: Arc<[Decision]>,
    /// How long what took.
    pub timing: Timing,
    /// Whether it is over.
    pub state: State,
    /// WebSocket frames or gRPC messages as they pass, if it has any. Shared with the exchange:
    /// it grows while that is under way.
    pub messages: Option<Arc<Messages>>,
}

/// How an exchange came to be in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From a file.
    Import,
    /// It repeats another one.
    Replay {
        /// The other one, which may be gone.
        of: Id,
    },
    /// A visitor sent it.
    Visitor,
}

/// Whether an exchange is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It went well, as far as HTTP goes.
    Done,
    /// It ended early; the reason is one of [`adit_chain::failure`].
    Failed(&'static str),
    /// It is under way.
    Open,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Path and query, as sent.
    pub target: Arc<str>,
    /// The visitor's HTTP version.
    pub version: Version,
    /// Its headers, with `Host`.
    pub headers: Headers,
    /// Its body.
    pub body: Body,
    /// What came after the body.
    pub trailers: Option<Headers>,
}

/// A response.
#[derive(Clone, Debug)]
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// The HTTP version that it was received or made in.
    pub version: Version,
    /// Who made it.
    pub origin: Origin,
    /// Its headers.
    pub headers: Headers,
    /// Its body.
    pub body: Body,
    /// What came after the body.
    pub trailers: Option<Headers>,
}

/// The octets of a body as they were transferred: still compressed, if they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// What was kept, from the beginning. That of a request is empty until it is whole, and that of
    /// a response is shown as it grows only if it takes long.
    pub bytes: Bytes,
    /// How long the body was, or is so far.
    pub total: u64,
}

impl Body {
    /// All of a body.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { total: bytes.len() as u64, bytes }
    }

    /// Whether less was kept than passed.
    pub fn is_truncated(&self) -> bool {
        self.total > self.bytes.len() as u64
    }
}

impl Request {
    /// The path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query without the question mark.
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }
}

impl Entry {
    /// Status of the response.
    pub fn status(&self) -> Option<StatusCode> {
        self.response.as_ref().map(|response| response.status)
    }

    /// Length of the response's body.
    pub fn response_len(&self) -> u64 {
        self.response.as_ref().map_or(0, |response| response.body.total)
    }
}

/// Something changed in the store. Ids only: whoever wants to see more asks the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// The head of a request came.
    Added(Id),
    /// The head of its response came, or it is over, or there are more messages.
    Updated(Id),
    /// It had to go for newer ones, with everything that is older.
    Evicted(Id),
    /// Everything was removed.
    Cleared,
    /// The receiver was too slow: that many changes are lost to it.
    Lost(u64),
}
