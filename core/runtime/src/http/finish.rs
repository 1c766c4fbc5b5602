//! Telling handlers, and who watches, that an exchange is over. Costs nothing where nobody asked.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use adit_chain::{
    Body, BoxError, Exchange, Finished, Finishers, Needs, Refusal, Totals, Trace, code, failure,
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, timeout};

use super::{crew::Crew, exchange::Shared, sock::Traffic, tape::Taped};
use crate::{Ended, limits::TELL};

/// An exchange in the hands of its handlers. However it is left, whoever asked is told.
pub(super) struct Watched<'a> {
    pub(super) exchange: Exchange,
    shared: &'a Shared,
    /// What the handlers whose response side may have to run need, together.
    pub(super) needs: Needs,
    /// Counts the request's body on its way to the upstream.
    sent: Option<Arc<AtomicU64>>,
}

impl<'a> Watched<'a> {
    pub(super) const fn new(exchange: Exchange, shared: &'a Shared) -> Self {
        Self { exchange, shared, needs: Needs::empty(), sent: None }
    }

    /// Counts the body of a request that goes to the upstream, if anybody will want to know.
    pub(super) fn count(&mut self, request: &mut Request<Body>) {
        if self.exchange.has_finishers() && !request.body().is_end_stream() {
            let sent = Arc::clone(self.sent.get_or_insert_default());
            let body = std::mem::take(request.body_mut());
            *request.body_mut() = Body::boxed(Counted { body, sent });
        }
    }

    /// Whoever wants to be told of the end, if there is anybody: beside a tape, if there is one.
    pub(super) fn finish(
        &mut self,
        taped: Option<Box<Finish>>,
        failure: Option<&'static str>,
    ) -> Option<Box<Finish>> {
        if taped.is_none() && !self.exchange.has_finishers() {
            return None;
        }
        let mut finish = taped
            .unwrap_or_else(|| Box::new(Finish::new(self.shared, self.exchange.started.into())));
        finish.finishers = self.exchange.take_finishers();
        finish.sent = self.sent.take();
        finish.trace = std::mem::take(&mut self.exchange.trace);
        finish.end.failure = failure;
        Some(finish)
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        drop(self.finish(None, None));
    }
}

/// Whoever wants to be told of the end of an exchange. Dropping it tells them, in the connection's
/// own task.
pub(super) struct Finish {
    finishers: Finishers,
    began: Instant,
    sent: Option<Arc<AtomicU64>>,
    end: Finished,
    /// Whether the last byte of the response has been handed over.
    is_complete: bool,
    taped: Option<Taped>,
    /// For the tape.
    trace: Trace,
    crew: Crew,
    traffic: Arc<Traffic>,
}

impl Finish {
    fn new(shared: &Shared, began: Instant) -> Self {
        Self {
            finishers: Finishers::default(),
            began,
            sent: None,
            end: Finished::default(),
            is_complete: false,
            taped: None,
            trace: Trace::default(),
            crew: shared.crew.clone(),
            traffic: Arc::clone(&shared.traffic),
        }
    }

    /// Tells a tape, and so far nobody else.
    pub(super) fn of_tape(shared: &Shared, taped: Taped) -> Self {
        let mut finish = Self::new(shared, taped.began().into());
        finish.taped = Some(taped);
        finish
    }

    /// Who watches.
    pub(super) const fn taped(&self) -> Option<&Taped> {
        self.taped.as_ref()
    }

    /// Who watches.
    pub(super) const fn taped_mut(&mut self) -> Option<&mut Taped> {
        self.taped.as_mut()
    }

    /// The head of the response goes out.
    pub(super) fn answered(&mut self, response: &Response<Body>) {
        self.end.status = Some(response.status().as_u16());
        if let Some(taped) = &self.taped {
            taped.response(response, &self.trace);
        }
    }

    /// A part of the body goes to the visitor.
    pub(super) fn passed(&mut self, frame: &Frame<Bytes>) {
        self.end.bytes_out += frame.data_ref().map_or(0, Bytes::len) as u64;
        if let Some(taped) = &self.taped {
            taped.passed(frame);
        }
    }

    /// It was refused, or failed.
    pub(super) fn failed(&mut self, refusal: &Refusal) {
        self.end.failure.get_or_insert(reason(refusal));
    }

    /// Nothing more is to come.
    pub(super) const fn complete(&mut self) {
        self.is_complete = true;
    }

    /// The body broke off.
    pub(super) fn broke(&mut self) {
        self.end.failure.get_or_insert(failure::BAD_RESPONSE);
    }

    /// What came after HTTP is over.
    pub(super) fn relayed(&mut self, totals: Totals, ended: Ended) {
        self.end.bytes_out += totals.bytes_out;
        self.end.bytes_in += totals.bytes_in;
        self.end.failure = self.end.failure.or(ended.failure());
        self.is_complete = true;
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        let finishers = std::mem::take(&mut self.finishers);
        let mut end = self.end;
        end.took = self.began.elapsed();
        end.bytes_in += self.sent.as_ref().map_or(0, |sent| sent.load(Relaxed));
        if !self.is_complete && end.failure.is_none() {
            end.failure = Some(self.traffic.fate().unwrap_or(failure::RESET));
        }
        if let Some(taped) = self.taped.take() {
            taped.end(end);
        }
        if finishers.is_empty() {
            return;
        }
        let telling = Telling::new(Arc::clone(&self.traffic));
        self.crew.push(async move {
            // Who does not listen in time has not heard it.
            let _ = timeout(TELL, finishers.tell(end)).await;
            drop(telling);
        });
    }
}

/// Lets the connection wait until handlers have been told.
struct Telling(Arc<Traffic>);

impl Telling {
    fn new(traffic: Arc<Traffic>) -> Self {
        traffic.tells();
        Self(traffic)
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.0.told();
    }
}

/// A request's body that is counted as it goes.
struct Counted {
    body: Body,
    sent: Arc<AtomicU64>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.sent.fetch_add(data.len() as u64, Relaxed);
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

/// The short reason for which a refusal or failure was rendered.
pub(super) fn reason(refusal: &Refusal) -> &'static str {
    match (refusal.code, refusal.status) {
        (_, StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT) => failure::TIMEOUT,
        (Some(code::UPSTREAM_UNREACHABLE | code::ENDPOINT_OFFLINE), _) => {
            failure::UPSTREAM_UNREACHABLE
        }
        (Some(code::BAD_UPSTREAM_RESPONSE), _) => failure::BAD_RESPONSE,
        (Some(code::AGENT_GONE | code::TUNNEL_NOT_FOUND), _) => failure::AGENT_GONE,
        (Some(code::HANDLER_FAILED), _) => failure::HANDLER_FAILED,
        _ => failure::REFUSED,
    }
}
