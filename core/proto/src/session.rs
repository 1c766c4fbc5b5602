//! Where the messages meet the multiplexer.
//!
//! The rule that matters here: a stream's type, and the whole first message if possible, travel in the
//! frame that opens it, because the published clients read them inside their accept loops.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use adit_mux::{Accept, ErrorCode, OpenError, PeerCredit, PeerTraits, Session, Stream};
use bytes::{Bytes, BytesMut};
use serde::Serialize;
use tokio::{io::AsyncWriteExt, task::JoinSet, time::timeout};

use crate::{
    ErrorText, StreamType,
    message::{Message, Request, StopTunnel},
    peer::Family,
    proxy::{HeaderTooLong, ProxyHeader},
    rpc::{self, Answered, CallError, Closing, PeerEnd, RespondError},
};

/// How long an accepted stream may keep its type to itself, unless its owner says otherwise.
pub const TYPE_TIMEOUT: Duration = Duration::from_secs(5);

/// Most accepted streams whose type is awaited at once.
pub const MAX_UNTYPED: usize = 64;

/// Most bytes of a call that go into the opening frame. Fact: edges accept frames of 64 KiB before
/// authentication; fairness between streams asks for less.
const MAX_FIRST: usize = 32 * 1024;

/// Opens a stream and makes a call on it.
///
/// # Errors
/// If the stream cannot be opened, or as [`rpc::call`].
pub async fn call<Q: Request>(
    session: &Session,
    request: &Q,
    limit: Duration,
) -> Result<Answered<Q::Answer, Stream>, CallError> {
    let both = async {
        let stream = open(session, request).await?;
        rpc::answer::<Q, _>(stream, limit).await
    };
    timeout(limit, both).await.unwrap_or(Err(CallError::Timeout { after: limit }))
}

/// Makes an agent follow a command, and ends the stream whatever the agent does.
///
/// Fact: Go agents leave the stream open after their answer, and never answer without a handler; Stop
/// and Restart may also end the whole leg in place of an answer, which is a success.
///
/// # Errors
/// As [`call`].
pub async fn command<Q: Request>(
    session: &Session,
    request: &Q,
    limit: Duration,
) -> Result<Q::Answer, CallError> {
    let Answered { answer, io } = call(session, request, limit).await?;
    if let Ok(mut closing) = Closing::start(io, rpc::FINISH_GRACE).await
        && closing.peer_end(rpc::FINISH_GRACE).await == PeerEnd::Open
    {
        closing.into_inner().abort(ErrorCode::StreamCancelled);
    }
    Ok(answer)
}

/// Tells an agent that one of its binds has ended. There is no answer.
///
/// # Errors
/// If the stream cannot be opened, or the message cannot be sent within `limit`.
pub async fn stop_tunnel(
    session: &Session,
    message: &StopTunnel,
    limit: Duration,
) -> Result<Closing<Stream>, CallError> {
    let stream = timeout(limit, open(session, message))
        .await
        .unwrap_or(Err(CallError::Timeout { after: limit }))?;
    Closing::start(stream, limit).await.map_err(CallError::Send)
}

/// As [`rpc::respond`], with FIN in the last frame of the answer.
///
/// # Errors
/// If the stream fails, or the peer grants no credit for `limit`.
pub async fn respond<A: Serialize>(
    stream: Stream,
    answer: &A,
    limit: Duration,
) -> Result<Closing<Stream>, RespondError> {
    finish_with(stream, rpc::success_text(answer), limit).await
}

/// As [`rpc::refuse`], with FIN in the last frame of the answer.
///
/// # Errors
/// If the stream fails, or the peer grants no credit for `limit`.
pub async fn refuse(
    stream: Stream,
    error: &ErrorText,
    limit: Duration,
) -> Result<Closing<Stream>, RespondError> {
    finish_with(stream, rpc::failure_text(error), limit).await
}

async fn finish_with(
    mut stream: Stream,
    text: Vec<u8>,
    limit: Duration,
) -> Result<Closing<Stream>, RespondError> {
    let mut text = Bytes::from(text);
    match timeout(limit, poll_fn(|cx| stream.poll_finish_with(cx, &mut text))).await {
        Ok(Ok(())) => Ok(Closing::after_fin(stream)),
        Ok(Err(error)) => Err(RespondError::Io(error)),
        Err(_) => Err(RespondError::Timeout { after: limit }),
    }
}

