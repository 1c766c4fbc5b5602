//! Watching exchanges as they pass.
//!
//! A [`Tap`] belongs to a route. It makes a [`Tape`] for each exchange, which is told of everything
//! that passes, in order, in the connection's own task: it must neither wait nor take long. The
//! request is seen as the visitor sent it, before the handlers, and the response as the visitor
//! gets it, after them; refusals and failures too. Where there is no tap, nothing of this exists.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use adit_chain::{Conn, Finished, Id, Origin, TraceEntry};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, Version};

/// Watches the exchanges of one endpoint. An HTTP endpoint with a tap is relayed as HTTP.
pub trait Tap: fmt::Debug + Send + Sync + 'static {
    /// The head of a request came. `None` if the exchange is of no interest.
    fn begin(&self, conn: &Arc<Conn>, id: Id, head: RequestHead<'_>) -> Option<Box<dyn Tape>>;
}

/// Records one exchange. Dropping it without [`end`](Self::end) cannot happen.
pub trait Tape: Send {
    /// A piece of the request's body has arrived. What nobody reads does not arrive.
    fn request_data(&mut self, data: &Bytes);

    /// The request is whole.
    fn request_end(&mut self, trailers: Option<&HeaderMap>);

    /// The head of the response is on its way to the visitor.
    fn response(&mut self, head: ResponseHead<'_>);

    /// A piece of the response's body is on its way to the visitor.
    fn response_data(&mut self, data: &Bytes);

    /// What comes after the response's body.
    fn response_trailers(&mut self, trailers: &HeaderMap);

    /// Bytes that have passed after a switch of protocols.
    fn switched(&mut self, from: Party, bytes: &[u8]);

    /// Nothing more is to come.
    fn end(self: Box<Self>, end: Finished);
}

/// The head of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target, as it was sent.
    pub uri: &'a Uri,
    /// What the visitor speaks.
    pub version: Version,
    /// The headers, as they were sent, those of one hop too.
    pub headers: &'a HeaderMap,
    /// When it had been read.
    pub began: Instant,
    /// Whether a body follows; then [`Tape::request_end`] is told if it arrives whole.
    pub has_body: bool,
}

/// The head of a response.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'a> {
    /// The status.
    pub status: StatusCode,
    /// What it was received or made in.
    pub version: Version,
    /// The headers, without those that the HTTP library adds to frame the body.
    pub headers: &'a HeaderMap,
    /// Who made it.
    pub origin: Origin,
    /// How long it took to come.
    pub phases: Phases,
    /// What the handlers decided, on both ways.
    pub trace: &'a [TraceEntry],
}

/// How long it took until the upstream answered. What did not happen is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// From the request's head until it went to the upstream.
    pub handlers: Option<Duration>,
    /// To connect to the upstream.
    pub connect: Option<Duration>,
    /// From there to the head of its response.
    pub first_byte: Option<Duration>,
}

/// One of the two that speak after a switch of protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The upstream.
    Upstream,
    /// The visitor.
    Visitor,
}
