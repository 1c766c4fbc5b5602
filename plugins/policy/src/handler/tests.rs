use adit_chain::{Exchange, Origin, conformance};
use http::StatusCode;
use serde_json::{Value as Json, json};

use crate::testing::{Site, failed_upstream, get, lines, policy, request, response, text};

fn add(name: &str, value: &str) -> Json {
    json!({"type": "add-headers", "config": {"headers": {name: value}}})
}

/// An action that fails on requests without a cookie.
fn fragile() -> Json {
    add("x-a", "${req.cookies['a'][0].value}")
}

#[tokio::test]
async fn every_rule_that_matches_runs_and_the_others_do_not() {
    let rig = policy(json!({"on_http_request": [
        {"expressions": ["req.method == 'GET'", "req.url.path == '/a'"], "actions": [add("x-r", "1")]},
        {"expressions": ["req.method == 'POST'"], "actions": [add("x-r", "2")]},
        {"expressions": [], "actions": [add("x-r", "3")]},
        {"expressions": ["true"], "actions": [add("x-r", "4")]},
    ]}));
    assert_eq!(rig.request(get("/a")).await.sent_lines("x-r"), ["1", "3", "4"]);
    assert_eq!(rig.request(get("/b")).await.sent_lines("x-r"), ["3", "4"]);
}

