//! Whose silence it is: a request's body that tells whether its visitor is waited for.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use adit_chain::{Body, BoxError};
use bytes::Bytes;
use http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};

/// What is known of a request's body while it is sent.
#[derive(Clone, Debug)]
pub(super) struct Silence(Arc<AtomicBool>);

/// A body that arrives while it is sent.
struct Arriving {
    body: Body,
    is_awaited: Arc<AtomicBool>,
}

impl Silence {
    /// Listens to the body of a request, if it has one that is not at hand.
    pub(super) fn of(request: &mut Request<Body>) -> Option<Self> {
        let is_here = matches!(request.body(), Body::Empty | Body::Whole(_));
        if is_here || request.body().is_end_stream() {
            return None;
        }
        let is_awaited = Arc::<AtomicBool>::default();
        let silence = Self(Arc::clone(&is_awaited));
        let body = std::mem::take(request.body_mut());
        *request.body_mut() = Body::boxed(Arriving { body, is_awaited });
        Some(silence)
    }

    /// Whether more of the body was asked for, and has not come.
    pub(super) fn is_the_visitors(&self) -> bool {
        self.0.load(Relaxed)
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        this.is_awaited.store(frame.is_pending(), Relaxed);
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
