//! `add-headers`: more headers for the upstream or the visitor.
//!
//! A header that is there keeps its lines and gains another. There is one exception: a request has
//! one `host`, so adding it replaces it, and `Location` headers that point at the new host are
//! mapped back to what the visitor asked for.

use adit_builtin::framing::is_framing;
use adit_builtin::host::HostRewrite;
use adit_chain::{BoxFuture, Endpoint, Needs};
use http::header::{HOST, HeaderName, HeaderValue, USER_AGENT};

use super::{Action, BuildCx, Done, Failure, Kind};
use crate::{
    fields::{Fields, HeaderTemplates},
    phase::Phase,
    problem::code,
    scope::Scope,
    value,
};

pub(super) const KIND: Kind = Kind {
    name: "add-headers",
    namespace: NAMESPACE,
    phases: &[Phase::HttpRequest, Phase::HttpResponse],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "add_headers";

/// How many headers it may add.
///
/// Fact: the language's documented limit.
const MAX_HEADERS: usize = 10;

fn build(fields: &mut Fields<'_>, cx: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    fields.template_code = code::HEADER_TEMPLATE;
    let headers = fields.required("headers", |fields, name| fields.headers(name, MAX_HEADERS))?;
    if headers.is_empty() {
        fields.error("headers", code::MISSING, "there is no header to add");
        return None;
    }
    let is_request = cx.phase == Phase::HttpRequest;
    for (name, template) in headers.iter() {
        if let Some(message) = refusal(name) {
            fields.error_in(&["headers", name.as_str()], code::NOT_FOR_USERS, message);
        } else if is_request
            && name == HOST
            && let Some(literal) = template.literal()
            && let Err(error) = HostRewrite::new(literal, &cx.chain.endpoint)
        {
            fields.error_in(&["headers", "host"], code::HEADER_VALUE, error.message);
        }
    }
    Some(Box::new(AddHeaders { headers }))
}

/// Why a header cannot be added.
fn refusal(name: &HeaderName) -> Option<String> {
    if name == USER_AGENT {
        return Some("user-agent says who the visitor is and cannot be changed".into());
    }
    is_framing(name).then(|| format!("{name} belongs to one connection and cannot be changed"))
}

#[derive(Debug)]
struct AddHeaders {
    headers: HeaderTemplates,
}

impl AddHeaders {
    fn add(&self, scope: &mut Scope) -> Result<Done, Failure> {
        let values = self.headers.values(scope)?;
        let as_text = |value: &HeaderValue| value::text(&String::from_utf8_lossy(value.as_bytes()));
        let added: Vec<_> =
            values.iter().map(|(name, value)| (name.as_str().to_owned(), as_text(value))).collect();
        for (name, value) in values {
            if name == HOST && scope.phase == Phase::HttpRequest {
                replace_host(&value, scope)?;
                continue;
            }
            let added = scope.headers_mut().map(|headers| headers.try_append(name, value));
            if let Some(Err(_)) = added {
                return Err(Failure::new(Failure::GENERAL, "the message has too many headers"));
            }
        }
        scope.set_result(NAMESPACE, value::map([("headers_added", value::map(added))]));
        Ok(Done::Next)
    }
}

/// Names another host in the request, and remembers the way back.
fn replace_host(value: &HeaderValue, scope: &mut Scope) -> Result<(), Failure> {
    let endpoint: &Endpoint = &scope.conn.endpoint;
    let rewrite =
        value.to_str().ok().and_then(|host| HostRewrite::new(host, endpoint).ok()).ok_or_else(
            || Failure::new(Failure::GENERAL, "the value of host came out as no host"),
        )?;
    let earlier = scope.back.take();
    if let Some(asked) = &mut scope.request {
        let back = rewrite.apply_to(&mut asked.head.uri, &mut asked.head.headers);
        scope.back = Some(match earlier {
            Some(earlier) => back.instead_of(earlier),
            None => back,
        });
    }
    Ok(())
}

impl Action for AddHeaders {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        Box::pin(std::future::ready(self.add(scope)))
    }

    fn needs(&self) -> Needs {
        let has_host = self.headers.names().any(|name| name == HOST);
        if has_host { Needs::RESPONSE_HEAD } else { Needs::empty() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{
        get, lines, policy, refused, request, request_action, response, response_action,
    };

    #[tokio::test]
    async fn a_header_that_is_there_gains_a_line() {
        let rig =
            request_action("add-headers", json!({"headers": {"X-A": "${req.method}", "x-b": 1}}));
        let passed = rig.request(request("GET", "/", &[("x-a", "1")], "")).await;
        assert_eq!(passed.sent_lines("x-a"), ["1", "GET"]);
        assert_eq!(passed.sent_lines("x-b"), ["1"]);
        let result = json!({"headers_added": {"x-a": "GET", "x-b": "1"}});
        assert_eq!(passed.result(NAMESPACE), result);
        assert!(!passed.is_awaited());
    }

    #[tokio::test]
    async fn values_are_interpolated_once() {
        let rig =
            request_action("add-headers", json!({"headers": {"x-a": "${req.headers['x-b'][0]}"}}));
        let passed = rig.request(request("GET", "/", &[("x-b", "${req.method}")], "")).await;
        assert_eq!(passed.sent_lines("x-a"), ["${req.method}"]);
    }

    #[tokio::test]
    async fn each_rule_sees_what_was_added_before() {
        let add = |headers| json!({"type": "add-headers", "config": {"headers": headers}});
        let rig = policy(json!({"on_http_request": [
            {"actions": [add(json!({"x-a": "1"}))]},
            {"expressions": ["req.headers['x-a'][0] == '1'"], "actions": [add(json!({"x-b": "2"}))]},
        ]}));
        assert_eq!(rig.request(get("/")).await.sent_lines("x-b"), ["2"]);
    }

    #[tokio::test]
    async fn host_is_replaced_and_locations_lead_back() {
        let add = |host| json!({"type": "add-headers", "config": {"headers": {"Host": host}}});
        let actions = json!([add("first.example"), add("intra.example")]);
        let rig = policy(json!({"on_http_request": [{"actions": actions}]}));
        let passed = rig.request(get("/")).await;
        assert_eq!(passed.sent_lines("host"), ["intra.example"]);
        let location = response(302, &[("location", "http://intra.example/a")], "");
        let answer = passed.answered(location).await;
        assert_eq!(lines(answer.headers(), "location"), ["https://app.example/a"]);
    }

    #[tokio::test]
    async fn responses_gain_headers() {
        let rig = response_action("add-headers", json!({"headers": {"x-a": "${res.status_code}"}}));
        let answer = rig.round(get("/"), response(201, &[], "")).await;
        assert_eq!(lines(answer.headers(), "x-a"), ["201"]);
        assert_eq!(rig.result(NAMESPACE), json!({"headers_added": {"x-a": "201"}}));
    }

    #[tokio::test]
    async fn an_expression_that_fails_fails_the_request() {
        let rig = request_action(
            "add-headers",
            json!({"headers": {"x-a": "${req.cookies['a'][0].value}"}}),
        );
        assert_eq!(rig.request(get("/")).await.refused(), (500, Some(2238)));
    }

    #[test]
    fn headers_that_are_not_for_users_are_refused() {
        let code = |headers| refused("add-headers", json!({"headers": headers}));
        assert_eq!(code(json!({"User-Agent": "x"})), ["headers.user-agent: 2219"]);
        assert_eq!(code(json!({"Content-Length": "1"})), ["headers.content-length: 2219"]);
        assert_eq!(code(json!({"transfer-encoding": "x"})), ["headers.transfer-encoding: 2219"]);
        assert_eq!(code(json!({"host": "a b"})), ["headers.host: 2211"]);
    }

    #[test]
    fn mistakes_have_their_codes() {
        let code = |headers| refused("add-headers", json!({"headers": headers}));
        assert_eq!(refused("add-headers", json!({})), ["headers: 2223"]);
        assert_eq!(code(json!({})), ["headers: 2223"]);
        assert_eq!(code(json!(["x-a"])), ["headers: 2203"]);
        assert_eq!(code(json!({"x-a": "${req.nope}"})), ["headers.x-a: 2213"]);
        assert_eq!(code(json!({"x-a": "a\nb"})), ["headers.x-a: 2211"]);
        assert_eq!(code(json!({"x-a": "v".repeat(8193)})), ["headers.x-a: 2209"]);
        let long = "n".repeat(129);
        assert_eq!(code(json!({long.clone(): "v"})), [format!("headers.{long}: 2208")]);
        let many: serde_json::Map<_, _> = (0..11).map(|i| (format!("x-{i}"), json!("v"))).collect();
        assert_eq!(code(json!(many)), ["headers: 2212"]);
    }

    #[test]
    fn values_are_not_shown() {
        let rig = request_action("add-headers", json!({"headers": {"authorization": "hush"}}));
        assert!(!format!("{:?}", rig.chain).contains("hush"));
    }
}
