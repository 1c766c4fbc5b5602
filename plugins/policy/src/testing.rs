//! What the tests of this crate share: a policy in the place where it runs.
//!
//! ```text
//! let rig = policy(json!({"on_http_request": [{"actions": [{"type": "deny"}]}]}));
//! let passed = rig.request(get("/")).await;
//! assert_eq!(passed.response().status(), 403);
//! ```

use std::sync::Arc;

use adit_chain::{
    Body, BoxError, BuildCx, Chain, Connected, Endpoint, Exchange, Link, OnError, Origin, Outcome,
    Protocol, Refusal, Side, TlsMode, Trace, Unwind, conformance,
};
use http::{Request, Response};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};

use crate::{
    document::Policy, handler::PolicyHandler, phase::Phase, problem::Problems, scope::Scope,
    services::Services, value,
};

/// What phases left behind, the last one winning.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Left>>);

#[derive(Default)]
struct Left {
    results: Vec<(&'static str, cel::Value)>,
    vars: Vec<(Phase, String, cel::Value)>,
    logs: Vec<Json>,
}

impl Seen {
    pub(crate) fn note(&self, scope: &Scope) {
        let mut left = self.0.lock();
        left.results.clone_from(&scope.results);
        left.logs.clone_from(&scope.logs);
        left.vars.retain(|(phase, ..)| *phase != scope.phase);
        left.vars.extend(scope.vars.iter().map(|(k, v)| (scope.phase, k.clone(), v.clone())));
    }

    fn result(&self, namespace: &str) -> Json {
        let left = self.0.lock();
        let result = left.results.iter().find(|(name, _)| *name == namespace);
        result.map_or(Json::Null, |(_, value)| value::to_json(value))
    }
}

/// An endpoint of a protocol with a public URL.
pub(crate) fn endpoint(protocol: Protocol, url: &str) -> Arc<Endpoint> {
    let conformed = conformance::endpoint();
    Arc::new(Endpoint { url: url.into(), protocol, ..(*conformed).clone() })
}

/// What builds a policy in tests; by default for `https://app.example`, at the agent.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) services: Services,
    pub(crate) cx: BuildCx,
}

impl Default for Site {
    fn default() -> Self {
        let cx = BuildCx {
            endpoint: conformance::endpoint(),
            side: Side::Agent,
            certificates: None,
            on_error: OnError::Deny,
        };
        Self { services: Services::default(), cx }
    }
}

impl Site {
    /// At another endpoint.
    pub(crate) fn at(protocol: Protocol, url: &str) -> Self {
        let mut site = Self::default();
        site.cx.endpoint = endpoint(protocol, url);
        site
    }

    /// With something to reach the world by.
    pub(crate) fn with(services: Services) -> Self {
        Self { services, ..Self::default() }
    }

    /// Whose failures let requests pass.
    pub(crate) fn passing(mut self) -> Self {
        self.cx.on_error = OnError::Pass;
        self
    }

    /// What is wrong with a document, as `place: ERR_NGROK_n`; warnings start with `warning `.
    pub(crate) fn problems(&self, document: &Json) -> Vec<String> {
        let mut problems = Problems::default();
        let policy = Policy::load(document, &self.cx, &self.services, &mut problems);
        assert_eq!(policy.is_none(), problems.has_errors());
        let line = |problem: &crate::problem::Problem| {
            let kind = if problem.is_warning { "warning " } else { "" };
            format!("{kind}{}: {}", problem.at.join("."), problem.code.0)
        };
        problems.all().iter().map(line).collect()
    }

    /// A policy that runs here.
    pub(crate) fn policy(&self, document: &Json) -> Rig {
        let mut problems = Problems::default();
        let policy = Policy::load(document, &self.cx, &self.services, &mut problems);
        let policy = Arc::new(policy.unwrap_or_else(|| panic!("{:#?}", problems.all())));
        let seen = policy.seen.clone();
        let handler = PolicyHandler::new(policy, self.cx.on_error);
        let link = Link::new("traffic-policy", handler).on_error(self.cx.on_error);
        Rig { chain: Arc::new(Chain::new(vec![link])), seen, endpoint: self.cx.endpoint.clone() }
    }
}

/// A policy that runs at `https://app.example`.
pub(crate) fn policy(document: Json) -> Rig {
    Site::default().policy(&document)
}

/// A policy with one rule that always matches, with this action, in the request's phase.
pub(crate) fn request_action(kind: &str, config: Json) -> Rig {
    policy(json!({"on_http_request": [{"actions": [{"type": kind, "config": config}]}]}))
}

/// A policy with one rule that always matches, with this action, in the response's phase.
pub(crate) fn response_action(kind: &str, config: Json) -> Rig {
    policy(json!({"on_http_response": [{"actions": [{"type": kind, "config": config}]}]}))
}

/// What is wrong with the config of an action in the request's phase, as `field: code`; a warning
/// starts with `warning `.
pub(crate) fn refused(kind: &str, config: Json) -> Vec<String> {
    refused_in(Phase::HttpRequest, kind, config)
}

/// As [`refused`], in another phase.
pub(crate) fn refused_in(phase: Phase, kind: &str, config: Json) -> Vec<String> {
    let action = json!({"type": kind, "config": config});
    let document = json!({phase.key(): [{"actions": [action]}]});
    let place = format!("{phase}.0.actions.0.");
    let lines = Site::default().problems(&document);
    lines.iter().map(|line| line.replacen(&place, "", 1).replacen("config.", "", 1)).collect()
}

/// A GET request to `app.example`.
pub(crate) fn get(target: &str) -> Request<Body> {
    request("GET", target, &[], "")
}

/// A request to `app.example`, unless `headers` name another host.
pub(crate) fn request(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(target);
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request = request.header("host", "app.example");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

/// A response of the upstream.
pub(crate) fn response(
    status: u16,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

/// A page of ours for an upstream that failed, as the relay renders it.
pub(crate) fn failed_upstream() -> Response<Body> {
    let mut page = response(502, &[("ngrok-error-code", "ERR_NGROK_8012")], "unreachable");
    Origin::Agent.mark(&mut page);
    page
}

/// All of a body, as text.
pub(crate) async fn text(body: Body) -> String {
    String::from_utf8(body.into_whole(usize::MAX).await.unwrap().into()).unwrap()
}

/// The lines of a header.
pub(crate) fn lines<'a>(headers: &'a http::HeaderMap, name: &str) -> Vec<&'a str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

/// A scope in which nothing has happened yet, for a request.
pub(crate) fn scope(request: Request<Body>) -> Scope {
    Scope::of_request(&mut conformance::exchange(request))
}

/// A policy where it runs.
#[derive(Clone)]
pub(crate) struct Rig {
    pub(crate) chain: Arc<Chain>,
    seen: Seen,
    endpoint: Arc<Endpoint>,
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

/// A body of these pieces, each a frame of its own.
pub(crate) fn pieces(pieces: &[&'static str]) -> Body {
    use http_body::Frame;
    let frames: Vec<_> =
        pieces.iter().map(|piece| Ok::<_, BoxError>(Frame::data((*piece).into()))).collect();
    Body::boxed(http_body_util::StreamBody::new(futures_util::stream::iter(frames)))
}