/// Opens a heartbeat stream, for [`heartbeat::keep_alive`](crate::heartbeat::keep_alive) or
/// [`heartbeat::ping`](crate::heartbeat::ping).
///
/// # Errors
/// As the session's.
pub fn open_heartbeat(session: &Session) -> Result<Stream, OpenError> {
    session.open(Bytes::copy_from_slice(&StreamType::HEARTBEAT.to_bytes()))
}

/// Why a connection could not be proxied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenProxyError {
    /// The header cannot be sent.
    #[error("could not write the proxy header")]
    Header(#[source] HeaderTooLong),
    /// The stream cannot be opened.
    #[error("could not open a stream")]
    Open(#[source] OpenError),
}

/// Opens a stream for a visitor's connection: header and the first bytes in one frame.
///
/// `payload` is what has been read of the visitor so far, and should be short: a ClientHello, a
/// request head. It counts against the window like all else.
///
/// # Errors
/// If the header is too long, or as the session's.
pub fn open_proxy(
    session: &Session,
    header: &ProxyHeader,
    payload: &[u8],
) -> Result<Stream, OpenProxyError> {
    let mut first = header.to_first_bytes().map_err(OpenProxyError::Header)?;
    if !payload.is_empty() {
        let mut joined = BytesMut::with_capacity(first.len() + payload.len());
        joined.extend_from_slice(&first);
        joined.extend_from_slice(payload);
        first = joined.freeze();
    }
    session.open(first).map_err(OpenProxyError::Open)
}

/// Opens a stream with its first message. What is beyond [`MAX_FIRST`] follows.
async fn open<M: Message>(session: &Session, message: &M) -> Result<Stream, CallError> {
    let mut first = rpc::first_bytes(message);
    let rest = first.split_off(first.len().min(MAX_FIRST));
    let mut stream = session.open(first).map_err(CallError::Open)?;
    if !rest.is_empty() {
        stream.write_all(&rest).await.map_err(CallError::Send)?;
        stream.flush().await.map_err(CallError::Send)?;
    }
    Ok(stream)
}

/// The streams the other side opens, each with its type.
///
/// Types are awaited side by side, so that a stream without one delays no other. A stream that keeps
/// silent for too long ([`TYPE_TIMEOUT`]), and any beyond [`MAX_UNTYPED`] such streams, is refused.
#[derive(Debug)]
pub struct TypedStreams {
    accept: Accept,
    type_timeout: Duration,
    untyped: JoinSet<Option<(StreamType, Stream)>>,
}

impl TypedStreams {
    /// Takes over accepting.
    pub fn new(accept: Accept) -> Self {
        Self { accept, type_timeout: TYPE_TIMEOUT, untyped: JoinSet::new() }
    }

    /// Gives each stream this long to say its type.
    #[must_use]
    pub fn with_type_timeout(self, type_timeout: Duration) -> Self {
        Self { type_timeout, ..self }
    }

    /// The next stream that has said what it is for. `None` when the session has ended.
    ///
    /// # Cancel safety
    /// Cancel safe: a stream whose type is under way is kept for the next call.
    pub async fn next(&mut self) -> Option<(StreamType, Stream)> {
        loop {
            let stream = tokio::select! {
                Some(done) = self.untyped.join_next() => {
                    match done {
                        Ok(Some(typed)) => return Some(typed),
                        _ => continue,
                    }
                }
                stream = self.accept.accept() => stream?,
            };
            // Nearly always the type came with the stream: then no task is needed.
            let mut reading = Box::pin(read_type(stream, self.type_timeout));
            match poll_once(reading.as_mut()).await {
                Poll::Ready(Some(typed)) => return Some(typed),
                Poll::Ready(None) => {}
                Poll::Pending if self.untyped.len() < MAX_UNTYPED => {
                    self.untyped.spawn(reading);
                }
                Poll::Pending => {} // dropped with its stream, which aborts it
            }
        }
    }
}

async fn read_type(mut stream: Stream, within: Duration) -> Option<(StreamType, Stream)> {
    match timeout(within, StreamType::read(&mut stream)).await {
        Ok(Ok(stream_type)) => Some((stream_type, stream)),
        Ok(Err(error)) => {
            tracing::debug!(%error, "stream ended before its type");
            None
        }
        Err(_) => {
            stream.abort(ErrorCode::StreamRefused);
            None
        }
    }
}

async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

impl Family {
    /// What the multiplexer has to respect, for [`Session::set_peer`].
    pub fn traits(self) -> PeerTraits {
        let credit = match self.windows_may_grow() {
            true => PeerCredit::Accumulates,
            false => PeerCredit::Clamped,
        };
        PeerTraits { max_streams: self.max_proxied_streams(), credit }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "session/tests.rs"]
mod tests;
