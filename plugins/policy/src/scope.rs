//! What the rules of one phase look at and change.

use std::{sync::Arc, time::SystemTime};

use adit_builtin::host::BackToPublic;
use adit_chain::{Body, BodyLimits, Conn, Exchange, Id, Identity, Inside, Refusal, TlsMode};
use cel::Value;
use http::{
    HeaderMap, HeaderValue, Request, Response, Uri,
    header::{ACCEPT_ENCODING, HOST},
    request,
};

use crate::{phase::Phase, sse::Message};

/// What the rules of one phase look at and change. It owns everything, so that it can travel from
/// the request's side to the response's.
pub(crate) struct Scope {
    pub(crate) phase: Phase,
    /// Identity of the exchange, or of the connection in the connection's phase.
    pub(crate) id: Id,
    pub(crate) conn: Arc<Conn>,
    /// The request, in the HTTP phases; on the response side, as it went to the upstream.
    pub(crate) request: Option<Asked>,
    /// The response, in the response's phase and in that of its messages.
    pub(crate) response: Option<Response<Body>>,
    /// The message, in the phase of an event stream's messages.
    pub(crate) message: Option<Message>,
    /// `vars.*`: of one phase.
    pub(crate) vars: Vec<(String, Value)>,
    /// `actions.ngrok.*`, by namespace: the last run of each type of action.
    pub(crate) results: Vec<(&'static str, Value)>,
    /// What `log` actions said, in order.
    pub(crate) logs: Vec<serde_json::Value>,
    /// Lines for whoever watches the exchange; see [`note`](Self::note).
    pub(crate) notes: Vec<String>,
    /// Whether somebody watches.
    pub(crate) is_watched: bool,
    /// The way to internal endpoints, for actions that need [`INSIDE`](adit_chain::Needs::INSIDE);
    /// connections have `conn.nearby`.
    pub(crate) inside: Option<Arc<dyn Inside>>,
    /// How much of a body may be gathered.
    pub(crate) body_limits: BodyLimits,
    /// Who the visitor turned out to be.
    pub(crate) identity: Option<Identity>,
    /// Told how the upstream answered.
    pub(crate) learners: Vec<Box<dyn Learn>>,
    /// Maps `Location` headers of the response back, where the request's host was replaced.
    pub(crate) back: Option<BackToPublic>,
    /// How TLS of this connection ends, if a rule has settled it.
    pub(crate) tls: Option<TlsMode>,
}

/// A request as rules see it.
pub(crate) struct Asked {
    /// Method, target and headers; actions change them.
    pub(crate) head: request::Parts,
    /// The body; empty once the request went on.
    pub(crate) body: Body,
    /// The target and host as they came: `req.url.raw`, `req.url.raw_path`.
    pub(crate) original: Original,
    /// When the head had arrived.
    pub(crate) head_received: SystemTime,
    /// When the body had arrived, if it was gathered.
    pub(crate) body_received: Option<SystemTime>,
}

/// What a request asked for before any rule saw it.
#[derive(Clone, Debug)]
pub(crate) struct Original {
    /// The target.
    pub(crate) uri: Uri,
    /// The `Host` header.
    pub(crate) host: Option<HeaderValue>,
    /// The `Accept-Encoding` headers: rules may ask the upstream for something else than the
    /// visitor asks for.
    pub(crate) accept_encoding: Vec<HeaderValue>,
}

/// Told how the upstream answered a request that an action let through. Dropped unrun when the
/// visitor hung up before. An action that makes one needs
/// [`RESPONSE_HEAD`](adit_chain::Needs::RESPONSE_HEAD).
pub(crate) trait Learn: Send {
    /// The response that came back, our own for an upstream that failed among them.
    fn learn(self: Box<Self>, response: &Response<Body>);
}

impl Original {
    fn of(head: &request::Parts) -> Self {
        let headers = &head.headers;
        Self {
            uri: head.uri.clone(),
            host: headers.get(HOST).cloned(),
            accept_encoding: headers.get_all(ACCEPT_ENCODING).iter().cloned().collect(),
        }
    }
}

impl Scope {
    /// Of a connection's phase.
    pub(crate) fn of_connection(conn: &Arc<Conn>) -> Self {
        Self {
            phase: Phase::TcpConnect,
            id: conn.id,
            conn: Arc::clone(conn),
            request: None,
            response: None,
            message: None,
            vars: Vec::new(),
            results: Vec::new(),
            logs: Vec::new(),
            notes: Vec::new(),
            is_watched: false,
            inside: None,
            body_limits: BodyLimits::default(),
            identity: None,
            learners: Vec::new(),
            back: None,
            tls: None,
        }
    }

