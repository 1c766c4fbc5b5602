//! Bodies on their way: one that knows when it has been sent, one that waits to be asked for.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use adit_chain::{Body, BoxError};
use bytes::Bytes;
use http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::{
    sync::oneshot,
    time::{Sleep, sleep},
};

use super::{finish::Finish, interim::Awaited, pipe::Pipe, seat::Seat, sock::Traffic};
use crate::{Metrics, limits::CONTINUE_WAIT};

/// The body of a response. When it is dropped, sent or not, the exchange is over.
pub(super) struct Tracked {
    body: Body,
    _exchange: Option<InFlight>,
    pipe: Option<Borrowed>,
    finish: Option<Box<Finish>>,
    /// What broke it, held back for a turn: the HTTP library drops what it has not written when it
    /// hears of it, and that may be all that there was to say.
    broken: Option<BoxError>,
}

/// Counts an exchange as under way for as long as it lives.
pub(super) struct InFlight {
    pub(super) traffic: Arc<Traffic>,
    /// To be told of the bytes that have moved, if anybody observes.
    pub(super) metrics: Option<Arc<Metrics>>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.traffic.end();
        if let Some(metrics) = &self.metrics {
            metrics.moved(self.traffic.unreported(self.traffic.totals()));
        }
    }
}

/// A pipe that goes back to its seat.
pub(super) struct Borrowed {
    pub(super) seat: Arc<Seat>,
    pub(super) pipe: Option<Pipe>,
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(pipe) = self.pipe.take() {
            self.seat.give_back(pipe);
        }
    }
}

impl Tracked {
    pub(super) const fn new(
        body: Body,
        exchange: InFlight,
        pipe: Option<Borrowed>,
        finish: Option<Box<Finish>>,
    ) -> Self {
        Self { body, _exchange: Some(exchange), pipe, finish, broken: None }
    }

    /// Of a response that another exchange is answered with.
    pub(super) const fn lent(
        body: Body,
        pipe: Option<Borrowed>,
        finish: Option<Box<Finish>>,
    ) -> Self {
        Self { body, _exchange: None, pipe, finish, broken: None }
    }
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Some(error) = this.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        if let Poll::Ready(None) = frame {
            this.pipe = None;
        }
        if let Some(finish) = &mut this.finish {
            match &frame {
                Poll::Ready(Some(Ok(frame))) => {
                    finish.passed(frame);
                    let is_last = frame.is_trailers() || this.body.is_end_stream();
                    if is_last || this.body.size_hint().exact() == Some(0) {
                        finish.complete();
                    }
                }
                Poll::Ready(Some(Err(_))) => finish.broke(),
                Poll::Ready(None) => finish.complete(),
                Poll::Pending => {}
            }
        }
        if let Poll::Ready(Some(Err(error))) = frame {
            this.broken = Some(error);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.broken.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Holds a body back until the upstream asks for it (`100 Continue`), or has not for a while.
/// The visitor is asked for the body by the first poll that reaches it.
struct Expected {
    body: Body,
    wait: Wait,
}

enum Wait {
    ForContinue(oneshot::Receiver<()>, Pin<Box<Sleep>>),
    /// The final answer came first: nobody wants the body any more.
    ForNothing,
    Over,
}

/// Carries `Expect: 100-continue` end to end, and what else comes before the response. The pipe must
/// not be used again: the body may never be sent.
pub(super) fn expect_continue(
    traffic: &Arc<Traffic>,
    request: &mut Request<Body>,
    interim: Option<Awaited>,
) {
    let (asked, waiting) = oneshot::channel();
    let asked = parking_lot::Mutex::new(Some(asked));
    let traffic = Arc::clone(traffic);
    hyper::ext::on_informational(request, move |response| {
        if response.status() == http::StatusCode::CONTINUE
            && let Some(asked) = asked.lock().take()
        {
            let _ = asked.send(());
        }
        if let Some(interim) = interim {
            traffic.interim.say(interim, response.status(), response.headers());
        }
    });
    let body = std::mem::take(request.body_mut());
    let wait = Wait::ForContinue(waiting, Box::pin(sleep(CONTINUE_WAIT)));
    *request.body_mut() = Body::boxed(Expected { body, wait });
}

impl HttpBody for Expected {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        match &mut this.wait {
            Wait::Over => {}
            Wait::ForNothing => return Poll::Pending,
            Wait::ForContinue(asked, sleep) => match Pin::new(asked).poll(cx) {
                Poll::Ready(Ok(())) => this.wait = Wait::Over,
                Poll::Ready(Err(_)) => {
                    this.wait = Wait::ForNothing;
                    return Poll::Pending;
                }
                Poll::Pending if sleep.as_mut().poll(cx).is_ready() => this.wait = Wait::Over,
                Poll::Pending => return Poll::Pending,
            },
        }
        Pin::new(&mut this.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
