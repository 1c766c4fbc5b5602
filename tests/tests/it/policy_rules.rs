//! When rules run, and what becomes of a visit, from a visitor's socket on.

use adit_tests::{Upstream, World, service::body};
use http::{Method, Response};
use serde_json::{Value, json};

/// The file of an agent with one endpoint and a policy for it.
fn file(upstream: &str, policy: &Value) -> String {
    format!(
        "version: 3\nendpoints:\n- name: a\n  url: https://app.tunnel.test\n  \
         upstream: {{url: \"{upstream}\"}}\n  traffic_policy: {policy}\n"
    )
}

async fn with(upstream: &Upstream, policy: Value) -> World {
    World::new().agent(file(&upstream.http_url(), &policy)).up().await
}

fn action(kind: &str, config: Value) -> Value {
    json!({"type": kind, "config": config})
}

#[tokio::test]
async fn rules_run_in_order_until_one_ends_the_phase() {
    let upstream = Upstream::mirror().await;
    let world = with(
        &upstream,
        json!({
            "on_http_request": [
                {"actions": [
                    action("set-vars", json!({"vars": [{"n": "${1 + 1}"}]})),
                    action("add-headers", json!({"headers": {"x-n": "${vars.n}"}})),
                    action("remove-headers", json!({"headers": ["X-Forwarded-For"]})),
                ]},
                {
                    "expressions": ["req.method in ['POST', 'PUT']", "!hasReqHeader('x-token')"],
                    "actions": [action("custom-response", json!({
                        "status_code": 428,
                        "body": "{\"need\":\"x-token\"}",
                    }))],
                },
                {"expressions": ["req.url.path == '/no'"], "actions": [action("deny", json!({}))]},
                {"expressions": ["req.cookies['none'][0].value == ''"], "actions": [
                    action("deny", json!({})),
                ]},
            ],
            "on_http_response": [{"expressions": ["res.status_code >= 400"], "actions": [
                action("add-headers", json!({"headers": {"x-incident": "${req.url.path}"}})),
            ]}],
        }),
    )
    .await;
    let text = world.get("/a").await.text();
    assert!(text.starts_with("GET /a HTTP/1.1\n"), "{text}");
    assert!(text.contains("\nx-n: 2\n"), "{text}");
    assert!(!text.contains("x-forwarded-for"), "{text}");

    let reply = world.post("/b", "body").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (428, ""));
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!((reply.header("x-incident"), reply.text()), ("/b", "{\"need\":\"x-token\"}".into()));
    assert_eq!(world.post("/b", "body").header("x-token", "1").await.status(), 200);

    let reply = world.get("/no").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (403, ""));
    assert_eq!((reply.header("x-incident"), reply.text().as_str()), ("", ""));
    assert_eq!(upstream.hits(), 2);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_failure_has_a_code_and_no_reason() {
    let upstream = Upstream::counting("hello").await;
    let broken = action("add-headers", json!({"headers": {"x-a": "${req.cookies['a'][0].value}"}}));
    let world = with(&upstream, json!({"on_http_request": [{"actions": [broken]}]})).await;
    let reply = world.get("/").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (500, "ERR_NGROK_2238"));
    assert!(!reply.text().contains("cookie"), "{}", reply.text());
    assert_eq!(world.get("/").header("cookie", "a=b").await.text(), "hello");
    assert_eq!(upstream.hits(), 1);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_connection_is_closed_without_a_word() {
    let upstream = Upstream::counting("hello").await;
    let close = json!([{
        "expressions": ["req.url.path == '/close'"],
        "actions": [{"type": "close-connection"}],
    }]);
    let world = with(&upstream, json!({"on_http_request": close})).await;
    assert!(world.get("/close").try_send().await.is_err());
    assert!(world.get("/close").http2().try_send().await.is_err());
    assert_eq!(world.get("/").await.text(), "hello");
    assert_eq!(upstream.hits(), 1);
    world.down().await.assert_no_task_left();

    let deny = json!({"on_tcp_connect": [{"actions": [{"type": "deny"}]}]});
    let world = with(&upstream, deny).await;
    assert!(world.get("/").try_send().await.is_err());
    assert_eq!(upstream.hits(), 1);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn the_pages_of_a_service_that_is_away_are_left_as_they_are() {
    let add = action("add-headers", json!({"headers": {"x-a": "1"}}));
    let policy = json!({"on_http_response": [{"actions": [add]}]});
    let nobody = format!("http://{}", Upstream::nobody().await);
    let world = World::new().agent(file(&nobody, &policy)).up().await;
    let reply = world.get("/").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (502, "ERR_NGROK_8012"));
    assert_eq!(reply.header("x-a"), "");
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn another_host_is_named_and_locations_lead_back() {
    let upstream = Upstream::http(|request| async move {
        let host = request.headers()["host"].to_str().unwrap().to_owned();
        let location = format!("http://{host}{}", request.uri());
        Response::builder().status(302).header("location", location).body(body(host)).unwrap()
    })
    .await;
    let host = action("add-headers", json!({"headers": {"host": "intra.example"}}));
    let world = with(&upstream, json!({"on_http_request": [{"actions": [host]}]})).await;
    let reply = world.get("/a?b").method(Method::PUT).await;
    assert_eq!(reply.text(), "intra.example");
    let location = format!("https://{}/a?b", world.visitor().authority());
    assert_eq!(reply.header("location"), location);
    world.down().await.assert_no_task_left();
}
