#![allow(clippy::unwrap_used, reason = "tests")]

mod outside;

use serde_json::{Value as Json, json};
use tokio::io::AsyncReadExt as _;

use crate::{
    action::inside_rig::{Endpoints, send},
    testing::{Site, get, lines, refused, request_action, response, response_action},
};

fn codes(result: &Json) -> (Json, Json) {
    (result["res"]["status_code"].clone(), result["error"]["code"].clone())
}

#[tokio::test]
async fn an_endpoint_is_asked_and_its_answer_is_there_for_the_next_rule() {
    let config = json!({
        "url": "https://api.internal/a?x=1",
        "method": "POST",
        "query_params": [{"key": "q r", "value": "${req.method}&"}],
        "headers": {"x-for": "${req.host}", "user-agent": "mine"},
        "body": "${json.encode({'a': 1})}",
    });
    let rig = request_action("http-request", config);
    let answer = response(201, &[("x-a", "1"), ("x-a", "2")], "made");
    let inside = Endpoints::answering([answer]);
    assert!(send(&rig, &inside, get("/")).await.is_forwarded());
    let sent = inside.sent().remove(0);
    assert_eq!((&*sent.to, &*sent.line), ("https://api.internal", "POST /a?x=1&q+r=GET%26"));
    assert_eq!((&*sent.body, sent.errand), (r#"{"a":1}"#, adit_chain::Errand::Ask));
    assert_eq!(lines(&sent.headers, "host"), ["api.internal"]);
    assert_eq!(lines(&sent.headers, "x-for"), ["app.example"]);
    assert_eq!(lines(&sent.headers, "content-length"), ["7"]);
    assert_eq!(lines(&sent.headers, "ngrok-req-type"), ["http-request"]);
    assert_eq!(lines(&sent.headers, "ngrok-report-abuse"), ["https://app.example"]);
    assert_eq!(lines(&sent.headers, "x-forwarded-for"), ["192.0.2.7"]);
    assert!(lines(&sent.headers, "user-agent")[0].starts_with("adit/"));
    assert!(!lines(&sent.headers, "ngrok-req-id")[0].is_empty());
    let result = rig.result("http_request");
    assert_eq!(result["req"]["method"], "POST");
    assert_eq!(result["req"]["url"], "https://api.internal/a?x=1&q+r=GET%26");
    assert_eq!(result["req"]["body"], r#"{"a":1}"#);
    assert_eq!(result["req"]["header"]["x-for"], json!(["app.example"]));
    let res = &result["res"];
    assert_eq!((&res["status_code"], &res["body"]), (&json!(201), &json!("made")));
    assert_eq!(res["header"]["x-a"], json!(["1", "2"]));
    assert_eq!(res["resolved_ip"], "");
    let attempts = result["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0]["response_status_code"], 201);
    assert_eq!(result["error"], json!({"code": "", "message": ""}));
}

#[tokio::test]
async fn it_asks_on_the_way_back_too() {
    let rig =
        response_action("http-request", json!({"url": "http://a.internal/${res.status_code}"}));
    let inside = Endpoints::answering([response(204, &[], "")]);
    let passed = send(&rig, &inside, get("/")).await;
    assert!(inside.sent().is_empty());
    assert_eq!(passed.answered(response(418, &[], "tea")).await.status(), 418);
    assert_eq!(inside.sent()[0].line, "GET /418");
    assert_eq!(codes(&rig.result("http_request")), (json!(204), json!("")));
}

#[tokio::test]
async fn a_failure_is_a_result_unless_it_halts() {
    let rig = request_action("http-request", json!({"url": "http://no.internal"}));
    assert!(send(&rig, &Endpoints::answering([]), get("/")).await.is_forwarded());
    let result = rig.result("http_request");
    assert_eq!(codes(&result), (json!(0), json!("ERR_NGROK_3200")));
    assert_eq!(result["error"]["message"], "The endpoint http://no.internal is offline.");
    assert_eq!(result["attempts"].as_array().unwrap().len(), 1);
    let config = json!({"url": "http://no.internal", "on_error": "halt"});
    let rig = request_action("http-request", config);
    let refused = send(&rig, &Endpoints::answering([]), get("/")).await.refused();
    assert_eq!(refused, (404, Some(3200)));
    let config = json!({"url": "http://a.internal", "on_error": "halt"});
    let rig = request_action("http-request", config);
    let inside = Endpoints::answering([response(500, &[], "oh")]);
    assert!(send(&rig, &inside, get("/")).await.is_forwarded(), "an answer is no failure");
    assert_eq!(codes(&rig.result("http_request")), (json!(500), json!("")));
}

#[tokio::test]
async fn an_expression_that_fails_is_told_in_the_result_and_not_to_visitors() {
    let config = |on_error| json!({"url": "http://${[1][7]}.internal", "on_error": on_error});
    let rig = request_action("http-request", config("continue"));
    assert!(rig.request(get("/")).await.is_forwarded());
    assert_eq!(rig.result("http_request")["error"]["code"], "ERR_NGROK_2238");
    let rig = request_action("http-request", config("halt"));
    let refusal = rig.request(get("/")).await.refusal();
    assert_eq!((refusal.status.as_u16(), refusal.code.unwrap().0), (500, 2238));
    assert!(!refusal.message.contains('7'), "{refusal}");
}

#[tokio::test]
async fn it_tries_again_while_the_condition_says_so_and_at_most_three_times() {
    let bad = |n: usize| (0..n).map(|_| response(503, &[], "no"));
    let config =
        |condition: &str| json!({"url": "http://a.internal", "retry_condition": condition});
    for (condition, answers, n_sent, status) in [
        ("true", 9, 4, 503),
        ("attempts < 2", 9, 2, 503),
        ("last_attempt.res.statusCode == 503 && last_attempt.error.code == ''", 2, 3, 200),
        ("last_attempt.res.status_code == 500", 9, 1, 503),
        ("last_attempt.req.method == 'GET' && req.method == 'GET'", 1, 2, 200),
        ("last_attempt.res.header.nope == 1", 9, 1, 503),
    ] {
        let rig = request_action("http-request", config(condition));
        let inside = Endpoints::answering(bad(answers).chain([response(200, &[], "yes")]));
        send(&rig, &inside, get("/")).await;
        assert_eq!(inside.sent().len(), n_sent, "{condition}");
        let result = rig.result("http_request");
        assert_eq!(result["res"]["status_code"], status, "{condition}");
        assert_eq!(result["attempts"].as_array().unwrap().len(), n_sent, "{condition}");
    }
    let rig = request_action("http-request", config("last_attempt.error.code == 'ERR_NGROK_3200'"));
    let inside = Endpoints::answering([]);
    send(&rig, &inside, get("/")).await;
    assert_eq!(inside.sent().len(), 4);
}

#[tokio::test]
async fn redirects_are_followed_as_often_as_is_said() {
    let to = |status, location| response(status, &[("location", location)], "");
    let config = |n| {
        json!({
            "url": "http://a.internal/1", "method": "POST", "body": "b", "max_redirects": n,
            "headers": {"authorization": "secret"},
        })
    };
    let rig = request_action("http-request", config(0));
    let inside = Endpoints::answering([to(302, "/2")]);
    send(&rig, &inside, get("/")).await;
    assert_eq!(codes(&rig.result("http_request")), (json!(302), json!("")));

    let rig = request_action("http-request", config(2));
    let answers = [to(307, "/2"), to(302, "http://b.internal/3?x"), response(200, &[], "end")];
    let inside = Endpoints::answering(answers);
    send(&rig, &inside, get("/")).await;
    assert_eq!(codes(&rig.result("http_request")), (json!(200), json!("")));
    let sent = inside.sent();
    let seen: Vec<_> = sent
        .iter()
        .map(|sent| {
            let has_secret = sent.headers.contains_key("authorization");
            (&*sent.to, &*sent.line, &*sent.body, has_secret)
        })
        .collect();
    let expected = [
        ("http://a.internal", "POST /1", "b", true),
        ("http://a.internal", "POST /2", "b", true),
        ("http://b.internal", "GET /3?x", "", false),
    ];
    assert_eq!(seen, expected);

    let rig = request_action("http-request", config(1));
    send(&rig, &Endpoints::answering([to(302, "/2"), to(302, "/3")]), get("/")).await;
    assert_eq!(codes(&rig.result("http_request")), (json!(0), json!("ERR_NGROK_3214")));
}

async fn gzip(text: &[u8]) -> bytes::Bytes {
    let mut encoder = async_compression::tokio::bufread::GzipEncoder::new(text);
    let mut encoded = Vec::new();
    encoder.read_to_end(&mut encoded).await.unwrap();
    encoded.into()
}

#[tokio::test]
async fn an_answer_is_decoded_and_bounded() {
    let encoded = [("content-encoding", "gzip")];
    let rig = request_action("http-request", json!({"url": "http://a.internal"}));
    let inside = Endpoints::answering([response(200, &encoded, gzip(b"plain").await)]);
    send(&rig, &inside, get("/")).await;
    assert_eq!(lines(&inside.sent()[0].headers, "accept-encoding"), ["gzip"]);
    let res = &rig.result("http_request")["res"];
    assert_eq!(res["body"], "plain");
    assert_eq!(res["header"].get("content-encoding"), None);
    let long = bytes::Bytes::from(vec![b'x'; 256 * 1024 + 1]);
    for answer in [response(200, &[], long.clone()), response(200, &encoded, gzip(&long).await)] {
        let config = json!({"url": "http://a.internal", "on_error": "halt"});
        let rig = request_action("http-request", config);
        let refused = send(&rig, &Endpoints::answering([answer]), get("/")).await.refused();
        assert_eq!(refused, (502, Some(3601)));
    }
    let fits = response(200, &[], long.slice(1..));
    let rig = request_action("http-request", json!({"url": "http://a.internal"}));
    send(&rig, &Endpoints::answering([fits]), get("/")).await;
    assert_eq!(rig.result("http_request")["res"]["body"].as_str().unwrap().len(), 256 * 1024);
}

#[test]
fn limits_are_checked_while_loading() {
    let refused = |more: Json| {
        let mut config = json!({"url": "http://a.internal"});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        refused("http-request", config)
    };
    let param = |key: &str, value: &str| json!([{"key": key, "value": value}]);
    assert_eq!(refused(json!({"timeout": "500ms"})), ["timeout: 2225"]);
    assert_eq!(refused(json!({"timeout": "31s"})), ["timeout: 2225"]);
    assert_eq!(refused(json!({"max_redirects": 6})), ["max_redirects: 2215"]);
    assert_eq!(refused(json!({"method": "HEAD"})), ["method: 2222"]);
    assert_eq!(refused(json!({"retry_condition": "attempt < 2"})), ["retry_condition: 2200"]);
    assert_eq!(refused(json!({"retry_condition": "'yes'"})), ["retry_condition: 2200"]);
    assert_eq!(refused(json!({"headers": {"connection": "x"}})), ["headers.connection: 2219"]);
    let many: Vec<_> = (0..33).map(|n| json!({"key": n.to_string(), "value": "v"})).collect();
    assert_eq!(refused(json!({"query_params": many})), ["query_params: 2244"]);
    let key = param(&"k".repeat(129), "v");
    assert_eq!(refused(json!({"query_params": key})), ["query_params.0.key: 2245"]);
    let value = param("k", &"v".repeat(8193));
    assert_eq!(refused(json!({"query_params": value})), ["query_params.0.value: 2246"]);
    assert_eq!(refused(json!({"body": "b"})), ["warning body: 2204"]);
    let fine = json!({"body": "b", "method": "PATCH", "timeout": "30s", "max_redirects": 5});
    assert!(refused(fine).is_empty());
    let site = Site::default();
    let attempts = json!({"on_http_request": [
        {"expressions": ["attempts == 1"], "actions": [{"type": "deny"}]},
    ]});
    assert_eq!(site.problems(&attempts), ["on_http_request.0.expressions.0: 2200"]);
}
