//! Records exchanges as they pass.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use adit_chain::{Conn, Finished, Id, TraceEntry, Way};
use adit_runtime::tap::{Party, RequestHead, ResponseHead, Tap, Tape};
use bytes::Bytes;
use http::{
    HeaderMap, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, SEC_WEBSOCKET_EXTENSIONS, UPGRADE},
};

use tokio::time::Instant as Moment;

use super::{
    Store,
    gather::{Charge, Gather},
};
use crate::{
    model::{
        Body, Decision, Entry, Headers, Message, Messages, Request, Response, Side, Source, State,
        Timing,
    },
    view::{
        grpc,
        inflate::{self, INFLATE_COST, Takeover},
        splitting::{Piece, Splitter},
        websocket,
    },
};

/// The tap of one endpoint.
#[derive(Debug)]
struct EndpointTap {
    store: Arc<Store>,
    endpoint: Arc<str>,
    url: Arc<str>,
}

/// How often a response that takes long is shown as it grows.
///
/// Reason: whoever watches a stream of events sees it move; each time costs a copy of what is there.
const SHOW: Duration = Duration::from_millis(250);

/// Length of a response that is shown with its first piece only, or its end, in bytes.
///
/// Reason: so much mostly arrives with its head, and each time that an exchange is shown costs time.
const SOON: u64 = 16 * 1024;

/// The tape of one exchange: what the store has of it, and what is still passing.
struct Recording {
    store: Arc<Store>,
    entry: Entry,
    began: Instant,
    shown: Shown,
    request: Passing,
    response: Passing,
}

/// When the response was shown last.
#[derive(Clone, Copy, Debug)]
enum Shown {
    At(Moment),
    Not,
}

/// One way of an exchange.
struct Passing {
    body: Gather,
    expected: Option<u64>,
    splitter: Option<Box<dyn Splitter>>,
    /// What the splitter needs to read compressed messages.
    window: Option<Charge>,
}

impl Store {
    /// Captures the exchanges of an endpoint.
    pub fn tap(self: &Arc<Self>, endpoint: &str, url: &str) -> Arc<dyn Tap> {
        let (endpoint, url) = (endpoint.into(), url.into());
        Arc::new(EndpointTap { store: Arc::clone(self), endpoint, url })
    }
}

impl Tap for EndpointTap {
    fn begin(&self, conn: &Arc<Conn>, id: Id, head: RequestHead<'_>) -> Option<Box<dyn Tape>> {
        let store = Arc::clone(&self.store);
        // To the millisecond, which saves a look at the clock.
        let started = SystemTime::UNIX_EPOCH + id.since_epoch();
        let host = head.uri.authority().map(http::uri::Authority::as_str);
        let target = match head.uri.path_and_query() {
            Some(target) => target.as_str().into(),
            None => head.uri.to_string().into(),
        };
        let is_grpc = is_grpc(head.headers);
        let messages = is_grpc.then(|| messages(&store, started));
        let source = store.replays.source(conn.id, id);
        let edge = if source == Source::Visitor { store.rtt() } else { None };
        let entry = Entry {
            id,
            source,
            endpoint: Arc::clone(&self.endpoint),
            url: Arc::clone(&self.url),
            client: Some(conn.client),
            started,
            request: Request {
                method: head.method.clone(),
                target,
                version: head.version,
                headers: Headers::with_host(head.headers, host),
                body: Body::default(),
                trailers: None,
            },
            response: None,
            decisions: Arc::default(),
            timing: Timing { edge, ..Timing::default() },
            state: State::Open,
            messages,
        };
        if !store.insert(Arc::new(entry.clone())) {
            return None;
        }
        let splitter = || is_grpc.then(grpc::splitter);
        let request = Passing::new(&store, head.headers, splitter());
        let response = Passing::new(&store, &HeaderMap::new(), splitter());
        let began = head.began;
        let shown = Shown::Not;
        Some(Box::new(Recording { store, entry, began, shown, request, response }))
    }
}

impl Recording {
    /// Shows what is known by now. `carried` bytes were reserved for it.
    fn publish(&mut self, carried: usize) {
        self.store.update(Arc::new(self.entry.clone()), carried);
    }

    /// Shows what there is of the response's body.
    fn show(&mut self) {
        if let Some(response) = &mut self.entry.response {
            response.body = self.response.body.so_far(&response.body);
            self.publish(0);
        }
        self.shown = Shown::At(Moment::now());
    }

    fn split(&mut self, from: Party, data: &[u8]) {
        let passing = match from {
            Party::Visitor => &mut self.request,
            Party::Upstream => &mut self.response,
        };
        let Some(messages) = &self.entry.messages else { return };
        let Some(splitter) = &mut passing.splitter else { return };
        let (store, at) = (&self.store, self.began.elapsed());
        let mut is_any = false;
        splitter.push(data, &mut |piece: Piece| {
            is_any = true;
            let Piece { kind, is_compressed, len, excerpt } = piece;
            let message =
                Message { seq: 0, from: from.into(), kind, at, is_compressed, len, excerpt };
            messages.push(message, |n| store.reserve(n));
        });
        if is_any {
            self.store.touch(self.entry.id);
        }
    }
}

