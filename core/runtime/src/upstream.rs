//! Where connections go: a local service at the agent, legs to an agent at the edge.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use adit_chain::{Body, BoxFuture, Conn, Exchange, Refusal, code};
use adit_net::Io;
use http::{Response, StatusCode};

/// Whether the bytes that follow are the visitor's TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassthroughTls {
    /// Plain, or terminated before.
    No,
    /// The visitor's TLS, ClientHello first.
    Yes,
}

/// What an upstream speaks on HTTP endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2, with prior knowledge.
    Http2,
}

/// One byte pipe to the upstream.
#[derive(Debug)]
pub struct Leg {
    /// The bytes.
    pub io: Io,
    /// Secret by which the far side marks answers that it made itself and not the service behind
    /// it; such answers keep their error code.
    pub origin: Option<Arc<str>>,
}

impl From<Io> for Leg {
    fn from(io: Io) -> Self {
        Self { io, origin: None }
    }
}

/// Where connections go.
pub trait Upstream: fmt::Debug + Send + Sync + 'static {
    /// One byte pipe for one visitor's connection. For HTTP it is kept alive and reused for that
    /// visitor only.
    ///
    /// # Errors
    /// Why there is none; the visitor is told in the words of [`UpstreamError::to_refusal`].
    fn connect<'a>(
        &'a self,
        conn: &'a Conn,
        tls: PassthroughTls,
    ) -> BoxFuture<'a, Result<Leg, UpstreamError>>;

    /// What is spoken on the pipe of an HTTP endpoint.
    fn http_version(&self) -> HttpVersion {
        HttpVersion::Http1
    }

    /// Whether it answers exchanges by itself, as a directory does; then [`respond`](Self::respond)
    /// is called and [`connect`](Self::connect) is not.
    fn answers(&self) -> bool {
        false
    }

    /// Answers an exchange. Called only if it [`answers`](Self::answers).
    fn respond<'a>(&'a self, exchange: &'a mut Exchange) -> Option<BoxFuture<'a, Response<Body>>> {
        let _ = exchange;
        None
    }
}

/// Why there is no pipe to the upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// The session to the agent broke.
    #[error("the agent is gone")]
    AgentGone,
    /// No capacity is left.
    #[error("too many connections at once")]
    Busy,
    /// No agent serves the endpoint.
    #[error("endpoint {url} is offline")]
    Offline {
        /// The public URL or name.
        url: String,
    },
    /// The service did not answer in time.
    #[error("{address} did not accept within {after:?}")]
    Timeout {
        /// The service.
        address: String,
        /// How long was waited.
        after: Duration,
    },
    /// No TLS with the service.
    #[error("no TLS with {address}: {reason}")]
    TlsFailed {
        /// The service.
        address: String,
        /// What went wrong, for the visitor.
        reason: String,
    },
    /// The agent does not know the bind any more.
    #[error("the agent does not know the tunnel")]
    TunnelNotFound,
    /// The service could not be connected to.
    #[error("could not connect to {address}: {reason}")]
    Unreachable {
        /// The service.
        address: String,
        /// What went wrong, for the visitor.
        reason: String,
    },
}

impl UpstreamError {
    /// What the visitor is told.
    pub fn to_refusal(&self) -> Refusal {
        let (status, code) = match self {
            Self::AgentGone => (StatusCode::BAD_GATEWAY, code::AGENT_GONE),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, code::TOO_MANY_CONNECTIONS),
            Self::Offline { .. } => (StatusCode::NOT_FOUND, code::ENDPOINT_OFFLINE),
            Self::Timeout { .. } => (StatusCode::GATEWAY_TIMEOUT, code::UPSTREAM_UNREACHABLE),
            Self::TunnelNotFound => (StatusCode::BAD_GATEWAY, code::TUNNEL_NOT_FOUND),
            Self::TlsFailed { .. } | Self::Unreachable { .. } => {
                (StatusCode::BAD_GATEWAY, code::UPSTREAM_UNREACHABLE)
            }
        };
        let message: Cow<'static, str> = match self {
            Self::AgentGone => {
                "The tunnel was shut down, or broke, before the service had answered.".into()
            }
            Self::Busy => "The endpoint has as many connections as it may have.".into(),
            Self::Offline { url } => format!("The endpoint {url} is offline.").into(),
            Self::Timeout { address, after } => {
                format!("The service at {address} did not accept a connection within {after:?}.")
                    .into()
            }
            Self::TlsFailed { address, reason } => {
                format!("No TLS connection with the service at {address}: {reason}.").into()
            }
            Self::TunnelNotFound => "The agent does not serve this endpoint any more.".into(),
            Self::Unreachable { address, reason } => {
                format!("Could not connect to the service at {address}: {reason}.").into()
            }
        };
        Refusal::new(status, message).with_code(code)
    }
}
