//! `deny`: turns the visitor away, with a bare status or, on connections, with nothing at all.

use adit_chain::{Body, BoxFuture};
use http::{Response, StatusCode};

use super::{Action, BuildCx, Done, Failure, Kind};
use crate::{fields::Fields, phase::Phase, scope::Scope};

pub(super) const KIND: Kind = Kind {
    name: "deny",
    namespace: "deny",
    phases: &[Phase::TcpConnect, Phase::HttpRequest],
    is_terminating: true,
    build,
};

fn build(fields: &mut Fields<'_>, cx: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    if cx.phase == Phase::TcpConnect {
        return Some(Box::new(Deny { status: None }));
    }
    let status = fields.status("status_code").unwrap_or(StatusCode::FORBIDDEN);
    Some(Box::new(Deny { status: Some(status) }))
}

#[derive(Debug)]
struct Deny {
    /// None where there is nobody to tell.
    status: Option<StatusCode>,
}

impl Action for Deny {
    fn run<'a>(&'a self, _: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        let done = self.status.map_or(Done::Close, |status| {
            let mut response = Response::new(Body::Empty);
            *response.status_mut() = status;
            Done::Answer(response)
        });
        Box::pin(std::future::ready(Ok(done)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{get, policy, refused, request_action};

    #[tokio::test]
    async fn a_request_is_answered_with_a_bare_status() {
        for (config, status) in [(json!({}), 403), (json!({"status_code": 451}), 451)] {
            let response = request_action("deny", config).request(get("/")).await.response();
            assert_eq!(response.status(), status);
            assert!(response.headers().is_empty());
            assert!(matches!(response.body(), Body::Empty));
        }
    }

    #[tokio::test]
    async fn no_rule_of_the_response_runs_on_it() {
        let add = json!({"type": "add-headers", "config": {"headers": {"x-a": "1"}}});
        let rig = policy(json!({
            "on_http_request": [{"actions": [{"type": "deny"}]}],
            "on_http_response": [{"actions": [add]}],
        }));
        assert!(rig.request(get("/")).await.response().headers().is_empty());
    }

    #[tokio::test]
    async fn a_connection_is_closed_without_an_answer() {
        let rig = policy(json!({"on_tcp_connect": [{"actions": [{"type": "deny"}]}]}));
        assert!(rig.connect().await.unwrap_err().close);
    }

    #[test]
    fn a_status_that_is_none_is_refused() {
        assert_eq!(refused("deny", json!({"status_code": 99})), ["status_code: 2215"]);
        assert_eq!(refused("deny", json!({"status_code": "no"})), ["status_code: 2203"]);
    }
}
