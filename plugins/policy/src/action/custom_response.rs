//! `custom-response`: answers in the upstream's place, or replaces its answer.

mod sniff;

use adit_builtin::framing::is_framing;
use adit_chain::{Body, BoxFuture};
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderName},
};

use super::{Action, BuildCx, Done, Failure, Kind};
use crate::{
    expr::Template,
    fields::{Fields, HeaderTemplates},
    phase::Phase,
    problem::code,
    scope::Scope,
};

pub(super) const KIND: Kind = Kind {
    name: "custom-response",
    namespace: "custom_response",
    phases: &[Phase::HttpRequest, Phase::HttpResponse],
    is_terminating: true,
    build,
};

/// How many headers it may set.
///
/// Fact: the language's documented limit.
const MAX_HEADERS: usize = 10;

/// The status has no body, and there is one.
const NO_BODY_ALLOWED: u32 = 3604;

fn build(fields: &mut Fields<'_>, _: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let status = fields.status("status_code").unwrap_or(StatusCode::OK);
    let body_field = fields.either("body", "content");
    let body = fields.template(body_field);
    let headers = fields.headers("headers", MAX_HEADERS).unwrap_or_else(HeaderTemplates::none);
    let ignored: Vec<HeaderName> =
        headers.names().filter(|name| is_framing(name)).cloned().collect();
    for name in ignored {
        let message = format!("does nothing: {name} follows from the body and the connection");
        fields.warn("headers", code::NOT_FOR_USERS, message);
    }
    let literal = body.as_ref().and_then(Template::literal);
    if has_no_body(status) && literal.is_some_and(|text| !text.is_empty()) {
        let message = format!("every request will fail: {status} has no body");
        fields.warn(body_field, NO_BODY_ALLOWED, message);
    }
    Some(Box::new(CustomResponse { status, body, headers }))
}

/// Fact: RFC 9110, sections 15.3.5 and 15.4.5.
fn has_no_body(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

#[derive(Debug)]
struct CustomResponse {
    status: StatusCode,
    body: Option<Template>,
    headers: HeaderTemplates,
}

impl CustomResponse {
    fn response(&self, scope: &Scope) -> Result<Response<Body>, Failure> {
        let body = self.body.as_ref().map(|body| body.text(scope)).transpose()?.unwrap_or_default();
        if has_no_body(self.status) && !body.is_empty() {
            return Err(Failure::new(NO_BODY_ALLOWED, format!("{} has no body", self.status)));
        }
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = self.status;
        for (name, value) in self.headers.values(scope)? {
            if !is_framing(&name) {
                response.headers_mut().insert(name, value);
            }
        }
        if !body.is_empty() && !response.headers().contains_key(CONTENT_TYPE) {
            let sniffed = HeaderValue::from_static(sniff::media_type(&body));
            response.headers_mut().insert(CONTENT_TYPE, sniffed);
        }
        *response.body_mut() = body.into();
        Ok(response)
    }
}

impl Action for CustomResponse {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        Box::pin(std::future::ready(self.response(scope).map(Done::Respond)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{
        get, lines, policy, refused, request_action, response, response_action, text,
    };

    #[tokio::test]
    async fn a_request_is_answered_without_the_upstream() {
        let config = json!({
            "status_code": 428,
            "body": "need ${req.method}",
            "headers": {"X-Need": "${req.url.path}"},
        });
        let answer = request_action("custom-response", config).request(get("/a")).await.response();
        assert_eq!(answer.status(), 428);
        assert_eq!(lines(answer.headers(), "x-need"), ["/a"]);
        assert_eq!(lines(answer.headers(), "content-type"), ["text/plain; charset=utf-8"]);
        assert_eq!(text(answer.into_body()).await, "need GET");
    }

    #[tokio::test]
    async fn without_fields_it_is_an_empty_200() {
        let answer = request_action("custom-response", json!({})).request(get("/")).await;
        let answer = answer.response();
        assert_eq!(answer.status(), 200);
        assert!(answer.headers().is_empty());
    }

    #[tokio::test]
    async fn the_rules_of_the_response_run_on_it() {
        let add =
            json!({"type": "add-headers", "config": {"headers": {"x-a": "${res.status_code}"}}});
        let rig = policy(json!({
            "on_http_request": [
                {"actions": [{"type": "custom-response", "config": {"content": "hi"}}]},
            ],
            "on_http_response": [{"actions": [add]}],
        }));
        let answer = rig.request(get("/")).await.response();
        assert_eq!(lines(answer.headers(), "x-a"), ["200"]);
        assert_eq!(text(answer.into_body()).await, "hi");
    }

    #[tokio::test]
    async fn it_replaces_the_answer_of_the_upstream_and_ends_the_phase() {
        let add = json!({"type": "add-headers", "config": {"headers": {"x-a": "1"}}});
        let own =
            json!({"type": "custom-response", "config": {"status_code": 503, "body": "later"}});
        let rig = policy(json!({"on_http_response": [{"actions": [own]}, {"actions": [add]}]}));
        let answer = rig.round(get("/"), response(500, &[("server", "x")], "oops")).await;
        assert_eq!(answer.status(), 503);
        assert_eq!(lines(answer.headers(), "server"), [""; 0]);
        assert_eq!(lines(answer.headers(), "x-a"), [""; 0]);
        assert_eq!(text(answer.into_body()).await, "later");
    }

    #[tokio::test]
    async fn a_body_where_none_may_be_fails() {
        let config = json!({"status_code": 204, "body": "${req.method}"});
        let rig = request_action("custom-response", config.clone());
        assert_eq!(rig.request(get("/")).await.refused(), (500, Some(3604)));
        let rig = response_action("custom-response", config);
        let passed = rig.request(get("/")).await;
        let refusal = passed.answered_or_refused(response(200, &[], "")).await.unwrap_err();
        assert_eq!(refusal.code.unwrap().0, 3604);
        let literal = json!({"status_code": 304, "body": "x"});
        assert_eq!(refused("custom-response", literal), ["warning body: 3604"]);
    }

    #[tokio::test]
    async fn headers_that_frame_the_message_are_left_out_with_a_warning() {
        let config = json!({"body": "hi", "headers": {"Content-Length": "1", "x-a": "1"}});
        assert_eq!(refused("custom-response", config.clone()), ["warning headers: 2219"]);
        let answer = request_action("custom-response", config).request(get("/")).await.response();
        assert_eq!(lines(answer.headers(), "content-length"), [""; 0]);
        assert_eq!(lines(answer.headers(), "x-a"), ["1"]);
    }

    #[tokio::test]
    async fn a_value_that_visitors_spoilt_breaks_no_header() {
        let config = json!({"headers": {"x-a": "${req.url.query_params['q'][0]}"}});
        let rig = request_action("custom-response", config);
        assert_eq!(rig.request(get("/?q=a%0d%0ab:c")).await.refused(), (500, Some(2300)));
    }

    #[test]
    fn mistakes_are_told_together_with_their_codes() {
        let config = json!({
            "status_code": 700,
            "body": "${req.nope}",
            "content": "x",
            "headers": {"a b": "1", "x-c": "${"},
        });
        let mut problems = refused("custom-response", config);
        problems.sort();
        let expected = [
            "body: 2224",
            "content: 2204",
            "headers.a b: 2210",
            "headers.x-c: 2224",
            "status_code: 2215",
        ];
        assert_eq!(problems, expected);
        let many: serde_json::Map<_, _> = (0..11).map(|i| (format!("x-{i}"), json!("v"))).collect();
        assert_eq!(refused("custom-response", json!({"headers": many})), ["headers: 2212"]);
    }
}
