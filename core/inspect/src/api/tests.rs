//! The web service over real sockets, with an agent that is not one.

#![allow(clippy::unwrap_used)]

mod captured;
mod described;
mod endpoints;
mod exchanges;
mod guards;
mod hostile;
mod live;
mod shutdown;

use serde_json::json;

use super::rig::Rig;
use crate::control::SessionStatus;

#[tokio::test]
async fn the_status_has_what_clients_look_for() {
    let rig = Rig::up().await;
    let reply = rig.get("/api/status").await;
    assert_eq!(
        reply.text(),
        r#"{"status":"online","agent_version":"3.39.10","session":{"legs":[{"region":"eu","latency":"87ms"}]},"uri":"/api/status"}"#
    );
    rig.fake.session_is(SessionStatus::Reconnecting("no route".to_owned()));
    let status = rig.get("/api/status").await.json();
    assert_eq!(
        (&status["status"], &status["session"]),
        (
            &json!("reconnecting"),
            &json!({ "legs": [], "reason": "no route", "retry_at": "1970-01-01T00:00:30.000Z" })
        )
    );
}

#[tokio::test]
async fn the_index_names_the_collections() {
    let rig = Rig::up().await;
    let index = json!({
        "endpoints_uri": "/api/endpoints", "http_requests_uri": "/api/requests/http",
        "status_uri": "/api/status", "tunnels_uri": "/api/tunnels",
    });
    assert_eq!(rig.get("/api").await.json(), index);
    assert_eq!(rig.get("/api/").await.json(), index);
}

#[tokio::test]
async fn pages_are_answered_without_a_password() {
    let rig = Rig::up().await;
    let home = rig.get("/").await;
    assert_eq!((home.status, home.header("location")), (302, Some("/inspect/http")));
    assert_eq!(rig.send("HEAD", "/", &[], "").await.status, 302);
    for path in ["/inspect/http", "/status", "/status/"] {
        let page = rig.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(page.text().contains("<html"), "{path}");
    }
    assert_eq!(rig.get("/favicon.ico").await.header("location"), Some("/static/favicon.svg"));
}

#[tokio::test]
async fn files_of_the_page_are_sent_once() {
    let rig = Rig::up().await;
    let icon = rig.get("/static/favicon.svg").await;
    assert_eq!((icon.status, icon.header("content-type")), (200, Some("image/svg+xml")));
    assert_eq!(icon.header("cache-control"), Some("no-cache"));
    let tag = icon.header("etag").unwrap();
    let again = rig.send("GET", "/static/favicon.svg", &[("If-None-Match", tag)], "").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(rig.get("/static/none.js").await.error()["details"]["path"], "/static/none.js");
    assert_eq!(rig.get("/static/../build.rs").await.status, 404);
}

#[tokio::test]
async fn the_overview_has_all_that_the_status_page_shows() {
    let rig = Rig::up().await;
    rig.fake.has("web", "https://app.test", "http://localhost:80");
    let id = rig.captured("web", "/", 200);
    let overview = rig.get("/api/overview").await.json();
    assert_eq!(overview["session"]["history"][0]["at"], "1970-01-01T00:00:00.000Z");
    assert_eq!(overview["session"]["legs"], json!([{"region": "eu", "latency_ms": 87.0}]));
    assert_eq!(overview["web"], json!({"addr": rig.addr.to_string(), "allow_hosts": []}));
    assert_eq!(overview["capture"]["count"], 1);
    assert_eq!(overview["capture"]["limit"], 8 * 1024 * 1024);
    assert_eq!(
        overview["settings"],
        json!([{"group": "agent", "name": "authtoken", "value": "2abc…"}])
    );
    let endpoint = &overview["endpoints"][0];
    assert_eq!((&endpoint["name"], &endpoint["origin"]), (&json!("web"), &json!("file")));
    assert_eq!(
        (&endpoint["state"], &endpoint["handlers"][0]),
        (&json!("online"), &json!("basic-auth"))
    );
    for series in [&endpoint["series"], &overview["totals"]["series"]] {
        for line in
            ["connections", "requests", "errors", "bytes_in", "bytes_out", "p50_ns", "p95_ns"]
        {
            assert_eq!(series[line].as_array().unwrap().len(), 300, "{line}");
        }
    }
    assert!(rig.store.get(id).is_some());
}

#[tokio::test]
async fn numbers_are_there_for_prometheus() {
    let rig = Rig::up().await;
    rig.fake.has("we\"b", "https://app.test", "http://localhost:80");
    let reply = rig.get("/metrics").await;
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        "adit_build_info{version=\"0.1.0\"} 1\n",
        "adit_session_up 1\n",
        "adit_endpoint_connections_total{endpoint=\"we\\\"b\"} 0\n",
        "adit_endpoint_http_duration_seconds{endpoint=\"we\\\"b\",quantile=\"0.99\"} 0\n",
        "adit_inspect_exchanges 0\n",
        "adit_inspect_limit_bytes 8388608\n",
        "\nadit_policy_calls_total 7\n",
    ] {
        assert!(reply.text().contains(line), "{line:?} in {}", reply.text());
    }
}

#[tokio::test]
async fn reading_the_configuration_again_tells_what_changed_or_what_is_wrong() {
    let rig = Rig::up().await;
    let reloaded = rig.post("/api/config/reload", json!({})).await;
    assert_eq!((reloaded.status, &reloaded.json()["added"]), (200, &json!(["web"])));
    let err = "adit.yml:3:1: unknown key".to_owned();
    *rig.fake.fails.lock() = Some(crate::control::ControlError::Config { err: err.clone() });
    let error = rig.post("/api/config/reload", json!({})).await.error();
    assert_eq!((&error["error_code"], &error["details"]["err"]), (&json!(102), &json!(err)));
    assert_eq!(rig.get("/api/config/reload").await.header("allow"), Some("POST"));
}
