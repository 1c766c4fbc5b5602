//! HTTP towards the upstream, over one of its byte pipes.

use std::{
    error::Error as _,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use adit_chain::{Body, Conn, Refusal, code};
use adit_net::{Io, Rewind};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{sync::oneshot, time::timeout};
use tracing::debug;

use super::{crew::Crew, fold::Folded, last_word::LastWord, send::closed_early};
use crate::{
    HttpVersion, Leg, PassthroughTls, Route, UpstreamError,
    limits::{CONNECTION_WINDOW, MAX_HEAD, MAX_STREAMS, STREAM_WINDOW},
};

type Http1 = http1::Connection<TokioIo<LastWord>, Body>;

/// One pipe that speaks HTTP.
pub(super) struct Pipe {
    sender: Sender,
    origin: Option<Arc<str>>,
}

enum Sender {
    Http1 {
        sender: http1::SendRequest<Body>,
        /// The bytes, once HTTP is over on them.
        after: oneshot::Receiver<Rewind<Io>>,
    },
    Http2(http2::SendRequest<Body>),
}

/// How an attempt to send a request failed.
pub(super) enum SendError {
    /// The pipe had closed before; the request is whole.
    Stale(Box<Request<Body>>),
    /// It is lost.
    Lost(hyper::Error),
}

impl Pipe {
    /// Connects to the upstream of a route.
    pub(super) async fn connect(route: &Route, conn: &Conn, crew: &Crew) -> Result<Self, Refusal> {
        let after = route.limits.connect_timeout;
        let connecting = route.upstream.connect(conn, PassthroughTls::No);
        let Leg { io, origin } = match timeout(after, connecting).await {
            Ok(Ok(leg)) => leg,
            Ok(Err(error)) => {
                debug!(id = %conn.id, %error, "no pipe to the upstream");
                return Err(error.to_refusal());
            }
            Err(_) => {
                let address = route.endpoint.upstream.clone();
                return Err(UpstreamError::Timeout { address, after }.to_refusal());
            }
        };
        let sender = match route.upstream.http_version() {
            HttpVersion::Http1 => Self::http1(io, crew).await,
            HttpVersion::Http2 => Self::http2(TokioIo::new(io), crew).await,
        };
        let sender = sender.map_err(|error| bad_response(&error))?;
        Ok(Self { sender, origin })
    }

    /// Sets HTTP/1 up again on bytes that it was spoken on before.
    pub(super) async fn again(io: Io, origin: Option<Arc<str>>, crew: &Crew) -> Option<Self> {
        let sender = Self::http1(io, crew).await.ok()?;
        Some(Self { sender, origin })
    }

    async fn http1(io: Io, crew: &Crew) -> hyper::Result<Sender> {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(MAX_HEAD);
        let (sender, connection) = builder.handshake(TokioIo::new(LastWord::new(io))).await?;
        let (tell, after) = oneshot::channel();
        crew.push(Driving { connection: Some(connection), tell: Some(tell) });
        Ok(Sender::Http1 { sender, after })
    }

    async fn http2(io: TokioIo<Io>, crew: &Crew) -> hyper::Result<Sender> {
        let mut builder = http2::Builder::new(crew.clone());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEAD as u32)
            .max_concurrent_streams(MAX_STREAMS);
        let (sender, connection) = builder.handshake(io).await?;
        crew.push(async move {
            if let Err(error) = connection.await {
                debug!(%error, "HTTP/2 to the upstream ended");
            }
        });
        Ok(Sender::Http2(sender))
    }

    /// The secret that marks answers of the far side itself.
    pub(super) fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    pub(super) const fn version(&self) -> HttpVersion {
        match self.sender {
            Sender::Http1 { .. } => HttpVersion::Http1,
            Sender::Http2(_) => HttpVersion::Http2,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::Http1 { sender, .. } => sender.is_closed(),
            Sender::Http2(sender) => sender.is_closed(),
        }
    }

    /// Another handle of a pipe that carries several exchanges at once.
    pub(super) fn share(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http1 { .. } => None,
            Sender::Http2(sender) => {
                Some(Self { sender: Sender::Http2(sender.clone()), origin: self.origin.clone() })
            }
        }
    }

    /// Sends a request and waits for the head of its response.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, SendError> {
        let result = match &mut self.sender {
            Sender::Http1 { sender, .. } => {
                // The exchange before may be over on the visitor's side and not yet on this one.
                if !sender.is_ready() && sender.ready().await.is_err() {
                    return Err(SendError::Stale(Box::new(request)));
                }
                sender.try_send_request(request).await
            }
            Sender::Http2(sender) => {
                if sender.ready().await.is_err() {
                    return Err(SendError::Stale(Box::new(request)));
                }
                sender.try_send_request(request).await
            }
        };
        result.map_err(|mut error: TrySendError<_>| match error.take_message() {
            Some(request) => SendError::Stale(Box::new(request)),
            None => SendError::Lost(error.into_error()),
        })
    }

    /// Puts HTTP away, which must be between exchanges. Pipes that are shared stay as they are.
    pub(super) fn fold(self) -> Result<Folded, Self> {
        match self.sender {
            Sender::Http1 { after, sender } => {
                drop(sender);
                Ok(Folded::new(after, self.origin))
            }
            Sender::Http2(_) => Err(self),
        }
    }

    /// The bytes after a switch of protocols. `None` if the pipe broke, or cannot switch.
    pub(super) async fn into_io(self) -> Option<Rewind<Io>> {
        match self.sender {
            Sender::Http1 { after, sender } => {
                drop(sender);
                after.await.ok()
            }
            Sender::Http2(_) => None,
        }
    }
}

/// Drives a connection, and hands over its bytes if HTTP ends on them before they do.
struct Driving {
    connection: Option<Http1>,
    tell: Option<oneshot::Sender<Rewind<Io>>>,
}

impl Future for Driving {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let Some(connection) = &mut this.connection else { return Poll::Ready(()) };
        let result = ready!(connection.poll_without_shutdown(cx));
        if let (Ok(()), Some(connection), Some(tell)) =
            (result, this.connection.take(), this.tell.take())
        {
            let parts = connection.into_parts();
            // Copied: an empty slice of a buffer would keep all of it.
            let unread = Bytes::copy_from_slice(&parts.read_buf);
            // Nobody waits unless the protocol was switched, or the pipe folded; then dropping the
            // bytes closes them.
            if let Some(io) = parts.io.into_inner().into_io() {
                let _ = tell.send(Rewind::with_prefix(unread, io));
            }
        }
        Poll::Ready(())
    }
}

/// What the visitor is told when the upstream broke the rules, or off.
pub(super) fn bad_response(error: &hyper::Error) -> Refusal {
    if session_ended(error) {
        return UpstreamError::AgentGone.to_refusal();
    }
    if error.is_user() {
        // The body that we were to send: the service is not to blame.
        return broken_body();
    }
    if error.is_parse() { not_http() } else { closed_early() }
}

/// What the visitor is told when the body that it sends breaks the rules.
pub(super) fn broken_body() -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "The body of the request is broken.")
}

/// What the visitor is told when the upstream speaks something else.
pub(super) fn not_http() -> Refusal {
    let message = "The service answered with something that is not HTTP.";
    Refusal::new(StatusCode::BAD_GATEWAY, message).with_code(code::BAD_UPSTREAM_RESPONSE)
}

/// Whether the pipe broke with the session that it was a stream of: such pipes fail with
/// `ConnectionAborted`, which no socket's read or write reports.
pub(super) fn session_ended(error: &hyper::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::ConnectionAborted) {
            return true;
        }
        cause = error.source();
    }
    false
}
