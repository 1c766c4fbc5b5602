//! Runs an ordered list of handlers.

use std::{sync::Arc, time::Instant};

use http::Response;
use smallvec::SmallVec;
use tracing::{debug, warn};

use crate::{
    Body, BoxHandler, ByteStream, Conn, End, Exchange, Handler, Id, InsideUrl, Needs, Notes,
    OnClose, OnConnect, OnRequest, OnResponse, Origin, Refusal, RouteId, TlsMode, Trace, Verdict,
    Way, WrapIo,
};

/// What happens when a handler breaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// The connection or exchange is refused.
    #[default]
    Deny,
    /// It goes on as if the link were not there.
    Pass,
}

/// One place in a chain.
#[derive(Debug)]
pub struct Link {
    name: Arc<str>,
    handler: BoxHandler,
    on_error: OnError,
    needs: Needs,
}

impl Link {
    /// A link that refuses when its handler breaks.
    pub fn new(name: &str, handler: impl Handler) -> Self {
        Self::boxed(name, BoxHandler::new(handler))
    }

    /// As [`new`](Self::new), from a handler that is boxed already.
    pub fn boxed(name: &str, handler: BoxHandler) -> Self {
        let needs = handler.needs();
        Self { name: name.into(), handler, on_error: OnError::Deny, needs }
    }

    /// Chooses what happens when the handler breaks.
    #[must_use]
    pub fn on_error(mut self, on_error: OnError) -> Self {
        self.on_error = on_error;
        self
    }

    /// The name, for logs and traces.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it must see.
    pub const fn needs(&self) -> Needs {
        self.needs
    }

    /// The handler broke: says so in the log, and whether the link refuses for it.
    fn failed(&self, id: Id, error: &crate::BoxError) -> OnError {
        // A refusal as an error comes from a handler that tells its failures itself.
        if error.is::<Refusal>() {
            debug!(%id, link = %self.name, %error, on_error = ?self.on_error, "handler failed");
        } else {
            warn!(%id, link = %self.name, %error, on_error = ?self.on_error, "handler failed");
        }
        self.on_error
    }
}

/// A user's ordered list of handlers: one list, from which the connection's and the exchange's are
/// derived.
#[derive(Debug, Default)]
pub struct Chain {
    links: Vec<Link>,
    needs: Needs,
}

/// What a chain wants of a connection.
#[derive(Default)]
pub struct Connected {
    tls: Option<TlsMode>,
    divert: Option<InsideUrl>,
    wraps: Vec<Box<dyn WrapIo>>,
    closers: Vec<Box<dyn OnClose>>,
}

/// How a chain ended for a request.
pub enum Outcome {
    /// To the upstream.
    Forward,
    /// A handler answered.
    Respond(Response<Body>),
    /// To another route.
    Reroute {
        /// Which one.
        to: RouteId,
        /// Index of the link that says so.
        link: usize,
        /// What waits for the response, if it goes there; see [`Chain::waits`].
        then: Option<Box<dyn OnResponse>>,
    },
    /// Turned away.
    Abort(Refusal),
    /// Out of HTTP; see [`OnRequest::Detach`].
    Detach(Response<Body>, Box<dyn WrapIo>),
}

/// The response sides of the handlers whose request side ran.
#[derive(Default)]
pub struct Unwind(SmallVec<[Waiting; 4]>);

/// One handler that waits for the response.
struct Waiting {
    link: Arc<str>,
    then: Box<dyn OnResponse>,
}

impl Chain {
    /// A chain of links, in the order of the path.
    pub fn new(links: Vec<Link>) -> Self {
        let needs = links.iter().fold(Needs::empty(), |all, link| all | link.needs);
        Self { links, needs }
    }

    /// The links, in order.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// What the handlers must see, together.
    pub const fn needs(&self) -> Needs {
        self.needs
    }

    /// Shows a connection to each handler that cares. What they want of it goes into `connected`;
    /// the caller closes that at the connection's end, even if it was turned away.
    ///
    /// # Errors
    /// The refusal of the first handler that turned it away or broke.
    pub async fn connect(
        &self,
        conn: &Arc<Conn>,
        connected: &mut Connected,
    ) -> Result<(), Refusal> {
        if !self.needs.wants_connection() {
            return Ok(());
        }
        for link in self.links.iter().filter(|link| link.needs.wants_connection()) {
            match link.handler.on_connect(conn).await {
                Ok(OnConnect::Next) => {}
                Ok(OnConnect::NextThen(closer)) => connected.closers.push(closer),
                Ok(OnConnect::Divert(to)) => {
                    connected.divert = Some(to);
                    return Ok(());
                }
                Ok(OnConnect::DivertTerminated(to, mode)) => {
                    connected.tls = Some(mode);
                    connected.divert = Some(to);
                    return Ok(());
                }
                Ok(OnConnect::Refuse(refusal)) => return Err(refusal),
                Ok(OnConnect::Terminate(mode)) => connected.tls = Some(mode),
                Ok(OnConnect::Wrap(wrap)) => connected.wraps.push(wrap),
                Ok(OnConnect::WrapThen(wrap, closer)) => {
                    connected.wraps.push(wrap);
                    connected.closers.push(closer);
                }
                Err(error) if link.failed(conn.id, &error) == OnError::Pass => {}
                Err(error) => return Err(Refusal::for_error(error)),
            }
        }
        Ok(())
    }

    /// Shows a request to each handler that cares, until one decides.
    ///
    /// The caller runs `unwind` over whatever response comes of it, so that only the handlers that
    /// were passed see it, last in, first out.
    pub async fn request(&self, exchange: &mut Exchange, unwind: &mut Unwind) -> Outcome {
        self.request_from(0, exchange, unwind).await
    }

