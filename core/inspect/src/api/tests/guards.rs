//! What stands before every route.

use serde_json::json;

use super::Rig;
use crate::api::limits::{MAX_BODY, MAX_TARGET};

#[tokio::test]
async fn a_host_that_is_not_ours_is_refused_as_text_and_nothing_is_done() {
    let rig = Rig::up().await;
    let host = ("Host", "evil.example:4040");
    let json = ("Content-Type", "application/json");
    let body = r#"{"name":"n","addr":"http://localhost:80"}"#;
    for reply in [
        rig.send("GET", "/api/tunnels", &[host], "").await,
        rig.send("GET", "/static/favicon.svg", &[host], "").await,
        rig.send("GET", "/nowhere", &[host], "").await,
        rig.send("POST", "/api/tunnels", &[host, json], body).await,
    ] {
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (401, Some("text/plain; charset=utf-8"))
        );
        assert!(reply.text().contains("\"evil.example:4040\""), "{}", reply.text());
    }
    assert_eq!(rig.get("/api/tunnels").await.json()["tunnels"], json!([]));
}

#[tokio::test]
async fn a_listener_for_containers_answers_to_any_name() {
    let rig = Rig::at("0.0.0.0", &[]).await;
    assert_eq!(rig.send("GET", "/api/tunnels", &[("Host", "ngrok:4040")], "").await.status, 200);
}

#[tokio::test]
async fn under_an_endpoints_name_it_can_be_looked_at_and_not_changed() {
    let rig = Rig::up().await;
    rig.fake.has("self", "https://self.test", "http://localhost:4040");
    let host = ("Host", "self.test");
    let json = ("Content-Type", "application/json");
    for path in ["/status", "/api/status"] {
        assert_eq!(rig.send("GET", path, &[host], "").await.status, 200, "{path}");
    }
    for (method, path) in [
        ("DELETE", "/api/tunnels/self"),
        ("POST", "/api/config/reload"),
        ("PUT", "/api/endpoints/self"),
        ("DELETE", "/api/requests/http"),
    ] {
        let reply = rig.send(method, path, &[host, json], "{}").await;
        assert_eq!(reply.status, 401, "{method} {path}");
    }
    assert_eq!(rig.get("/api/tunnels/self").await.status, 200);
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused_and_a_link_is_followed() {
    let rig = Rig::up().await;
    let site = |site| ("Sec-Fetch-Site", site);
    for from in ["cross-site", "same-site"] {
        let fetch = [site(from), ("Sec-Fetch-Mode", "cors")];
        let reply = rig.send("GET", "/api/events", &fetch, "");
        assert_eq!(reply.await.status, 403, "{from}");
        let navigate = [site(from), ("Sec-Fetch-Mode", "navigate")];
        let link = rig.send("GET", "/status", &navigate, "");
        assert_eq!(link.await.status, 200, "{from}");
    }
    for from in ["same-origin", "none"] {
        assert_eq!(rig.send("GET", "/api", &[site(from)], "").await.status, 200, "{from}");
    }
}

#[tokio::test]
async fn what_is_sent_must_be_said_to_be_json() {
    let rig = Rig::up().await;
    for found in ["application/x-www-form-urlencoded", "text/plain", ""] {
        let reply = rig.send("POST", "/api/tunnels", &[("Content-Type", found)], "{}").await;
        let object = json!({
            "status_code": 415, "msg": "unsupported content type",
            "details": {"content-type": found, "available": ["application/json"]},
        });
        assert_eq!(reply.error(), object);
    }
    assert_eq!(rig.send("POST", "/api/requests/http", &[], "{}").await.status, 415);
    assert_eq!(rig.send("PUT", "/api/endpoints/x", &[], "{}").await.status, 415);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() {
    let rig = Rig::up().await;
    let object = json!({"status_code": 404, "msg": "Not Found", "details": {"path": "/api/x"}});
    assert_eq!(rig.get("/api/x").await.error(), object);
    let reply = rig.send("PATCH", "/api/tunnels", &[], "").await;
    assert_eq!(reply.header("allow"), Some("GET, HEAD, POST"));
    let details = json!({"method": "PATCH", "allowed": "GET, HEAD, POST"});
    let object = json!({"status_code": 405, "msg": "Method Not Allowed", "details": details});
    assert_eq!(reply.error(), object);
    let options = rig.send("OPTIONS", "/api/tunnels", &[("Origin", "http://x.test")], "").await;
    assert_eq!(options.status, 405);
}

#[tokio::test]
async fn a_head_is_a_get_without_its_body() {
    let rig = Rig::up().await;
    for path in ["/api/tunnels", "/api/status", "/status", "/api/events", "/metrics"] {
        let reply = rig.send("HEAD", path, &[], "").await;
        assert_eq!((reply.status, reply.body.len()), (200, 0), "{path}");
    }
    let len = rig.get("/api/tunnels").await.body.len().to_string();
    assert_eq!(
        rig.send("HEAD", "/api/tunnels", &[], "").await.header("content-length"),
        Some(&*len)
    );
}

#[tokio::test]
async fn every_answer_is_locked_down() {
    let rig = Rig::up().await;
    for reply in [
        rig.get("/inspect/http").await,
        rig.get("/api/status").await,
        rig.get("/nowhere").await,
        rig.get("/static/favicon.svg").await,
        rig.send("GET", "/", &[("Host", "evil.example")], "").await,
        rig.send("GET", "/api", &[("Origin", "http://x.test")], "").await,
    ] {
        let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        assert_eq!(reply.header("content-security-policy"), Some(policy), "{reply:?}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("x-frame-options"), Some("DENY"));
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let rig = Rig::up().await;
    let target = format!("/api/tunnels/{}", "x".repeat(MAX_TARGET));
    assert_eq!(rig.get(&target).await.error()["status_code"], 414);
    let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(80_000));
    assert!(rig.raw(head.as_bytes()).await.starts_with(b"HTTP/1.1 431 "));
    let body = format!("{{\"name\":\"{}\"}}", "x".repeat(MAX_BODY));
    let json = ("Content-Type", "application/json");
    let error = rig.send("POST", "/api/tunnels", &[json], &body).await.error();
    assert_eq!(error["details"]["err"], format!("the body is longer than {MAX_BODY} bytes"));
    assert_eq!(error["status_code"], 413);
}
