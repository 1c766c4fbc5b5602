//! One JSON object each way, both ends.
//!
//! ```text
//! caller   type + request JSON ──────────────▶              [`first_bytes`], [`answer`]
//!                               ◀─────────────  answer + FIN  [`request`], [`respond`], [`refuse`]
//!          FIN ──────────────────────────────▶              [`Answered::finish`], [`Closing`]
//! ```
//!
//! Three rules of the published clients shape this module. Nobody ends a direction before the answer,
//! so both sides act on a complete object. Rust clients parse only at the end of the stream, so an
//! answer is always followed by FIN. And the caller's FIN on a bind means "I am ready for visitors", so
//! it is a step of its own that the caller takes when that is true.

mod closing;
mod error;
mod limits;

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

pub use self::{
    closing::{Closing, PeerEnd},
    error::{CallError, RequestError, RespondError},
    limits::RequestLimits,
};
use crate::{
    ErrorText,
    json::{self, JsonLimit},
    message::{Message, Request},
    stream_type::TYPE_LEN,
};

/// How long an agent waits for the answer to its `Auth`.
pub const AUTH_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an agent waits for any other answer.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an edge waits for the answer to a command, and for the rest of a request.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an edge waits for the agent's FIN on a bind before it sends visitors all the same.
pub const BIND_FIN_FALLBACK: Duration = Duration::from_millis(250);

/// How long whoever is done waits for the other side's FIN before the stream is dropped.
pub const FINISH_GRACE: Duration = Duration::from_secs(1);

/// The beginning of a call's stream: type and request. To be sent with the frame that opens it.
pub fn first_bytes<M: Message>(message: &M) -> Bytes {
    let text = json::encode(message);
    let mut bytes = BytesMut::with_capacity(TYPE_LEN + text.len());
    bytes.put_slice(&M::TYPE.to_bytes());
    bytes.put_slice(&text);
    bytes.freeze()
}

/// Sends type and request on a fresh byte stream, then waits for the answer.
///
/// On a multiplexed session use [`session::call`](crate::session::call), which puts them into the
/// opening frame.
///
/// # Errors
/// If the other side refuses, does not answer within `limit`, or the stream fails.
///
/// # Cancel safety
/// Not cancel safe: give up the stream with the future.
pub async fn call<Q, S>(
    mut io: S,
    request: &Q,
    limit: Duration,
) -> Result<Answered<Q::Answer, S>, CallError>
where
    Q: Request,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let both = async {
        io.write_all(&first_bytes(request)).await.map_err(CallError::Send)?;
        io.flush().await.map_err(CallError::Send)?;
        read_answer::<Q, S>(io).await
    };
    timeout(limit, both).await.unwrap_or(Err(CallError::Timeout { after: limit }))
}

/// Waits for the answer on a stream whose request has been sent.
///
/// # Errors
/// As [`call`].
///
/// # Cancel safety
/// Not cancel safe: give up the stream with the future.
pub async fn answer<Q, S>(io: S, limit: Duration) -> Result<Answered<Q::Answer, S>, CallError>
where
    Q: Request,
    S: AsyncRead + AsyncWrite + Unpin,
{
    timeout(limit, read_answer::<Q, S>(io))
        .await
        .unwrap_or(Err(CallError::Timeout { after: limit }))
}

async fn read_answer<Q, S>(mut io: S) -> Result<Answered<Q::Answer, S>, CallError>
where
    Q: Request,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let value =
        json::read(&mut io, JsonLimit::for_answer(Q::TYPE)).await.map_err(CallError::Read)?;
    if let Some(refusal) = refusal(&value) {
        // Best effort: the refusal is what matters.
        let _ = timeout(FINISH_GRACE, io.shutdown()).await;
        return Err(CallError::Refused(refusal));
    }
    let answer = json::decode(value).map_err(CallError::Decode)?;
    Ok(Answered { answer, io })
}

/// The text of a non-empty `Error` member, whatever its case.
fn refusal(answer: &Value) -> Option<ErrorText> {
    let members = answer.as_object()?;
    let named = members.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Error"));
    named.filter_map(|(_, v)| v.as_str()).find_map(ErrorText::parse)
}

