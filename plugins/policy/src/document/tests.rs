use adit_chain::Protocol;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::{Site, get, policy, response};

const NONE: [&str; 0] = [];

fn problems(document: Json) -> Vec<String> {
    Site::default().problems(&document)
}

fn deny() -> Json {
    json!([{"actions": [{"type": "deny"}]}])
}

fn tagged(name: &str) -> Json {
    json!([{"actions": [{"type": "add-headers", "config": {"headers": {name: "1"}}}]}])
}

#[test]
fn phases_may_be_missing_null_or_empty() {
    for document in [
        json!(null),
        json!({}),
        json!({"on_tcp_connect": null, "on_http_request": [], "on_http_response": null}),
        json!({"inbound": [], "outbound": null, "enabled": true}),
    ] {
        assert_eq!(problems(document.clone()), NONE, "{document}");
        let mut found = Problems::default();
        let site = Site::default();
        let policy = Policy::load(&document, &site.cx, &site.services, &mut found).unwrap();
        assert!(policy.needs().is_empty());
    }
}

#[test]
fn a_document_is_an_object_of_lists_of_objects() {
    assert_eq!(problems(json!([])), [": 2236"]);
    assert_eq!(problems(json!("text")), [": 2236"]);
    assert_eq!(problems(json!({"on_http_request": {}})), ["on_http_request: 2236"]);
    assert_eq!(problems(json!({"on_http_request": "x"})), ["on_http_request: 2236"]);
    assert_eq!(problems(json!({"on_http_request": ["x"]})), ["on_http_request.0: 2236"]);
    assert_eq!(problems(json!({"enabled": "no"})), ["enabled: 2236"]);
}

#[test]
fn unknown_keys_are_refused_at_the_top() {
    let document = json!({"on_http_requests": [], "rules": []});
    assert_eq!(problems(document), ["on_http_requests: 2230", "rules: 2236"]);
}

#[test]
fn unknown_keys_are_odd_below_the_top() {
    let document = json!({"on_http_request": [{
        "enabled": false,
        "actions": [{"type": "deny", "enabled": false, "config": {"binding": "internal"}}],
    }]});
    let expected = [
        "warning on_http_request.0.enabled: 2236",
        "warning on_http_request.0.actions.0.enabled: 2236",
        "warning on_http_request.0.actions.0.config.binding: 2204",
    ];
    assert_eq!(problems(document), expected);
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let document = json!({
        "on_http_request": [
            {"expressions": ["req.method == 'GET'", "req.nope", {"a": 1}], "actions": []},
            {"expressions": "true", "actions": [
                {"type": "no-such"},
                {"config": {}},
                {"type": "deny", "config": 3},
                {"type": "deny", "config": {"status_code": 1}},
                7,
            ]},
        ],
        "on_http_response": [{"name": ["x"], "actions": [{"type": "deny"}]}],
    });
    let expected = [
        "on_http_request.0.expressions.1: 2200",
        "on_http_request.0.expressions.2: 2236",
        "on_http_request.0: 2206",
        "on_http_request.1.expressions: 2236",
        "on_http_request.1.actions.0.type: 2201",
        "on_http_request.1.actions.1.type: 2201",
        "on_http_request.1.actions.2.config: 2203",
        "on_http_request.1.actions.3.config.status_code: 2215",
        "warning on_http_request.1.actions.4: 2207",
        "on_http_request.1.actions.4: 2236",
        "on_http_response.0.name: 2236",
        "on_http_response.0.actions.0.type: 2202",
    ];
    assert_eq!(problems(document), expected);
}

#[test]
fn an_expression_that_is_never_a_boolean_is_refused() {
    let rule = json!({"expressions": ["req.method"], "actions": [{"type": "deny"}]});
    let document = json!({"on_http_request": [rule]});
    assert_eq!(problems(document), ["on_http_request.0.expressions.0: 2200"]);
}

#[test]
fn an_action_after_the_end_of_its_rule_is_odd() {
    let document = json!({"on_http_request": [{"actions": [
        {"type": "custom-response"},
        {"type": "deny"},
    ]}]});
    assert_eq!(problems(document), ["warning on_http_request.0.actions.1: 2207"]);
}

