//! Internal endpoints for tests.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::VecDeque, sync::Arc};

use adit_chain::{
    Body, BoxFuture, Conn, Errand, ErrorCode, Exchange, Inside, InsideUrl, Nearby, Refusal,
    conformance,
};
use http::{HeaderMap, Request, Response, StatusCode};
use parking_lot::Mutex;

use crate::testing::{Passed, Rig, text};

/// Internal endpoints, which answer in turn; without an answer, there is no endpoint.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    answers: Mutex<VecDeque<Response<Body>>>,
    sent: Mutex<Vec<Sent>>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) to: String,
    pub(super) line: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    pub(super) errand: Errand,
}

impl Endpoints {
    pub(super) fn answering(answers: impl IntoIterator<Item = Response<Body>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    /// What arrived.
    pub(super) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().clone()
    }
}

impl Inside for Endpoints {
    fn send<'a>(
        &'a self,
        to: &'a InsideUrl,
        request: Request<Body>,
        errand: Errand,
    ) -> BoxFuture<'a, Result<Response<Body>, Refusal>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let line = format!("{} {}", head.method, head.uri);
            let (to_text, body) = (to.to_string(), text(body).await);
            let sent = Sent { to: to_text, line, headers: head.headers, body, errand };
            self.sent.lock().push(sent);
            self.answers.lock().pop_front().ok_or_else(|| offline(to))
        })
    }
}

impl Nearby for Endpoints {
    fn find(&self, to: &InsideUrl) -> Result<(), Refusal> {
        if to.host() == "db.internal" { Ok(()) } else { Err(offline(to)) }
    }
}

fn offline(to: &InsideUrl) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, format!("The endpoint {to} is offline."))
        .with_code(ErrorCode(3200))
}

/// Shows a policy a request from which these endpoints can be reached.
pub(super) async fn send(rig: &Rig, inside: &Arc<Endpoints>, request: Request<Body>) -> Passed {
    let mut exchange = Exchange::new(conformance::conn(), request);
    exchange.inside = Some(Arc::<Endpoints>::clone(inside));
    rig.exchange(exchange).await
}

/// A connection from which these endpoints can be reached.
pub(super) fn conn(inside: &Arc<Endpoints>) -> Arc<Conn> {
    let conn = conformance::conn();
    conn.nearby.set(Arc::<Endpoints>::clone(inside)).unwrap();
    conn
}