#[tokio::test]
async fn an_expression_that_fails_or_is_no_boolean_does_not_match() {
    let rig = policy(json!({"on_http_request": [
        {"name": "fails", "expressions": ["req.cookies['a'][0].value == 'x'"], "actions": [add("x-r", "1")]},
        {"expressions": ["json.decode('{\"a\": 1}').a"], "actions": [add("x-r", "2")]},
        {"actions": [add("x-r", "3")]},
    ]}));
    let passed = rig.request(get("/")).await;
    assert_eq!(passed.sent_lines("x-r"), ["3"]);
    let notes = passed.notes();
    assert!(notes.contains(r#"on_http_request[0] "fails": req.cookies['a'][0].value"#), "{notes}");
    assert!(notes.contains("on_http_request[2]: matched"), "{notes}");
    assert!(notes.contains("on_http_request[2]: add-headers: done"), "{notes}");
    assert!(!notes.contains("on_http_request[1]"), "{notes}");
}

#[tokio::test]
async fn nobody_gets_past_a_rule_by_making_its_expression_too_large() {
    let deny = json!({"type": "deny"});
    let looks = "getQueryParam('q').exists(q, q.split('').map(c, q).size() > 0 && q == 'bad')";
    let rig = policy(json!({"on_http_request": [{"expressions": [looks], "actions": [deny]}]}));
    assert!(!rig.request(get("/?q=fine")).await.is_awaited());
    assert_eq!(rig.request(get("/?q=bad")).await.response().status(), StatusCode::FORBIDDEN);
    let large = format!("/?q={}", "x".repeat(8 * 1024));
    assert_eq!(rig.request(get(&large)).await.refused(), (500, Some(2249)));
}

#[tokio::test]
async fn a_policy_without_a_match_leaves_the_request_as_it_was() {
    let rule = json!({"expressions": ["req.method == 'PUT'"], "actions": [{"type": "deny"}]});
    let rig = policy(json!({"on_http_request": [rule]}));
    let passed = rig.request(request("POST", "/a?b", &[("x-a", "1")], "body")).await;
    assert!(!passed.is_awaited());
    assert_eq!(passed.sent().method(), "POST");
    assert_eq!(passed.sent().uri(), "/a?b");
    assert_eq!(passed.sent_lines("x-a"), ["1"]);
    assert_eq!(text(passed.exchange.request.into_body()).await, "body");
}

#[tokio::test]
async fn rules_of_the_response_see_the_request_as_it_went_on() {
    let rig = policy(json!({
        "on_http_request": [{"actions": [add("x-a", "1")]}],
        "on_http_response": [{"actions": [add("x-b", "${req.headers['x-a'][0]} ${req.url.path}")]}],
    }));
    let passed = rig.request(request("POST", "/a", &[], "body")).await;
    assert!(passed.is_awaited());
    assert_eq!(text(passed.exchange.request.into_body()).await, "body");
    let answer = rig.round(get("/a"), response(200, &[], "hi")).await;
    assert_eq!(lines(answer.headers(), "x-b"), ["1 /a"]);
    assert_eq!(text(answer.into_body()).await, "hi");
}

#[tokio::test]
async fn rules_of_the_response_do_not_run_on_our_own_error_pages() {
    let rig = policy(json!({"on_http_response": [{"actions": [add("x-b", "1")]}]}));
    let answer = rig.round(get("/"), failed_upstream()).await;
    assert_eq!(answer.status(), 502);
    assert_eq!(lines(answer.headers(), "x-b"), [""; 0]);
    let mut of_handler = response(200, &[], "");
    Origin::Handler.mark(&mut of_handler);
    assert_eq!(lines(rig.round(get("/"), of_handler).await.headers(), "x-b"), ["1"]);
}

#[tokio::test]
async fn a_failure_becomes_its_status_and_code_and_tells_no_reason() {
    let rig = policy(json!({"on_http_request": [{"name": "r", "actions": [fragile()]}]}));
    let passed = rig.request(get("/")).await;
    let notes = passed.notes();
    assert!(
        notes.contains("on_http_request[0] \"r\": add-headers: failed 500 ERR_NGROK_2238"),
        "{notes}"
    );
    let refusal = passed.refusal();
    assert_eq!(refusal.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(refusal.code.unwrap().0, 2238);
    assert!(!refusal.message.contains("cookie"));
}

#[tokio::test]
async fn a_failure_on_the_way_back_becomes_a_refusal() {
    let rig = policy(json!({"on_http_response": [{"actions": [fragile()]}]}));
    let passed = rig.request(get("/")).await;
    let refusal = passed.answered_or_refused(response(200, &[], "")).await.unwrap_err();
    assert_eq!((refusal.status.as_u16(), refusal.code.unwrap().0), (500, 2238));
}

#[tokio::test]
async fn where_failures_pass_the_message_goes_on_as_the_rules_left_it() {
    let actions = json!([add("x-0", "1"), fragile(), add("x-2", "1")]);
    let rig = Site::default().passing().policy(&json!({
        "on_http_request": [{"actions": actions}],
        "on_http_response": [{"actions": actions}],
    }));
    let passed = rig.request(request("POST", "/", &[], "body")).await;
    assert_eq!(passed.sent_lines("x-0"), ["1"]);
    assert_eq!(passed.sent_lines("x-2"), [""; 0]);
    assert_eq!(text(passed.exchange.request.into_body()).await, "body");

    let rig =
        Site::default().passing().policy(&json!({"on_http_response": [{"actions": actions}]}));
    let answer = rig.round(get("/"), response(200, &[], "hi")).await;
    assert_eq!(lines(answer.headers(), "x-0"), ["1"]);
    assert_eq!(text(answer.into_body()).await, "hi");
}

#[tokio::test]
async fn a_response_that_is_refused_does_not_turn_into_a_visit_to_the_upstream() {
    let restrict = json!({"type": "restrict-ips", "config": {"allow": ["203.0.113.0/24"]}});
    let rig = Site::default().passing().policy(&json!({
        "on_http_request": [{"actions": [{"type": "custom-response"}]}],
        "on_http_response": [{"actions": [restrict]}],
    }));
    assert_eq!(rig.request(get("/")).await.refused(), (403, Some(3203)));
}

#[tokio::test]
async fn what_was_done_is_noted_for_both_ways() {
    let rig = policy(json!({
        "on_http_request": [{"name": "in", "actions": [add("x-a", "secret")]}],
        "on_http_response": [{"name": "out", "actions": [add("x-b", "secret")]}],
    }));
    let mut passed = rig.request(get("/")).await;
    let request_notes = passed.notes();
    let response = passed.unwind_traced(response(200, &[], "")).await;
    assert_eq!(response.headers()["x-b"], "secret");
    let notes = passed.notes();
    let expected = "on_http_request[0] \"in\": matched\n\
                    on_http_request[0] \"in\": add-headers: done\n\
                    on_http_response[0] \"out\": matched\n\
                    on_http_response[0] \"out\": add-headers: done";
    assert_eq!(notes, expected);
    assert!(!request_notes.contains("secret"));
}

#[tokio::test]
async fn requests_see_the_results_of_their_connection() {
    let log = json!({"type": "log", "config": {"metadata": {"ip": "${conn.client_ip}"}}});
    let rig = policy(json!({
        "on_tcp_connect": [{"actions": [log]}],
        "on_http_request": [{"actions": [add("x-a", "${actions.ngrok.log.metadata.ip}")]}],
    }));
    let conn = conformance::conn();
    assert!(rig.connect_with(&conn).await.is_ok());
    let passed = rig.exchange(Exchange::new(conn, get("/"))).await;
    assert_eq!(passed.sent_lines("x-a"), ["192.0.2.7"]);
    assert_eq!(rig.request(get("/")).await.refused(), (500, Some(2238)));
}

#[tokio::test]
async fn the_messages_of_an_event_stream_pass_their_rules() {
    let log = json!({"type": "log", "config": {"metadata": {"status": "${res.status_code}"}}});
    let rig = policy(json!({"on_event_stream_message": [{"actions": [log]}]}));
    let stream = || {
        response(
            200,
            &[("content-type", "text/event-stream; charset=utf-8")],
            "data: a\n\ndata: b\n\n",
        )
    };
    let answer = rig.round(get("/"), stream()).await;
    assert_eq!(text(answer.into_body()).await, "data: a\n\ndata: b\n\n");
    assert_eq!(
        rig.logs(),
        [json!({"metadata": {"status": 200}}), json!({"metadata": {"status": 200}})]
    );
    let plain = response(200, &[("content-type", "text/plain")], "data: a\n\n");
    assert_eq!(text(rig.round(get("/"), plain).await.into_body()).await, "data: a\n\n");
    assert_eq!(rig.logs(), [Json::Null; 0]);
}

#[tokio::test]
async fn it_keeps_the_promises_of_a_handler() {
    let rig = policy(json!({
        "on_tcp_connect": [{"actions": [{"type": "log", "config": {"metadata": {}}}]}],
        "on_http_request": [{"actions": [add("host", "b.example")]}],
        "on_http_response": [{"actions": [add("x-b", "1")]}],
    }));
    let needs = rig.chain.needs();
    assert!(needs.wants_connection() && needs.wants_http());
    let factory = crate::factory(crate::Services::default());
    let document = json!({
        "on_http_request": [{"actions": [add("host", "b.example")]}],
        "on_http_response": [{"actions": [add("x-b", "1")]}],
    });
    let handler = factory.build(&document, &Site::default().cx).unwrap();
    conformance::check(&handler).await.unwrap();
}

#[test]
fn a_factory_tells_every_mistake_at_once() {
    let factory = crate::factory(crate::Services::default());
    assert_eq!(factory.kind(), "traffic-policy");
    let document = json!({"on_http_request": [{"actions": []}, {"actions": [{"type": "x"}]}]});
    let error = factory.build(&document, &Site::default().cx).unwrap_err();
    let all: Vec<_> =
        error.all().map(|error| (error.at.join("."), error.code.unwrap().0)).collect();
    let expected = [
        ("on_http_request.0".to_owned(), 2206),
        ("on_http_request.1.actions.0.type".to_owned(), 2201),
    ];
    assert_eq!(all, expected);
}
