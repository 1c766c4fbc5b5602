//! `remove-headers`: takes headers out of a request or a response, every line of each.

use adit_chain::BoxFuture;
use http::header::{HOST, HeaderName, USER_AGENT};

use super::{Action, BuildCx, Done, Failure, Kind};
use crate::{fields::Fields, phase::Phase, problem::code, scope::Scope, value};

pub(super) const KIND: Kind = Kind {
    name: "remove-headers",
    namespace: NAMESPACE,
    phases: &[Phase::HttpRequest, Phase::HttpResponse],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "remove_headers";

/// How many headers it may remove.
///
/// Fact: the language's documented limit.
const MAX_HEADERS: usize = 10;

fn build(fields: &mut Fields<'_>, _: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let names = fields.required("headers", |fields, name| {
        if fields.raw(name)?.as_array().is_some_and(|names| names.len() > MAX_HEADERS) {
            fields.error(name, code::N_HEADERS, format!("must have at most {MAX_HEADERS} headers"));
            return None;
        }
        fields.each(name, 1..=MAX_HEADERS, |fields, path, value| {
            let text = fields.scalar(path, value)?;
            let name = fields.header_name(path, &text)?;
            if name == USER_AGENT || name == HOST {
                let message = format!("{name} cannot be removed");
                fields.error_in(path, code::NOT_FOR_USERS, message);
                return None;
            }
            Some(name)
        })
    })?;
    Some(Box::new(RemoveHeaders { names }))
}

#[derive(Debug)]
struct RemoveHeaders {
    names: Vec<HeaderName>,
}

impl Action for RemoveHeaders {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        let mut removed = Vec::new();
        if let Some(headers) = scope.headers_mut() {
            for name in &self.names {
                if headers.remove(name).is_some() {
                    removed.push(value::text(name.as_str()));
                }
            }
        }
        scope.set_result(NAMESPACE, value::map([("headers_removed", value::list(removed))]));
        Box::pin(std::future::ready(Ok(Done::Next)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{get, lines, refused, request, request_action, response, response_action};

    #[tokio::test]
    async fn every_line_of_a_name_goes_whatever_its_spelling() {
        let config = json!({"headers": ["X-A", "x-forwarded-for", "x-absent"]});
        let rig = request_action("remove-headers", config);
        let headers = [("x-a", "1"), ("x-a", "2"), ("x-forwarded-for", "192.0.2.7"), ("x-b", "1")];
        let passed = rig.request(request("GET", "/", &headers, "")).await;
        assert_eq!(passed.sent_lines("x-a"), [""; 0]);
        assert_eq!(passed.sent_lines("x-forwarded-for"), [""; 0]);
        assert_eq!(passed.sent_lines("x-b"), ["1"]);
        let result = json!({"headers_removed": ["x-a", "x-forwarded-for"]});
        assert_eq!(passed.result(NAMESPACE), result);
    }

    #[tokio::test]
    async fn responses_lose_headers() {
        let rig = response_action("remove-headers", json!({"headers": ["server"]}));
        let answer = rig.round(get("/"), response(200, &[("server", "x")], "")).await;
        assert_eq!(lines(answer.headers(), "server"), [""; 0]);
    }

    #[test]
    fn mistakes_have_their_codes() {
        let code = |headers| refused("remove-headers", json!({"headers": headers}));
        assert_eq!(refused("remove-headers", json!({})), ["headers: 2223"]);
        assert_eq!(code(json!([])), ["headers: 2223"]);
        assert_eq!(code(json!(["a", "User-Agent"])), ["headers.1: 2219"]);
        assert_eq!(code(json!(["Host"])), ["headers.0: 2219"]);
        assert_eq!(code(json!(["a b"])), ["headers.0: 2210"]);
        assert_eq!(code(json!([{}])), ["headers.0: 2203"]);
        assert_eq!(code(json!(vec!["a"; 11])), ["headers: 2212"]);
    }
}
