//! The tape of one exchange, shared by its parts.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use adit_chain::{Body, BoxError, Conn, Finished, Id, Origin, Trace};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::Mutex;

use crate::{
    relay::Ear,
    tap::{Party, Phases, RequestHead, ResponseHead, Tap, Tape},
};

/// The tape of an exchange, and what is measured for it.
pub(super) struct Taped {
    /// What the tape knows the exchange by.
    pub(super) id: Id,
    tape: Running,
    began: Instant,
    lap: Instant,
    phases: Phases,
}

/// A tape that runs. The lock is never waited for: everything about a connection is in one task.
#[derive(Clone)]
pub(super) struct Running(Arc<Mutex<Option<Box<dyn Tape>>>>);

impl Taped {
    /// Begins, if the tap wants this exchange.
    pub(super) fn begin<B: HttpBody>(
        tap: &dyn Tap,
        conn: &Arc<Conn>,
        request: &Request<B>,
    ) -> Option<Self> {
        let head = RequestHead {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            headers: request.headers(),
            began: Instant::now(),
            has_body: !request.body().is_end_stream(),
        };
        Self::of(tap, conn, head)
    }

    /// As [`begin`](Self::begin), with a head at hand.
    pub(super) fn of(tap: &dyn Tap, conn: &Arc<Conn>, head: RequestHead<'_>) -> Option<Self> {
        let began = head.began;
        let id = Id::next();
        let tape = tap.begin(conn, id, head)?;
        let tape = Running(Arc::new(Mutex::new(Some(tape))));
        Some(Self { id, tape, began, lap: began, phases: Phases::default() })
    }

    /// When the request's head had been read.
    pub(super) const fn began(&self) -> Instant {
        self.began
    }

    pub(super) const fn tape(&self) -> &Running {
        &self.tape
    }

    /// The request goes to the upstream.
    pub(super) fn forwarded(&mut self) {
        self.lap = Instant::now();
        self.phases.handlers = Some(self.lap - self.began);
    }

    /// There is a fresh pipe to the upstream.
    pub(super) fn connected(&mut self) {
        let now = Instant::now();
        self.phases.connect = Some(now - self.lap);
        self.lap = now;
    }

    /// The upstream has answered.
    pub(super) fn answered(&mut self) {
        self.phases.first_byte = Some(self.lap.elapsed());
    }

    /// Lets the tape see the body of a request.
    pub(super) fn hear(&self, body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        Body::boxed(Heard { body, tape: Some(self.tape.clone()) })
    }

    /// The head of the response goes to the visitor.
    pub(super) fn response(&self, response: &Response<Body>, trace: &Trace) {
        let head = ResponseHead {
            status: response.status(),
            version: response.version(),
            headers: response.headers(),
            origin: Origin::of(response),
            phases: self.phases,
            trace: trace.entries(),
        };
        self.tape.tell(|tape| tape.response(head));
    }

    /// A part of the response's body goes to the visitor.
    pub(super) fn passed(&self, frame: &Frame<Bytes>) {
        if let Some(data) = frame.data_ref() {
            self.tape.tell(|tape| tape.response_data(data));
        } else if let Some(trailers) = frame.trailers_ref() {
            self.tape.tell(|tape| tape.response_trailers(trailers));
        }
    }

    /// Nothing more is to come.
    pub(super) fn end(self, end: Finished) {
        let tape = self.tape.0.lock().take();
        if let Some(tape) = tape {
            tape.end(end);
        }
    }
}

impl Running {
    /// Tells the tape something, unless it has ended.
    pub(super) fn tell(&self, what: impl FnOnce(&mut dyn Tape)) {
        if let Some(tape) = &mut *self.0.lock() {
            what(&mut **tape);
        }
    }

    /// Hears what one party says after a switch of protocols.
    pub(super) fn ear(&self, from: Party) -> Ear {
        let tape = self.clone();
        Box::new(move |bytes| tape.tell(|tape| tape.switched(from, bytes)))
    }
}

/// The body of a request, and who hears of it until it is whole.
struct Heard {
    body: Body,
    tape: Option<Running>,
}

impl Heard {
    fn hear(&mut self, frame: Option<&Frame<Bytes>>) {
        let Some(tape) = &self.tape else { return };
        if let Some(data) = frame.and_then(Frame::data_ref) {
            tape.tell(|tape| tape.request_data(data));
        }
        let trailers = frame.and_then(Frame::trailers_ref);
        if frame.is_none() || trailers.is_some() || self.body.is_end_stream() {
            tape.tell(|tape| tape.request_end(trailers));
            self.tape = None;
        }
    }
}

impl HttpBody for Heard {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        match &frame {
            Poll::Ready(Some(Ok(frame))) => this.hear(Some(frame)),
            Poll::Ready(None) => this.hear(None),
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
