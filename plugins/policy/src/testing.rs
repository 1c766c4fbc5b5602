//! What the tests of this crate share: a policy in the place where it runs.
//!
//! ```text
//! let rig = policy(json!({"on_http_request": [{"actions": [{"type": "deny"}]}]}));
//! let passed = rig.request(get("/")).await;
//! assert_eq!(passed.response().status(), 403);
//! ```

mod rig;

use std::sync::Arc;

use adit_chain::{
    Body, BoxError, BuildCx, Chain, Endpoint, Link, OnError, Origin, Protocol, Side, conformance,
};
use http::{Request, Response};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};

pub(crate) use self::rig::{Passed, Rig};
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

/// A body of these pieces, each a frame of its own.
pub(crate) fn pieces(pieces: &[&'static str]) -> Body {
    use http_body::Frame;
    let frames: Vec<_> =
        pieces.iter().map(|piece| Ok::<_, BoxError>(Frame::data((*piece).into()))).collect();
    Body::boxed(http_body_util::StreamBody::new(futures_util::stream::iter(frames)))
}
