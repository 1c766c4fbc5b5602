//! Event streams: a response of the type `text/event-stream`, whose messages rules look at one by
//! one while they pass.
//!
//! ```text
//! body ─pieces─> Splitter ─Message─> rules ─Message─> visitor
//!                         └─comments between messages─┘
//! ```
//!
//! A message goes on as soon as its last line has arrived. Whatever is between messages does not
//! wait for one.

use adit_chain::{Body, BoxError, BoxFuture};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};

pub(crate) use self::message::{Field, Message};
pub(crate) use self::split::MAX_MESSAGE_LEN;
use self::split::{Piece, Splitter};
use crate::{
    coding::{self, Coding, CodingError},
    scope::Scope,
};

mod message;
mod split;

/// Runs rules on the message in a scope. A message that is gone afterwards is not sent on; an
/// error ends the stream.
pub(crate) trait Run:
    FnMut(Scope) -> BoxFuture<'static, Result<Scope, BoxError>> + Send + 'static
{
}
impl<F: FnMut(Scope) -> BoxFuture<'static, Result<Scope, BoxError>> + Send + 'static> Run for F {}

/// Whether a response is an event stream.
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("text/event-stream")
}

/// Takes content codings off an event stream, whose headers are told about it. What has arrived
/// does not wait.
///
/// # Errors
/// A coding is not known, so that rules would not see what clients see.
pub(crate) fn decoded(headers: &mut HeaderMap, body: Body) -> Result<Body, CodingError> {
    let codings = Coding::of(headers)?;
    // Messages may become longer or shorter.
    coding::relabel(headers, None);
    Ok(coding::decode_stream(body, &codings))
}

/// An event stream with rules that run on each of its messages. `scope` travels from message to
/// message.
pub(crate) fn with_rules(body: Body, scope: Scope, run: impl Run) -> Body {
    let stream = Stream { body, scope: Some(scope), run, splitter: Splitter::default(), end: None };
    Body::boxed(StreamBody::new(stream::try_unfold(stream, |mut stream| async {
        Ok::<_, BoxError>(stream.next().await?.map(|frame| (frame, stream)))
    })))
}

struct Stream<R> {
    body: Body,
    /// Taken while rules run, and for good once they failed.
    scope: Option<Scope>,
    run: R,
    splitter: Splitter,
    /// Once the body has ended: its trailers.
    end: Option<Option<Frame<Bytes>>>,
}

impl<R: Run> Stream<R> {
    async fn next(&mut self) -> Result<Option<Frame<Bytes>>, BoxError> {
        loop {
            let piece = self.splitter.next().inspect_err(|error| {
                let id = self.scope.as_ref().map(|scope| scope.id.to_string());
                tracing::warn!(obj = "policy", id, err = %error, "event stream broken off");
            })?;
            match piece {
                Some(Piece::Between(bytes)) => return Ok(Some(Frame::data(bytes))),
                Some(Piece::Message(message)) => match self.ruled(message).await? {
                    Some(bytes) => return Ok(Some(Frame::data(bytes))),
                    None => continue,
                },
                None => {}
            }
            if let Some(trailers) = &mut self.end {
                let trailers = trailers.take();
                return match self.splitter.rest() {
                    // Clients drop it; whoever reads the bytes would see what rules had not seen.
                    Some(message) => {
                        self.end = Some(trailers);
                        let bytes = self.ruled(message).await?.unwrap_or_default();
                        Ok(Some(Frame::data(bytes)))
                    }
                    None => Ok(trailers),
                };
            }
            match self.body.frame().await.transpose()? {
                None => self.end = Some(None),
                Some(frame) => match frame.into_data() {
                    Ok(data) => self.splitter.push(&data),
                    Err(trailers) => self.end = Some(Some(trailers)),
                },
            }
        }
    }

    /// What goes on of a message.
    async fn ruled(&mut self, message: Message) -> Result<Option<Bytes>, BoxError> {
        let mut scope = self.scope.take().ok_or("the rules of the event stream have failed")?;
        scope.message = Some(message);
        let mut scope = (self.run)(scope).await?;
        let message = scope.message.take();
        self.scope = Some(scope);
        Ok(message.map(Message::into_bytes))
    }
}

#[cfg(test)]
mod tests;