/// A success whose stream still awaits our FIN.
///
/// For a bind that FIN tells the edge to send visitors, so: register first, then
/// [`finish`](Self::finish). Dropping it instead abandons the stream.
#[derive(Debug)]
#[must_use = "the other side waits for the FIN that `finish` sends"]
pub struct Answered<A, S> {
    /// What the other side said.
    pub answer: A,
    pub(crate) io: S,
}

impl<A, S: AsyncRead + AsyncWrite + Unpin> Answered<A, S> {
    /// Sends FIN and gives the stream back to the session. Waits at most [`FINISH_GRACE`] for that.
    ///
    /// A failure to end a stream that has served its purpose is nobody's concern.
    pub async fn finish(self) -> A {
        if let Ok(mut closing) = Closing::start(self.io, FINISH_GRACE).await {
            let _ = closing.peer_end(FINISH_GRACE).await;
        }
        self.answer
    }
}

/// Reads the request of a stream whose type has been read.
///
/// # Errors
/// As [`request_within`], with `limit` as the time and every other limit as it is by default.
///
/// # Cancel safety
/// Not cancel safe: give up the stream with the future.
pub async fn request<M, S>(io: &mut S, limit: Duration) -> Result<M, RequestError>
where
    M: Message,
    S: AsyncRead + Unpin,
{
    request_within(io, &RequestLimits { within: limit, ..RequestLimits::default() }).await
}

/// Reads the request of a stream whose type has been read.
///
/// # Errors
/// If it is not complete in time, too large, or not a request of this kind. The stream can still be
/// used for [`refuse`].
///
/// # Cancel safety
/// Not cancel safe: give up the stream with the future.
pub async fn request_within<M, S>(io: &mut S, limits: &RequestLimits) -> Result<M, RequestError>
where
    M: Message,
    S: AsyncRead + Unpin,
{
    match timeout(limits.within, json::read(io, limits.json(M::TYPE))).await {
        Ok(Ok(value)) => json::decode(value).map_err(RequestError::Decode),
        Ok(Err(error)) => Err(RequestError::Read(error)),
        Err(_) => Err(RequestError::Timeout { after: limits.within }),
    }
}

/// Answers with success: the answer's members, an empty `Error`, FIN.
///
/// On a multiplexed session use [`session::respond`](crate::session::respond), which needs one frame.
///
/// # Errors
/// If the stream fails, or takes nothing for `limit`.
pub async fn respond<A, S>(io: S, answer: &A, limit: Duration) -> Result<Closing<S>, RespondError>
where
    A: Serialize,
    S: AsyncRead + AsyncWrite + Unpin,
{
    send_last(io, success_text(answer), limit).await
}

/// Answers with a failure: `{"Error":"…"}`, FIN. Every client accepts that without other members.
///
/// # Errors
/// If the stream fails, or takes nothing for `limit`.
pub async fn refuse<S>(
    io: S,
    error: &ErrorText,
    limit: Duration,
) -> Result<Closing<S>, RespondError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    send_last(io, failure_text(error), limit).await
}

pub(crate) fn success_text<A: Serialize>(answer: &A) -> Vec<u8> {
    #[derive(Serialize)]
    struct Success<'a, A> {
        #[serde(flatten)]
        answer: &'a A,
        #[serde(rename = "Error")]
        error: &'static str,
    }
    json::encode(&Success { answer, error: "" })
}

pub(crate) fn failure_text(error: &ErrorText) -> Vec<u8> {
    #[derive(Serialize)]
    struct Failure {
        #[serde(rename = "Error")]
        error: String,
    }
    json::encode(&Failure { error: error.to_string() })
}

/// The text and FIN are queued without a pause in between, so that one frame can carry both.
async fn send_last<S>(mut io: S, text: Vec<u8>, limit: Duration) -> Result<Closing<S>, RespondError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let both = async {
        io.write_all(&text).await?;
        io.shutdown().await
    };
    match timeout(limit, both).await {
        Ok(Ok(())) => Ok(Closing::after_fin(io)),
        Ok(Err(error)) => Err(RespondError::Io(error)),
        Err(_) => Err(RespondError::Timeout { after: limit }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "rpc/tests.rs"]
mod tests;