    /// As [`request`](Self::request), from a link on.
    pub async fn request_from(
        &self,
        first: usize,
        exchange: &mut Exchange,
        unwind: &mut Unwind,
    ) -> Outcome {
        for (i, link) in self.links.iter().enumerate().skip(first) {
            if !link.needs.wants_http() {
                continue;
            }
            let began = exchange.trace.is_recording().then(Instant::now);
            let result = link.handler.on_request(exchange).await;
            let (verdict, outcome) = match result {
                Ok(OnRequest::Next) => (Verdict::Next, None),
                Ok(OnRequest::NextThen(then)) => {
                    unwind.0.push(Waiting { link: Arc::clone(&link.name), then });
                    (Verdict::NextThen, None)
                }
                Ok(OnRequest::Respond(response)) => {
                    (Verdict::Respond, Some(Outcome::Respond(response)))
                }
                Ok(OnRequest::Reroute(to)) => {
                    (Verdict::Reroute, Some(Outcome::Reroute { to, link: i, then: None }))
                }
                Ok(OnRequest::RerouteThen(to, then)) => {
                    (Verdict::Reroute, Some(Outcome::Reroute { to, link: i, then: Some(then) }))
                }
                Ok(OnRequest::Abort(refusal)) => (Verdict::Abort, Some(Outcome::Abort(refusal))),
                Ok(OnRequest::Detach { response, wrap }) => {
                    (Verdict::Detach, Some(Outcome::Detach(response, wrap)))
                }
                Err(error) => match link.failed(exchange.id, &error) {
                    OnError::Pass => (Verdict::Failed, None),
                    OnError::Deny => {
                        (Verdict::Failed, Some(Outcome::Abort(Refusal::for_error(error))))
                    }
                },
            };
            if let Some(began) = began {
                exchange.trace.record(&link.name, Way::Request, verdict, began.elapsed());
            }
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
        Outcome::Forward
    }

    /// Lets the handler of a link wait for the response.
    pub fn waits(&self, link: usize, then: Box<dyn OnResponse>, unwind: &mut Unwind) {
        if let Some(link) = self.links.get(link) {
            unwind.0.push(Waiting { link: Arc::clone(&link.name), then });
        }
    }

    /// What a link decided cannot be done, which is as if its handler had broken: says so in the
    /// log, and what happens then.
    pub fn broke(&self, link: usize, id: Id, error: &crate::BoxError) -> OnError {
        self.links.get(link).map_or(OnError::Deny, |link| link.failed(id, error))
    }
}

impl Connected {
    /// Who terminates TLS, if a handler has an opinion.
    pub const fn tls(&self) -> Option<&TlsMode> {
        self.tls.as_ref()
    }

    /// The internal endpoint that the connection is led to instead of going on here.
    pub const fn take_divert(&mut self) -> Option<InsideUrl> {
        self.divert.take()
    }

    /// Whether any handler wraps the bytes.
    pub const fn has_wraps(&self) -> bool {
        !self.wraps.is_empty()
    }

    /// Puts the wrappers around the visitor's bytes, the first handler's outermost towards the
    /// visitor.
    pub fn wrap(&mut self, io: Box<dyn ByteStream>) -> Box<dyn ByteStream> {
        self.wraps.drain(..).fold(io, |io, wrap| wrap.wrap(io))
    }

    /// Whether any handler wants to be told of the connection's end.
    pub const fn has_closers(&self) -> bool {
        !self.closers.is_empty()
    }

    /// Tells the handlers that the connection is over, last in, first out.
    pub async fn close(self, end: End) {
        for closer in self.closers.into_iter().rev() {
            closer.on_close(end).await;
        }
    }
}

impl Unwind {
    /// Whether anybody waits for the response.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a response back through the handlers that were passed.
    ///
    /// # Errors
    /// The refusal that takes the response's place, where a handler broke. The handlers before it
    /// still wait: render it, and call again.
    pub async fn run(
        &mut self,
        id: Id,
        response: Response<Body>,
    ) -> Result<Response<Body>, Refusal> {
        self.run_traced(id, response, &mut Trace::default()).await
    }

    /// As [`run`](Self::run), and records what each handler did: `Respond` where the response is
    /// its own now.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_traced(
        &mut self,
        id: Id,
        mut response: Response<Body>,
        trace: &mut Trace,
    ) -> Result<Response<Body>, Refusal> {
        while let Some(Waiting { link, then }) = self.0.pop() {
            let watch = trace.is_recording().then(|| (Instant::now(), Origin::of(&response)));
            let notes = Notes::attach(trace, &mut response);
            let result = then.on_response(response).await;
            if let Some((began, before)) = watch {
                let verdict = match &result {
                    Ok(changed) if Origin::of(changed) != before => Verdict::Respond,
                    Ok(_) => Verdict::Next,
                    Err(_) => Verdict::Failed,
                };
                notes.move_to(trace);
                trace.record(&link, Way::Response, verdict, began.elapsed());
            }
            match result {
                Ok(changed) => response = changed,
                // The response went into the handler and did not come out: even `pass` has
                // nothing left to pass on.
                Err(error) => {
                    if error.is::<Refusal>() {
                        debug!(%id, %link, %error, "handler failed on the response");
                    } else {
                        warn!(%id, %link, %error, "handler failed on the response");
                    }
                    return Err(Refusal::for_error(error));
                }
            }
        }
        Ok(response)
    }
}