#[test]
fn actions_that_are_not_there_are_refused_by_name() {
    for kind in ["saml", "ai-gateway", "owasp-crs-request", "owasp-crs-response"] {
        let document = json!({"on_http_request": [{"actions": [{"type": kind}]}]});
        let mut found = Problems::default();
        let site = Site::default();
        assert!(Policy::load(&document, &site.cx, &site.services, &mut found).is_none());
        assert_eq!(found.all()[0].code.0, 2201);
        assert_eq!(found.all()[0].message, format!("{kind} is not supported here"));
    }
}

#[test]
fn an_action_that_is_unknown_is_told_with_the_one_that_was_meant_or_with_all() {
    let message = |kind: &str| {
        let document = json!({"on_http_request": [{"actions": [{"type": kind}]}]});
        let mut found = Problems::default();
        let site = Site::default();
        assert!(Policy::load(&document, &site.cx, &site.services, &mut found).is_none());
        found.all()[0].message.to_string()
    };
    assert_eq!(
        message("restrict-ip"),
        r#"there is no action "restrict-ip"; did you mean restrict-ips?"#
    );
    let all = message("elephant");
    assert!(all.starts_with(r#"there is no action "elephant"; there are add-headers, "#), "{all}");
    assert!(all.ends_with(", url-rewrite, verify-webhook"), "{all}");
}

#[test]
fn counts_are_limited() {
    let rules = vec![json!({"actions": [{"type": "deny"}]}); 1001];
    assert_eq!(problems(json!({"on_http_request": rules})), [": 2264"]);
    let (some, more) = rules.split_at(500);
    let phases = json!({"on_http_request": some, "on_http_response": more});
    assert_eq!(problems(phases), [": 2264"], "and none of them is looked at");
    let rule = json!({
        "expressions": vec!["true"; 101],
        "actions": vec![json!({"type": "remove-headers", "config": {"headers": ["a"]}}); 101],
    });
    let expected = ["on_http_request.0.expressions: 2265", "on_http_request.0.actions: 2265"];
    assert_eq!(problems(json!({"on_http_request": [rule]})), expected);
}

#[test]
fn each_protocol_has_its_phases() {
    let at = |protocol, url, phase: &str| Site::at(protocol, url).problems(&json!({phase: deny()}));
    let (tcp, tls) = ("tcp://x.example:1", "tls://x.example");
    assert_eq!(at(Protocol::Tcp, tcp, "on_tcp_connect"), NONE);
    assert_eq!(at(Protocol::Tls, tls, "on_tcp_connect"), NONE);
    assert_eq!(at(Protocol::Http, "http://x.example", "on_tcp_connect"), NONE);
    assert_eq!(at(Protocol::Tcp, tcp, "on_http_request"), ["on_http_request: 2230"]);
    assert_eq!(at(Protocol::Tls, tls, "on_http_response"), ["on_http_response: 2230"]);
    let messages = at(Protocol::Tls, tls, "on_event_stream_message");
    assert_eq!(messages, ["on_event_stream_message: 2230"]);
    let empty = json!({"on_http_request": []});
    assert_eq!(Site::at(Protocol::Tcp, tcp).problems(&empty), NONE);
}

#[test]
fn tls_cannot_end_where_there_is_none() {
    let document = json!({"on_tcp_connect": [{"actions": [{"type": "terminate-tls"}]}]});
    let problems = Site::at(Protocol::Http, "http://x.example").problems(&document);
    assert_eq!(problems, ["on_tcp_connect.0.actions.0.type: 2205"]);
}

#[test]
fn internal_endpoints_for_http_have_no_connections() {
    let at =
        |protocol, url: &str| Site::at(protocol, url).problems(&json!({"on_tcp_connect": deny()}));
    assert_eq!(at(Protocol::Https, "https://a.internal"), ["on_tcp_connect: 2262"]);
    assert_eq!(at(Protocol::Http, "http://*.b.internal:8080"), ["on_tcp_connect: 2262"]);
    assert_eq!(at(Protocol::Tcp, "tcp://a.internal:5432"), NONE);
    assert_eq!(at(Protocol::Https, "https://internal.example"), NONE);
}

#[tokio::test]
async fn older_names_of_phases_depend_on_the_protocol() {
    let rig = policy(json!({"inbound": tagged("x-in"), "outbound": tagged("x-out")}));
    let passed = rig.request(get("/")).await;
    assert_eq!(passed.sent_lines("x-in"), ["1"]);
    assert_eq!(passed.answered(response(200, &[], "")).await.headers()["x-out"], "1");

    let tcp = Site::at(Protocol::Tcp, "tcp://x.example:1");
    let rig = tcp.policy(&json!({"inbound": deny(), "outbound": []}));
    assert!(rig.connect().await.unwrap_err().close);
    assert_eq!(tcp.problems(&json!({"outbound": deny()})), ["outbound: 2230"]);
}

#[test]
fn a_phase_has_one_name_at_a_time() {
    let document = json!({"inbound": deny(), "on_http_request": deny()});
    assert_eq!(problems(document), ["inbound: 2236"]);
}

#[tokio::test]
async fn documents_that_programs_wrote_are_read_with_their_capitals() {
    // base64 of {"headers":{"x-in":"1"}}
    let config = "eyJoZWFkZXJzIjp7IngtaW4iOiIxIn19";
    let rig = policy(json!({"Inbound": [{
        "Name": "tag",
        "Expressions": ["req.method == 'GET'"],
        "Actions": [{"Type": "add-headers", "Config": config}],
    }], "Outbound": null}));
    assert_eq!(rig.request(get("/")).await.sent_lines("x-in"), ["1"]);
    let document = json!({"Inbound": [{"Actions": [{"Type": "deny", "Config": "%"}]}]});
    assert_eq!(problems(document), ["Inbound.0.Actions.0.Config: 2203"]);
}

#[tokio::test]
async fn a_document_that_is_switched_off_is_checked_and_does_nothing() {
    let rig = policy(json!({"enabled": false, "on_http_request": deny()}));
    assert!(rig.request(get("/")).await.is_forwarded());
    let document = json!({"enabled": false, "on_http_request": [{}]});
    assert_eq!(problems(document), ["on_http_request.0: 2206"]);
}

#[test]
fn what_a_chain_must_show_follows_from_the_phases() {
    let needs = |document: Json| {
        let mut found = Problems::default();
        let site = Site::default();
        Policy::load(&document, &site.cx, &site.services, &mut found).unwrap().needs()
    };
    assert_eq!(needs(json!({"on_tcp_connect": deny()})), Needs::CONNECT);
    assert_eq!(needs(json!({"on_http_request": deny()})), Needs::REQUEST_HEAD);
    let heads = Needs::REQUEST_HEAD | Needs::RESPONSE_HEAD;
    assert_eq!(needs(json!({"on_http_response": tagged("x")})), heads);
    assert_eq!(needs(json!({"on_http_request": tagged("host")})), heads);
}

/// Anything, more often with keys that mean something.
fn anything() -> impl Strategy<Value = Json> {
    let text = prop_oneof![
        Just("deny".to_owned()),
        Just("log".to_owned()),
        Just("set-vars".to_owned()),
        Just("true".to_owned()),
        Just("${req.method}".to_owned()),
        ".{0,8}",
    ];
    let key = prop_oneof![
        Just("actions".to_owned()),
        Just("Config".to_owned()),
        Just("config".to_owned()),
        Just("expressions".to_owned()),
        Just("inbound".to_owned()),
        Just("metadata".to_owned()),
        Just("on_http_request".to_owned()),
        Just("type".to_owned()),
        Just("vars".to_owned()),
        ".{0,4}",
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        text.prop_map(Json::from),
    ];
    leaf.prop_recursive(6, 64, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::hash_map(key.clone(), inner, 0..5)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_document_makes_the_reading_panic(document in anything(), rules in anything()) {
        problems(document);
        problems(json!({"on_http_request": [rules.clone()], "on_http_response": rules}));
    }
}
