//! What the rules of one phase look at and change.

use std::{sync::Arc, time::SystemTime};

use adit_chain::{Body, BodyLimits, Conn, Id, Identity};
use cel::Value;
use http::{Response, request};

use crate::phase::Phase;

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
    /// `vars.*`: of one phase.
    pub(crate) vars: Vec<(String, Value)>,
    /// `actions.ngrok.*`, by namespace: the last run of each type of action.
    pub(crate) results: Vec<(&'static str, Value)>,
    /// What `log` actions said, in order.
    pub(crate) logs: Vec<serde_json::Value>,
    /// Lines for whoever watches the exchange.
    pub(crate) notes: Vec<String>,
    /// How much of a body may be gathered.
    pub(crate) body_limits: BodyLimits,
    /// Who the visitor turned out to be.
    pub(crate) identity: Option<Identity>,
    /// Told how the upstream answered.
    pub(crate) learners: Vec<Box<dyn Learn>>,
}

/// A request as rules see it.
pub(crate) struct Asked {
    /// Method, target and headers; actions change them.
    pub(crate) head: request::Parts,
    /// The body; empty once the request went on.
    pub(crate) body: Body,
    /// The target and host as they came: `req.url.raw`, `req.url.raw_path`.
    pub(crate) original: request::Parts,
    /// When the head had arrived.
    pub(crate) head_received: SystemTime,
    /// When the body had arrived, if it was gathered.
    pub(crate) body_received: Option<SystemTime>,
}

/// Told how the upstream answered a request that an action let through. Dropped unrun when the
/// visitor hung up before.
pub(crate) trait Learn: Send {
    /// The response that came back, our own for an upstream that failed among them.
    fn learn(self: Box<Self>, response: &Response<Body>);
}

impl Scope {
    /// Replaces the result of a type of action.
    pub(crate) fn set_result(&mut self, namespace: &'static str, value: Value) {
        match self.results.iter_mut().find(|(name, _)| *name == namespace) {
            Some((_, old)) => *old = value,
            None => self.results.push((namespace, value)),
        }
    }
}
