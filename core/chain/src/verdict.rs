//! What a handler can decide.

use std::{fmt, sync::Arc};

use http::Response;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{Body, BoxError, BoxFuture, End, InsideUrl, Refusal};

/// A stream of bytes that a handler may wrap.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + ?Sized> ByteStream for T {}

/// Where the visitor's TLS ends, as far as this side is concerned.
#[derive(Clone)]
pub enum TlsMode {
    /// This side terminates it.
    Here(Arc<ServerConfig>),
    /// As [`Here`](Self::Here), and visitors have to show a certificate.
    Mutual(Arc<ServerConfig>),
    /// The bytes go on untouched.
    Pass,
}

impl fmt::Debug for TlsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Here(_) => "Here",
            Self::Mutual(_) => "Mutual",
            Self::Pass => "Pass",
        })
    }
}

/// Name of another route that an exchange is sent to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RouteId(pub Arc<str>);

/// Wraps the raw bytes of a connection.
pub trait WrapIo: Send {
    /// Takes the visitor's side and returns what takes its place.
    fn wrap(self: Box<Self>, io: Box<dyn ByteStream>) -> Box<dyn ByteStream>;
}

/// Told when a connection is over.
pub trait OnClose: Send {
    /// Runs once, after both directions ended or the connection was turned away. Has little time,
    /// and is dropped unrun when the process is cut.
    fn on_close(self: Box<Self>, end: End) -> BoxFuture<'static, ()>;
}

impl<F: FnOnce(End) + Send> OnClose for F {
    fn on_close(self: Box<Self>, end: End) -> BoxFuture<'static, ()> {
        self(end);
        Box::pin(std::future::ready(()))
    }
}

/// The response side of a handler: a value that its request side returned.
pub trait OnResponse: Send {
    /// Looks at the response, changes it or replaces it.
    ///
    /// Failures of the upstream arrive here as the response that the visitor would get.
    fn on_response(
        self: Box<Self>,
        response: Response<Body>,
    ) -> BoxFuture<'static, Result<Response<Body>, BoxError>>;
}

impl<F> OnResponse for F
where
    F: FnOnce(Response<Body>) -> Result<Response<Body>, BoxError> + Send,
{
    fn on_response(
        self: Box<Self>,
        response: Response<Body>,
    ) -> BoxFuture<'static, Result<Response<Body>, BoxError>> {
        Box::pin(std::future::ready(self(response)))
    }
}

/// What a handler decides about a connection.
pub enum OnConnect {
    /// Lead it to an internal endpoint, past the handlers that come after this one.
    Divert(InsideUrl),
    /// As [`Divert`](Self::Divert), and settle who terminates TLS on the way.
    DivertTerminated(InsideUrl, TlsMode),
    /// Let it through.
    Next,
    /// Let it through, and tell this value when it is over.
    NextThen(Box<dyn OnClose>),
    /// Turn it away. An HTTP endpoint answers with the refusal; others close.
    Refuse(Refusal),
    /// Let it through and settle who terminates TLS. The last word wins.
    Terminate(TlsMode),
    /// Let it through with its bytes wrapped. Needs [`Needs::STREAM`](crate::Needs::STREAM).
    Wrap(Box<dyn WrapIo>),
    /// As [`Wrap`](Self::Wrap), and tell the other value when it is over.
    WrapThen(Box<dyn WrapIo>, Box<dyn OnClose>),
}

/// What a handler decides about a request.
pub enum OnRequest {
    /// Let it through.
    Next,
    /// Let it through, and show this value the response.
    NextThen(Box<dyn OnResponse>),
    /// Answer it; the upstream is not asked.
    Respond(Response<Body>),
    /// Send it to another route. What was changed of the request, the variables and the identity
    /// travel along, and the response still passes the handlers that were passed here.
    Reroute(RouteId),
    /// As [`Reroute`](Self::Reroute), and show this value the response.
    RerouteThen(RouteId, Box<dyn OnResponse>),
    /// Turn it away.
    Abort(Refusal),
    /// Take the connection out of HTTP: answer `101` with this response, wrap what is then the
    /// visitor's byte stream, and relay it raw to the upstream.
    Detach {
        /// The `101 Switching Protocols` answer.
        response: Response<Body>,
        /// Turns the visitor's bytes into the upstream's.
        wrap: Box<dyn WrapIo>,
    },
}
