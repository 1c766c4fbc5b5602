//! A policy where it runs, and what became of an exchange.

use std::sync::Arc;

use adit_chain::{
    Body, Chain, Connected, Endpoint, Exchange, Outcome, Refusal, TlsMode, Trace, Unwind,
    conformance,
};
use http::{Request, Response};
use serde_json::Value as Json;

use super::{Seen, lines};
use crate::{phase::Phase, value};

/// A policy where it runs.
#[derive(Clone)]
pub(crate) struct Rig {
    pub(crate) chain: Arc<Chain>,
    pub(super) seen: Seen,
    pub(super) endpoint: Arc<Endpoint>,
}

impl Rig {
    /// Shows it a connection: how TLS of it ends, or why it is turned away.
    pub(crate) async fn connect(&self) -> Result<Option<TlsMode>, Refusal> {
        let conn = Arc::new(conformance::conn().moved(Arc::clone(&self.endpoint)));
        self.connect_with(&conn).await.map(|connected| connected.tls().cloned())
    }

    /// As [`connect`](Self::connect), with a connection of the test's own.
    pub(crate) async fn connect_with(
        &self,
        conn: &Arc<adit_chain::Conn>,
    ) -> Result<Connected, Refusal> {
        let mut connected = Connected::default();
        self.chain.connect(conn, &mut connected).await.map(|()| connected)
    }

    /// Shows it a request.
    pub(crate) async fn request(&self, request: Request<Body>) -> Passed {
        let conn = Arc::new(conformance::conn().moved(Arc::clone(&self.endpoint)));
        self.exchange(Exchange::new(conn, request)).await
    }

    /// Shows it an exchange of the test's own.
    pub(crate) async fn exchange(&self, mut exchange: Exchange) -> Passed {
        exchange.trace = Trace::recording();
        let mut unwind = Unwind::default();
        let outcome = self.chain.request(&mut exchange, &mut unwind).await;
        Passed { exchange, outcome, unwind, seen: self.seen.clone() }
    }

    /// Shows it a request and then this response of the upstream.
    pub(crate) async fn round(
        &self,
        request: Request<Body>,
        response: Response<Body>,
    ) -> Response<Body> {
        self.request(request).await.answered(response).await
    }

    /// The result of the last run of a type of action, as JSON; `null` if it did not run.
    pub(crate) fn result(&self, namespace: &str) -> Json {
        self.seen.result(namespace)
    }

    /// The variables that the last run of a phase left.
    pub(crate) fn vars(&self, phase: Phase) -> Json {
        let left = self.seen.0.lock();
        let vars = left.vars.iter().filter(|(of, ..)| *of == phase);
        vars.map(|(_, name, value)| (name.clone(), value::to_json(value))).collect()
    }

    /// What was logged.
    pub(crate) fn logs(&self) -> Vec<Json> {
        self.seen.0.lock().logs.clone()
    }
}

/// Where a policy left an exchange on its way in.
pub(crate) struct Passed {
    pub(crate) exchange: Exchange,
    outcome: Outcome,
    unwind: Unwind,
    seen: Seen,
}

impl Passed {
    /// The request that goes to the upstream.
    pub(crate) fn sent(&self) -> &Request<Body> {
        assert!(self.is_forwarded(), "{}", self.notes());
        &self.exchange.request
    }

    /// The lines of a header that go to the upstream.
    pub(crate) fn sent_lines(&self, name: &str) -> Vec<&str> {
        lines(self.sent().headers(), name)
    }

    /// Whether the upstream is asked.
    pub(crate) fn is_forwarded(&self) -> bool {
        matches!(self.outcome, Outcome::Forward)
    }

    /// Whether anything waits for the response.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.unwind.is_empty()
    }

    /// The response that was given without the upstream.
    pub(crate) fn response(self) -> Response<Body> {
        match self.outcome {
            Outcome::Respond(response) => response,
            _ => panic!("no response: {}", self.notes()),
        }
    }

    /// The refusal that it ended in.
    pub(crate) fn refusal(self) -> Refusal {
        match self.outcome {
            Outcome::Abort(refusal) => refusal,
            _ => panic!("not turned away: {}", self.notes()),
        }
    }

    /// The status and code that it was refused with.
    pub(crate) fn refused(self) -> (u16, Option<u32>) {
        let refusal = self.refusal();
        (refusal.status.as_u16(), refusal.code.map(|code| code.0))
    }

    /// Takes the upstream's response back.
    pub(crate) async fn answered(self, response: Response<Body>) -> Response<Body> {
        self.answered_or_refused(response).await.unwrap()
    }

    /// As [`answered`](Self::answered), where it may be refused on the way back.
    pub(crate) async fn answered_or_refused(
        mut self,
        response: Response<Body>,
    ) -> Result<Response<Body>, Refusal> {
        assert!(self.is_forwarded(), "{}", self.notes());
        let id = self.exchange.id;
        self.unwind.run_traced(id, response, &mut self.exchange.trace).await
    }

    /// Takes the upstream's response back, and stays to be looked at.
    pub(crate) async fn unwind_traced(&mut self, response: Response<Body>) -> Response<Body> {
        let id = self.exchange.id;
        self.unwind.run_traced(id, response, &mut self.exchange.trace).await.unwrap()
    }

    /// The result of the last run of a type of action, as JSON; `null` if it did not run.
    pub(crate) fn result(&self, namespace: &str) -> Json {
        self.seen.result(namespace)
    }

    /// What whoever watches reads of it.
    pub(crate) fn notes(&self) -> String {
        let notes = self.exchange.trace.entries().iter().map(|entry| entry.note.as_str());
        notes.collect::<Vec<_>>().join("\n")
    }
}