impl Tape for Recording {
    fn request_data(&mut self, data: &Bytes) {
        self.request.pass(&self.store, data);
        self.split(Party::Visitor, data);
    }

    fn request_end(&mut self, trailers: Option<&HeaderMap>) {
        let (body, carried) = self.request.body.finish();
        self.entry.request.body = body;
        self.entry.request.trailers = trailers.map(Headers::of);
        self.publish(carried);
    }

    fn response(&mut self, head: ResponseHead<'_>) {
        self.response.expected = expected(head.headers);
        if head.status == StatusCode::SWITCHING_PROTOCOLS && is_websocket(head.headers) {
            self.entry.messages = Some(messages(&self.store, self.entry.started));
            let deflate = deflate(head.headers);
            self.request.split_frames(&self.store, deflate.map(|[visitor, _]| visitor));
            self.response.split_frames(&self.store, deflate.map(|[_, upstream]| upstream));
        }
        self.entry.response = Some(Response {
            status: head.status,
            version: head.version,
            origin: head.origin,
            headers: Headers::of(head.headers),
            body: Body::default(),
            trailers: None,
        });
        if !head.trace.is_empty() {
            self.entry.decisions = head.trace.iter().map(decision).collect();
        }
        let phases = head.phases;
        self.entry.timing = Timing {
            edge: self.entry.timing.edge,
            handlers: phases.handlers,
            connect: phases.connect,
            first_byte: phases.first_byte,
            to_head: Some(self.began.elapsed()),
            total: None,
        };
        if self.response.expected.is_some_and(|expected| expected <= SOON) {
            // Its end comes at once, or with its first piece.
            self.shown = Shown::Not;
        } else {
            self.publish(0);
            self.shown = Shown::At(Moment::now());
        }
    }

    fn response_data(&mut self, data: &Bytes) {
        self.response.pass(&self.store, data);
        self.split(Party::Upstream, data);
        let is_due = match self.shown {
            Shown::At(moment) => moment.elapsed() >= SHOW,
            Shown::Not => true,
        };
        if self.response.is_expected() && is_due {
            self.show();
        }
    }

    fn response_trailers(&mut self, trailers: &HeaderMap) {
        if let Some(response) = &mut self.entry.response {
            response.trailers = Some(Headers::of(trailers));
        }
    }

    fn switched(&mut self, from: Party, bytes: &[u8]) {
        self.split(from, bytes);
    }

    fn end(mut self: Box<Self>, end: Finished) {
        let mut carried = 0;
        if self.request.body.total() > self.entry.request.body.total {
            // It did not arrive whole, or was not wanted.
            (self.entry.request.body, carried) = self.request.body.finish();
        }
        if let Some(response) = &mut self.entry.response {
            let (body, n_bytes) = self.response.body.finish();
            response.body = body;
            carried += n_bytes;
        }
        self.entry.timing.total = Some(end.took);
        self.entry.state = end.failure.map_or(State::Done, State::Failed);
        self.publish(carried);
    }
}

impl Passing {
    fn new(store: &Store, headers: &HeaderMap, splitter: Option<Box<dyn Splitter>>) -> Self {
        let body = Gather::new(Arc::clone(store.budget()));
        Self { body, expected: expected(headers), splitter, window: None }
    }

    /// Whether more is to come, as far as was said.
    fn is_expected(&self) -> bool {
        self.expected.is_none_or(|expected| self.body.total() < expected)
    }

    fn split_frames(&mut self, store: &Store, deflate: Option<Takeover>) {
        self.window = deflate.and_then(|_| Charge::reserve(store, INFLATE_COST));
        self.splitter = Some(websocket::splitter(deflate.filter(|_| self.window.is_some())));
    }

    fn pass(&mut self, store: &Store, data: &[u8]) {
        self.body.push(store, self.expected, data);
    }
}

impl From<Party> for crate::model::Party {
    fn from(party: Party) -> Self {
        match party {
            Party::Upstream => Self::Upstream,
            Party::Visitor => Self::Visitor,
        }
    }
}

fn messages(store: &Store, started: SystemTime) -> Arc<Messages> {
    Arc::new(Messages::new(started, Arc::clone(store.budget())))
}

fn decision(entry: &TraceEntry) -> Decision {
    let side = match entry.way {
        Way::Request => Side::Request,
        Way::Response => Side::Response,
    };
    let note = if entry.note.is_empty() { Arc::default() } else { entry.note.as_str().into() };
    let link = Arc::clone(&entry.link);
    Decision { link, side, verdict: entry.verdict, took: entry.took, note }
}

fn expected(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// `application/grpc`, `application/grpc+proto`, `application/grpc-web`; not the variant in text.
fn is_grpc(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return false };
    let value = value.as_bytes();
    value.starts_with(b"application/grpc") && !value.starts_with(b"application/grpc-web-text")
}

/// How frames are compressed, if both agreed to it.
fn deflate(headers: &HeaderMap) -> Option<[Takeover; 2]> {
    inflate::agreed(headers.get(SEC_WEBSOCKET_EXTENSIONS)?.to_str().ok()?)
}

fn is_websocket(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}