    /// Of a request's phase. The request leaves the exchange;
    /// [`give_back`](Self::give_back) returns it.
    pub(crate) fn of_request(exchange: &mut Exchange) -> Self {
        let (head, body) = std::mem::take(&mut exchange.request).into_parts();
        let original = Original::of(&head);
        // The clock of the wall may jump; the one that the exchange began by does not.
        let now = SystemTime::now();
        let head_received = now.checked_sub(exchange.started.elapsed()).unwrap_or(now);
        let asked = Asked { head, body, original, head_received, body_received: None };
        Self {
            phase: Phase::HttpRequest,
            id: exchange.id,
            request: Some(asked),
            is_watched: exchange.trace.is_recording(),
            inside: exchange.inside.clone(),
            body_limits: exchange.body_limits,
            identity: exchange.identity.clone(),
            ..Self::of_connection(&exchange.conn)
        }
    }

    /// Returns the request to its exchange, and keeps its head if `keeps_head`.
    pub(crate) fn give_back(&mut self, exchange: &mut Exchange, keeps_head: bool) {
        let Some(mut asked) = self.request.take() else { return };
        let body = std::mem::take(&mut asked.body);
        if keeps_head {
            exchange.request = Request::from_parts(asked.head.clone(), body);
            self.request = Some(asked);
        } else {
            exchange.request = Request::from_parts(asked.head, body);
        }
        exchange.identity.clone_from(&self.identity);
    }

    /// Enters another phase of the same exchange: results stay, variables do not.
    pub(crate) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.vars.clear();
    }

    /// Whether something of the response is wanted even without rules for it.
    pub(crate) const fn awaits_response(&self) -> bool {
        !self.learners.is_empty() || self.back.is_some()
    }

    /// Tells the actions that want to know how the request was answered.
    pub(crate) fn learn(&mut self, response: &Response<Body>) {
        for learner in self.learners.drain(..) {
            learner.learn(response);
        }
    }

    /// As [`learn`](Self::learn), of an answer that is still to be rendered.
    pub(crate) fn learn_refusal(&mut self, refusal: &Refusal) {
        if !self.learners.is_empty() {
            let mut response = Response::new(Body::Empty);
            *response.status_mut() = refusal.status;
            self.learn(&response);
        }
    }

    /// The headers that this phase changes: the request's or the response's.
    pub(crate) fn headers_mut(&mut self) -> Option<&mut HeaderMap> {
        match self.phase {
            Phase::TcpConnect => None,
            Phase::HttpRequest => self.request.as_mut().map(|asked| &mut asked.head.headers),
            Phase::HttpResponse | Phase::EventStreamMessage => {
                self.response.as_mut().map(Response::headers_mut)
            }
        }
    }

    /// Sets a variable of this phase.
    pub(crate) fn set_var(&mut self, name: &str, value: Value) {
        match self.vars.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => *old = value,
            None => self.vars.push((name.to_owned(), value)),
        }
    }

    /// Replaces the result of a type of action.
    pub(crate) fn set_result(&mut self, namespace: &'static str, value: Value) {
        match self.results.iter_mut().find(|(name, _)| *name == namespace) {
            Some((_, old)) => *old = value,
            None => self.results.push((namespace, value)),
        }
    }

    /// Adds a line for whoever watches the exchange, without secrets.
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if self.is_watched {
            self.notes.push(line());
        }
    }
}
