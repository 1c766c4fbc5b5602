//! A visitor is turned away: the decision, without its rendering.

use std::{borrow::Cow, fmt};

use http::{HeaderMap, StatusCode};

use crate::BoxError;

/// Number of an error that visitors see, shown as `ERR_NGROK_<number>`.
///
/// Fact: the numbers are the public error list of the service whose clients we serve; tools match
/// on the text, so the prefix is part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(pub u32);

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ERR_NGROK_{}", self.0)
    }
}

/// The codes that the data path itself raises.
pub mod code {
    use super::ErrorCode;

    /// The endpoint is offline or was never there.
    pub const ENDPOINT_OFFLINE: ErrorCode = ErrorCode(3200);
    /// A circuit breaker is open.
    pub const CIRCUIT_OPEN: ErrorCode = ErrorCode(3202);
    /// The visitor's address is not allowed.
    pub const IP_RESTRICTED: ErrorCode = ErrorCode(3203);
    /// The upstream answered with something that is not HTTP.
    pub const BAD_UPSTREAM_RESPONSE: ErrorCode = ErrorCode(3004);
    /// A WebSocket-to-TCP endpoint was asked for something else.
    pub const WEBSOCKET_REQUIRED: ErrorCode = ErrorCode(3206);
    /// The bind that a session was asked for is gone.
    pub const TUNNEL_NOT_FOUND: ErrorCode = ErrorCode(3209);
    /// The session to the agent broke while the exchange was under way.
    pub const AGENT_GONE: ErrorCode = ErrorCode(3210);
    /// The visitor's user agent is not allowed.
    pub const USER_AGENT_REFUSED: ErrorCode = ErrorCode(3211);
    /// More connections at once than the endpoint may have.
    pub const TOO_MANY_CONNECTIONS: ErrorCode = ErrorCode(714);
    /// The agent could not reach the upstream.
    pub const UPSTREAM_UNREACHABLE: ErrorCode = ErrorCode(8012);
    /// A handler broke.
    pub const HANDLER_FAILED: ErrorCode = ErrorCode(2300);
}

/// A decision to turn a visitor away. The runtime renders it: a page, JSON, a gRPC status, or a
/// bare close where no HTTP is spoken.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// HTTP status.
    pub status: StatusCode,
    /// Code for the page and the `ngrok-error-code` header; outcomes such as 401 have none.
    pub code: Option<ErrorCode>,
    /// One sentence for the visitor. Never holds internals.
    pub message: Cow<'static, str>,
    /// Headers of the answer, beside those of the rendering.
    pub headers: HeaderMap,
    /// Whether to close the connection without an answer.
    pub close: bool,
}

impl Refusal {
    /// A refusal with a status and a sentence.
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self { status, code: None, message, headers: HeaderMap::new(), close: false }
    }

    /// Closes the connection and says nothing.
    pub fn close() -> Self {
        Self { close: true, ..Self::new(StatusCode::FORBIDDEN, "connection closed") }
    }

    /// A handler broke: the visitor learns that, and not why.
    pub fn handler_failed() -> Self {
        let message = "the endpoint could not process the request";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message).with_code(code::HANDLER_FAILED)
    }

    /// What the visitor is told for a handler's error: the error itself where it is a refusal.
    pub(crate) fn for_error(error: BoxError) -> Self {
        error.downcast::<Self>().map_or_else(|_| Self::handler_failed(), |refusal| *refusal)
    }

    /// The connection was not made for the route that a request on it asks for (RFC 9110,
    /// 15.5.20): the visitor may ask again on another one.
    pub fn misdirected() -> Self {
        Self::new(StatusCode::MISDIRECTED_REQUEST, "This connection was made for another host.")
    }

    /// Adds the code.
    #[must_use]
    pub fn with_code(mut self, code: ErrorCode) -> Self {
        self.code = Some(code);
        self
    }
}

/// A handler that breaks may say with what its visitors are turned away: a refusal as its error is
/// used as it is where the link's `on_error` is `deny`.
impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
