//! One request with its response.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{Request, Response};
use serde_json::Value;

use crate::{Body, Conn, Finishers, Id, Inside, OnFinish, Trace, VarLimit, Vars, vars};

/// Who the visitor turned out to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Which handler vouches for it: `basic-auth`, or the name of a policy.
    pub provider: Cow<'static, str>,
    /// The name under which the visitor was accepted.
    pub subject: String,
}

/// How much of a body a handler may gather, and how long that may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes.
    pub max_len: usize,
    /// Time until all of it has arrived.
    pub timeout: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { max_len: 10 * 1024 * 1024, timeout: Duration::from_secs(120) }
    }
}

/// Who made a response. It is kept with the response itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// We did: a refusal or a failure, rendered.
    Agent,
    /// A handler did.
    Handler,
    /// The service did.
    #[default]
    Upstream,
}

impl Origin {
    /// Who made a response.
    pub fn of(response: &Response<Body>) -> Self {
        response.extensions().get().copied().unwrap_or_default()
    }

    /// Notes who made a response.
    pub fn mark(self, response: &mut Response<Body>) {
        response.extensions_mut().insert(self);
    }
}

/// One request on its way to the upstream.
#[derive(Debug)]
pub struct Exchange {
    /// Identity, for logs, error pages and the inspector.
    pub id: Id,
    /// The connection that it came on.
    pub conn: Arc<Conn>,
    /// The request; handlers change it in place.
    pub request: Request<Body>,
    /// Who asks, once a handler has found out.
    pub identity: Option<Identity>,
    /// What handlers leave for each other. [`set_var`](Self::set_var) keeps it small.
    pub vars: Vars,
    /// What each link decided, when someone watches.
    pub trace: Trace,
    /// How much of either body may be gathered.
    pub body_limits: BodyLimits,
    /// The way to internal endpoints, for chains that need [`Needs::INSIDE`](crate::Needs::INSIDE).
    pub inside: Option<Arc<dyn Inside>>,
    /// When its head had been read.
    pub started: Instant,
    finishers: Finishers,
}

impl Exchange {
    /// A request that has just been read.
    pub fn new(conn: Arc<Conn>, request: Request<Body>) -> Self {
        Self {
            id: Id::next(),
            conn,
            request,
            identity: None,
            vars: Vars::new(),
            trace: Trace::default(),
            body_limits: BodyLimits::default(),
            inside: None,
            started: Instant::now(),
            finishers: Finishers::default(),
        }
    }

    /// Tells a value when the exchange is over, however it ends. Last in, first out.
    pub fn finish(&mut self, finisher: Box<dyn OnFinish>) {
        self.finishers.push(finisher);
    }

    /// Takes out who wants to be told of the end.
    pub fn take_finishers(&mut self) -> Finishers {
        std::mem::take(&mut self.finishers)
    }

    /// Whether anybody wants to be told of the end.
    pub const fn has_finishers(&self) -> bool {
        !self.finishers.is_empty()
    }

    /// Sets a variable of the exchange.
    ///
    /// # Errors
    /// The limit that forbids it.
    pub fn set_var(&mut self, name: &str, value: impl Into<Value>) -> Result<(), VarLimit> {
        vars::set(&mut self.vars, name, value.into())
    }

    /// A variable of the exchange, or else of its connection.
    pub fn var(&self, name: &str) -> Option<Value> {
        self.vars.get(name).cloned().or_else(|| self.conn.var(name))
    }
}
