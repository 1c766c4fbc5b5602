//! The body of a request or response.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::BoxError;

type Boxed = Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>;

/// The body of a message. An enum, so that a body that is only passed through is never boxed.
#[derive(Default)]
pub enum Body {
    /// No body.
    #[default]
    Empty,
    /// All of it, at hand.
    Whole(Bytes),
    /// As it arrives from a peer.
    Incoming(Incoming),
    /// What a handler made of it.
    Boxed(Boxed),
}

/// A body was longer than what may be buffered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is longer than {limit} bytes")]
pub struct BodyTooLong {
    /// The limit, in bytes.
    pub limit: usize,
}

impl Body {
    /// Wraps another body, for handlers that work on the stream of frames.
    pub fn boxed<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::Boxed(Box::pin(body.map_err(Into::into)))
    }

    /// Reads all of it, at most `limit` bytes. Trailers are dropped.
    ///
    /// # Errors
    /// [`BodyTooLong`], boxed, past the limit; whatever the peer's body failed with otherwise.
    pub async fn into_whole(mut self, limit: usize) -> Result<Bytes, BoxError> {
        if let Self::Whole(bytes) = self {
            return if bytes.len() > limit { Err(BodyTooLong { limit }.into()) } else { Ok(bytes) };
        }
        let mut whole = BytesMut::new();
        while let Some(frame) = self.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if data.len() > limit - whole.len() {
                return Err(BodyTooLong { limit }.into());
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::Empty } else { Self::Whole(bytes) }
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<Incoming> for Body {
    fn from(incoming: Incoming) -> Self {
        Self::Incoming(incoming)
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::Incoming(_) => f.write_str("Incoming"),
            Self::Boxed(_) => f.write_str("Boxed"),
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Incoming(incoming) => Pin::new(incoming).poll_frame(cx).map_err(Into::into),
            Self::Boxed(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Incoming(incoming) => incoming.is_end_stream(),
            Self::Boxed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Incoming(incoming) => incoming.size_hint(),
            Self::Boxed(body) => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::StreamBody;

    use super::*;

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_with_the_limit() {
        let error = Body::from("hello").into_whole(4).await.unwrap_err();
        assert_eq!(*error.downcast::<BodyTooLong>().unwrap(), BodyTooLong { limit: 4 });
    }

    #[tokio::test]
    async fn a_boxed_body_is_gathered_across_its_frames() {
        let frames = ["he", "llo"].map(|s| Ok::<_, BoxError>(Frame::data(Bytes::from(s))));
        let stream = futures_stream(frames.into_iter());
        assert_eq!(Body::boxed(StreamBody::new(stream)).into_whole(5).await.unwrap(), "hello");
    }

    fn futures_stream<I: Iterator + Unpin>(items: I) -> impl futures_core::Stream<Item = I::Item> {
        struct Iter<I>(I);
        impl<I: Iterator + Unpin> futures_core::Stream for Iter<I> {
            type Item = I::Item;
            fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
                Poll::Ready(self.0.next())
            }
        }
        Iter(items)
    }
}
