//! Endpoints in both dialects.

use std::sync::atomic::Ordering::SeqCst;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::Rig;
use crate::{
    api::{limits::MAX_WHOLE, rig::PATIENCE},
    control::ControlError,
};

const HTML: &str = r#"{"name":"x (http)","addr":"http://localhost:5000"}"#;

#[tokio::test]
async fn an_endpoint_has_the_keys_of_both_dialects_in_every_answer() {
    let rig = Rig::up().await;
    let zero = json!({"count": 0, "rate1": 0, "rate5": 0, "rate15": 0, "p50": 0, "p90": 0, "p95": 0, "p99": 0});
    let mut conns = zero.clone();
    conns["gauge"] = json!(0);
    let mut expected = json!({
        "name": "x (http)", "ID": "0123456789abcdef0123456789abcdef",
        "uri": "/api/tunnels/x%20%28http%29", "public_url": "https://made.test", "proto": "https",
        "config": {"addr": "http://localhost:5000", "inspect": true},
        "metrics": {"conns": conns, "http": zero}, "url": "https://made.test",
        "upstream": {"url": "http://localhost:5000", "protocol": "http1"},
        "inspect": true, "pooling_enabled": false,
    });
    let made = rig.post("/api/tunnels", serde_json::from_str(HTML).unwrap()).await;
    assert_eq!((made.status, made.json()), (201, expected.clone()));
    assert!(made.text().contains(r#""public_url":"https://made.test""#), "{}", made.text());
    let got = rig.get("/api/tunnels/x%20(http)").await;
    assert_eq!((got.status, got.json()), (200, expected.clone()));
    let list = rig.get("/api/tunnels/").await.json();
    assert_eq!(list, json!({"tunnels": [expected], "uri": "/api/tunnels"}));
    expected["uri"] = json!("/api/endpoints/x%20%28http%29");
    let list = rig.get("/api/endpoints").await.json();
    assert_eq!(list, json!({"endpoints": [expected], "uri": "/api/endpoints"}));
    assert_eq!(rig.get("/api/endpoints/x%20%28http%29").await.json(), list["endpoints"][0]);
}

#[tokio::test]
async fn an_endpoint_is_made_and_deleted_through_its_uri() {
    let rig = Rig::up().await;
    let definition = json!({"name": "n", "upstream": {"url": "http://localhost:5000"}});
    let made = rig.post("/api/endpoints", definition).await;
    let uri = made.json()["uri"].as_str().unwrap().to_owned();
    assert_eq!((made.status, uri.as_str()), (201, "/api/endpoints/n"));
    // Clients send a body with it.
    let json = ("Content-Type", "application/json");
    let gone = rig.send("DELETE", &uri, &[json], "{}").await;
    assert_eq!((gone.status, gone.body.len(), gone.header("content-type")), (204, 0, None));
    for uri in [uri.as_str(), "/api/tunnels/n"] {
        for reply in [rig.get(uri).await, rig.delete(uri).await] {
            let not_found = json!({
                "error_code": 100, "status_code": 404, "msg": "tunnel not found",
                "details": {"name": "n"},
            });
            assert_eq!(reply.error(), not_found);
        }
    }
    assert_eq!(rig.get("/api/endpoints").await.json()["endpoints"], json!([]));
    assert_eq!(rig.get("/api/tunnels").await.json()["tunnels"], json!([]));
}

#[tokio::test]
async fn putting_makes_or_replaces() {
    let rig = Rig::up().await;
    let json = ("Content-Type", "application/json; charset=utf-8");
    let put = async |addr: &str| {
        let body = json!({"upstream": {"url": addr}}).to_string();
        let reply = rig.send("PUT", "/api/endpoints/n", &[json], &body).await;
        (reply.status, reply.json()["upstream"]["url"].clone())
    };
    assert_eq!(put("http://localhost:1").await, (201, json!("http://localhost:1")));
    assert_eq!(put("http://localhost:2").await, (200, json!("http://localhost:2")));
    let no = rig.send("PUT", "/api/tunnels/n", &[json], "{}").await;
    assert_eq!((no.status, no.header("allow")), (405, Some("GET, HEAD, DELETE")));
}

#[tokio::test]
async fn a_tcp_endpoint_has_metrics_and_is_not_inspected() {
    let rig = Rig::up().await;
    let made =
        rig.post("/api/tunnels", json!({"name": "t", "addr": "localhost:22", "proto": "tcp"}));
    let made = made.await.json();
    assert_eq!((&made["proto"], &made["config"]["inspect"]), (&json!("tcp"), &json!(false)));
    assert_eq!(made["metrics"]["http"]["count"], 0);
}

#[tokio::test]
async fn each_failure_has_the_object_that_clients_know() {
    let rig = Rig::up().await;
    let good = || json!({"name": "n", "addr": "http://localhost:80"});
    let cases: [(ControlError, Value); 4] = [
        (
            ControlError::BindRefused { err: "taken\nERR_NGROK_334".to_owned() },
            json!({"error_code": 103, "status_code": 502, "msg": "failed to start tunnel",
                   "details": {"err": "taken\nERR_NGROK_334"}}),
        ),
        (
            ControlError::NoSession,
            json!({"error_code": 104, "status_code": 503,
                   "msg": "ngrok is not yet ready to start tunnels",
                   "details": {"err": "a successful ngrok tunnel session has not yet been established"}}),
        ),
        (
            ControlError::SessionLost,
            json!({"error_code": 104, "status_code": 502,
                   "msg": "ngrok is not yet ready to start tunnels",
                   "details": {"err": "tunnel session not ready yet"}}),
        ),
        (
            ControlError::Invalid { err: "unknown key \"x\"".to_owned() },
            json!({"error_code": 102, "status_code": 400, "msg": "invalid tunnel configuration",
                   "details": {"err": "unknown key \"x\""}}),
        ),
    ];
    for (failure, object) in cases {
        *rig.fake.fails.lock() = Some(failure);
        assert_eq!(rig.post("/api/tunnels", good()).await.error(), object);
    }
    assert_eq!(rig.post("/api/tunnels", good()).await.status, 201);
    let reply =
        rig.post("/api/tunnels", json!({"name": "m", "addr": "80", "proto": "invalid-proto"}));
    let reply = reply.await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("invalid tunnel configuration"), "{}", reply.text());
    assert!(reply.text().contains("protocol name"), "{}", reply.text());
}

#[tokio::test]
async fn what_is_no_definition_is_refused() {
    let rig = Rig::up().await;
    for body in ["", "{", "{\"a\":1}x", "\u{1}", "{\"a\":\"\\ud800\"}"] {
        let json = ("Content-Type", "application/json");
        let error = rig.send("POST", "/api/tunnels", &[json], body).await.error();
        assert_eq!(error["status_code"], 400, "{body:?}");
        assert_eq!(error["msg"], "deserialisation failed", "{body:?}");
        assert_eq!(error.get("error_code"), None);
    }
    for body in [json!([]), json!("x"), json!(null), json!(7)] {
        let error = rig.post("/api/endpoints", body).await.error();
        assert_eq!(
            (&error["error_code"], &error["msg"]),
            (&json!(102), &json!("invalid tunnel configuration"))
        );
    }
    let deep = "[".repeat(100_000);
    let json = ("Content-Type", "application/json");
    assert_eq!(rig.send("POST", "/api/tunnels", &[json], &deep).await.status, 400);
}

#[tokio::test]
async fn what_was_begun_is_done_although_the_client_left() {
    let rig = Rig::up().await;
    let body = r#"{"name":"slow","addr":"http://localhost:80"}"#;
    let mut io = rig.connect().await;
    let head = format!(
        "POST /api/tunnels HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    io.write_all(head.as_bytes()).await.unwrap();
    let wait = async |what: &dyn Fn() -> bool| {
        let waiting = async {
            while !what() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    };
    wait(&|| rig.fake.n_begun.load(SeqCst) == 1).await;
    drop(io);
    // Another request is answered meanwhile.
    assert_eq!(rig.get("/api/tunnels").await.json()["tunnels"], json!([]));
    rig.fake.gate.notify_one();
    let names = || rig.fake.endpoints.lock().iter().map(|e| e.name.clone()).collect::<Vec<_>>();
    wait(&|| names() == ["slow"]).await;
}

#[tokio::test]
async fn changes_that_take_long_are_limited() {
    let rig = std::sync::Arc::new(Rig::up().await);
    let slow = || json!({"name": "slow", "addr": "http://localhost:80"});
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..MAX_WHOLE {
        let rig = std::sync::Arc::clone(&rig);
        let body = slow();
        waiting.spawn(async move { rig.post("/api/tunnels", body).await.status });
    }
    let all_begun = async {
        while rig.fake.n_begun.load(SeqCst) < MAX_WHOLE {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, all_begun).await.unwrap();
    let error = rig.post("/api/tunnels", slow()).await.error();
    let err = "64 changes are under way already; try again";
    assert_eq!((&error["status_code"], &error["details"]["err"]), (&json!(503), &json!(err)));
    rig.fake.gate.notify_waiters();
    assert!(waiting.join_all().await.iter().all(|status| *status == 201));
}
