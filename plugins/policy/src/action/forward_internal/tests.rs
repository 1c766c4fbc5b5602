#![allow(clippy::unwrap_used, reason = "tests")]

use adit_chain::{BodyLimits, Exchange, Protocol, conformance};
use serde_json::json;
use std::time::Duration;

use super::*;
use crate::{
    action::inside_rig::{Endpoints, conn, send},
    testing::{Site, get, lines, policy, refused, refused_in, request, request_action, response},
};

#[tokio::test]
async fn another_endpoint_answers_and_the_rules_for_responses_run() {
    let rig = policy(json!({
        "on_http_request": [
            {"actions": [
                {"type": "set-vars", "config": {"vars": [{"to": "${req.headers['x-to'][0]}"}]}},
                {"type": "forward-internal", "config": {"url": "https://${vars.to}.internal"}},
            ]},
            {"actions": [{"type": "deny"}]},
        ],
        "on_http_response": [
            {"actions": [{"type": "add-headers", "config": {"headers": {"x-outer": "1"}}}]},
        ],
    }));
    let inside = Endpoints::answering([response(500, &[("x-inner", "1")], "inner")]);
    let asked = request("POST", "/a?b", &[("x-to", "api")], "body");
    let response = send(&rig, &inside, asked).await.response();
    assert_eq!(response.status(), 500);
    assert_eq!(
        (lines(response.headers(), "x-inner"), lines(response.headers(), "x-outer")),
        (vec!["1"], vec!["1"])
    );
    let sent = inside.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!((&*sent[0].to, &*sent[0].line), ("https://api.internal", "POST /a?b"));
    assert_eq!((&*sent[0].body, sent[0].errand), ("body", Errand::Forward));
    assert_eq!(lines(&sent[0].headers, "host"), ["app.example"]);
    assert_eq!(rig.result("forward_internal"), json!(null));
}

#[tokio::test]
async fn without_such_an_endpoint_the_visitor_learns_the_code() {
    for url in ["https://no.internal", "https://${'no'}.internal", "https://${'a.example'}"] {
        let rig = request_action("forward-internal", json!({"url": url}));
        let refused = send(&rig, &Endpoints::answering([]), get("/")).await.refused();
        assert_eq!(refused, (404, Some(3200)), "{url}");
    }
    let rig = request_action("forward-internal", json!({"url": "https://a.internal"}));
    assert_eq!(rig.request(get("/")).await.refused(), (404, Some(3200)));
    let rig = request_action("forward-internal", json!({"url": "https://${[1][7]}.internal"}));
    let refused = send(&rig, &Endpoints::answering([]), get("/")).await.refused();
    assert_eq!(refused, (500, Some(2238)));
}

#[tokio::test]
async fn the_next_action_has_the_body_after_a_failure() {
    let forward = |url: &str| json!({"type": "forward-internal", "config": {"url": url, "on_error": "continue"}});
    let rig = policy(json!({"on_http_request": [{"actions": [
        forward("https://no.internal"),
        forward("https://${[1][7]}.internal"),
        forward("http://not.internal:81"),
    ]}]}));
    let inside = Endpoints::answering([]);
    let passed = send(&rig, &inside, request("POST", "/", &[], "all of it")).await;
    assert!(passed.is_forwarded());
    let bodies: Vec<_> = inside.sent().into_iter().map(|sent| sent.body).collect();
    assert_eq!(bodies, ["all of it", "all of it"]);
    let result = json!({
        "url": "http://not.internal:81",
        "error": {
            "code": "ERR_NGROK_3200",
            "message": "The endpoint http://not.internal:81 is offline.",
        },
    });
    assert_eq!(rig.result("forward_internal"), result);
    let body = passed.exchange.request.into_body();
    assert_eq!(crate::testing::text(body).await, "all of it");
}

#[tokio::test]
async fn a_body_that_is_too_long_to_be_kept_is_refused() {
    let config = json!({"url": "https://a.internal", "on_error": "continue"});
    let rig = request_action("forward-internal", config);
    let asked = request("POST", "/", &[], "four5");
    let mut exchange = Exchange::new(conformance::conn(), asked);
    exchange.inside = Some(Endpoints::answering([]));
    exchange.body_limits = BodyLimits { max_len: 4, timeout: Duration::from_secs(1) };
    assert_eq!(rig.exchange(exchange).await.refused(), (413, Some(2300)));
}

#[tokio::test]
async fn a_connection_is_led_to_an_endpoint_that_takes_bytes() {
    let site = Site::at(Protocol::Tcp, "tcp://app.example:1");
    let forward = |url: &str, on_error: &str| json!({"type": "forward-internal", "config": {"url": url, "on_error": on_error}});
    let inside = Endpoints::answering([]);
    let connect = async |actions| {
        let rig = site.policy(&json!({"on_tcp_connect": [{"actions": actions}]}));
        let connected = rig.connect_with(&conn(&inside)).await;
        (connected.map(|mut connected| connected.take_divert()), rig)
    };
    let divert = |url| Some(InsideUrl::parse(url).unwrap());
    let (to, _) = connect(json!([
        forward("tcp://no.internal:1", "continue"),
        forward("tcp://${'db'}.internal:5432", "halt"),
    ]))
    .await;
    assert_eq!(to.unwrap(), divert("tcp://db.internal:5432"));
    let (to, rig) = connect(json!([forward("tcp://no.internal:1", "continue")])).await;
    assert_eq!(to.unwrap(), None);
    assert_eq!(rig.result("forward_internal")["error"]["code"], "ERR_NGROK_3200");
    let (to, _) = connect(json!([forward("tcp://no.internal:1", "halt")])).await;
    assert_eq!(to.unwrap_err().code.unwrap().0, 3200);
    let rig = site.policy(&json!({"on_tcp_connect": [{"actions": [
        forward("tcp://db.internal:1", "halt"),
    ]}]}));
    assert_eq!(rig.connect().await.unwrap_err().code.unwrap().0, 3200);
}

#[test]
fn what_cannot_be_an_endpoint_is_refused_while_loading() {
    let refused = |url: &str| refused("forward-internal", json!({"url": url}));
    for url in ["https://a.example", "a.internal", "https://a.internal/x", "tcp://a.internal:1"] {
        assert_eq!(refused(url), ["url: 2226"], "{url}");
    }
    assert_eq!(refused("https://${req.host"), ["url: 2224"]);
    assert!(refused("https://a.internal:8443").is_empty());
    assert!(refused("https://${req.host}/x").is_empty());
    assert_eq!(refused_config(json!({})), ["url: 2223"]);
    assert_eq!(
        refused_config(json!({"url": "https://a.internal", "on_error": "stop"})),
        ["on_error: 2222"]
    );
    let config = json!({"url": "https://a.internal"});
    let tcp = refused_in(Phase::TcpConnect, "forward-internal", config);
    assert_eq!(tcp, ["url: 2226"]);
}

fn refused_config(config: serde_json::Value) -> Vec<String> {
    refused("forward-internal", config)
}
