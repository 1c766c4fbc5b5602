//! Endpoints that the local API makes and takes away.

use adit_tests::Upstream;
use http::Method;
use serde_json::{Value, json};

use super::{agent::Agent, here};

async fn empty(home: &tempfile::TempDir) -> Agent {
    let defined = "- name: defined\n  upstream: {url: 1}\n";
    let mut agent = Agent::start(home, defined, &["start", "--none"]).await;
    agent.program.line("tunnel session started").await;
    agent
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn both_dialects_make_endpoints_that_work_and_can_be_taken_away() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::counting("hello").await;
    let agent = empty(&home).await;
    let tunnel = json!({
        "name": "a b", "proto": "http", "addr": upstream.addr().to_string(), "bind_tls": false,
        "authtoken": "ignored", "configPath": "/ignored"
    });
    let made = agent.post("/api/tunnels", tunnel.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json["proto"], "http");
    assert_eq!(made.json["config"], json!({ "addr": upstream.http_url(), "inspect": true }));
    assert_eq!(text(&made.json["ID"]).len(), 32);
    assert_eq!(here(&text(&made.json["public_url"])).get("/").await.text(), "hello");

    let endpoint = json!({ "name": "v3", "url": "tcp://", "upstream": { "url": "localhost:22" } });
    let made = agent.post("/api/endpoints", endpoint).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(
        (&made.json["proto"], &made.json["config"]["addr"]),
        (&json!("tcp"), &json!("localhost:22"))
    );
    assert_eq!(agent.names().await, ["a b", "v3"]);

    let again = agent.post("/api/tunnels", tunnel).await;
    assert_eq!((again.status, &again.json["error_code"]), (400, &json!(102)), "{again:?}");
    assert_eq!(agent.get("/api/tunnels/a%20b").await["name"], "a b");
    assert_eq!(agent.delete("/api/endpoints/a%20b").await.status, 204);
    let gone = agent.delete("/api/tunnels/a%20b").await;
    assert_eq!((gone.status, &gone.json["error_code"]), (404, &json!(100)));
    assert_eq!(agent.names().await, ["v3"]);
}

#[tokio::test]
async fn mistakes_and_refusals_reserve_nothing() {
    let home = tempfile::tempdir().unwrap();
    let agent = empty(&home).await;
    let tunnel = |more: Value| {
        let mut all = json!({ "name": "a", "proto": "http", "addr": 80 });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    for (body, says) in [
        (tunnel(json!({ "proto": "carrier" })), "protocol name"),
        (tunnel(json!({ "name": "defined" })), "is defined in the configuration"),
        (tunnel(json!({ "ip_restriction": { "allow_cidrs": ["allowed"] } })), "allowed"),
        (tunnel(json!({ "circuit_breaker": 20 })), "circuit"),
        (tunnel(json!({ "no_such": 1 })), "no_such"),
        (json!({ "proto": "http", "addr": 80 }), "name"),
    ] {
        let answer = agent.post("/api/tunnels", body).await;
        let err = text(&answer.json["details"]["err"]);
        assert_eq!((answer.status, &answer.json["error_code"]), (400, &json!(102)), "{answer:?}");
        assert_eq!(answer.json["msg"], "invalid tunnel configuration");
        assert!(err.contains(says) && !err.contains("definition:"), "{err}");
    }
    let foreign = json!({ "name": "a", "addr": 80, "basic_auth": ["ann:password"] });
    assert_eq!(agent.post("/api/endpoints", foreign).await.status, 400);

    let first = json!({ "name": "first", "url": "http://one.localhost", "upstream": { "url": 1 } });
    assert_eq!(agent.post("/api/endpoints", first).await.status, 201);
    let taken = tunnel(json!({ "url": "http://one.localhost" }));
    let refused = agent.post("/api/tunnels", taken).await;
    assert_eq!((refused.status, &refused.json["error_code"]), (502, &json!(103)), "{refused:?}");
    assert_eq!(refused.json["msg"], "failed to start tunnel");
    assert!(text(&refused.json["details"]["err"]).ends_with("ERR_NGROK_334"), "{refused:?}");
    assert_eq!(agent.post("/api/tunnels", tunnel(json!({}))).await.status, 201);
    assert_eq!(agent.names().await, ["first", "a"]);
}

#[tokio::test]
async fn two_schemes_are_two_objects_at_one_host() {
    let home = tempfile::tempdir().unwrap();
    let agent = empty(&home).await;
    let tunnel = json!({ "name": "x", "proto": "http", "addr": 80, "schemes": ["http", "https"] });
    let made = agent.post("/api/tunnels", tunnel.clone()).await;
    assert_eq!(
        (made.status, &made.json["name"], &made.json["proto"]),
        (201, &json!("x"), &json!("https"))
    );
    assert_eq!(agent.names().await, ["x", "x (http)"]);
    let second = agent.get("/api/tunnels/x%20(http)").await;
    assert_eq!(second["uri"], "/api/tunnels/x%20%28http%29");
    let host = |url: &Value| text(url).split(':').nth(1).unwrap().to_owned();
    assert_eq!(host(&second["public_url"]), host(&made.json["public_url"]));

    // The name of the second is taken too.
    assert_eq!(agent.delete("/api/tunnels/x").await.status, 204);
    assert_eq!(agent.names().await, ["x (http)"]);
    assert_eq!(agent.post("/api/tunnels", tunnel).await.status, 400);
    assert_eq!(agent.delete("/api/tunnels/x%20%28http%29").await.status, 204);
    assert_eq!(agent.names().await, Vec::<String>::new());
}

#[tokio::test]
async fn putting_a_definition_changes_what_is_served_where_it_is() {
    let home = tempfile::tempdir().unwrap();
    let (one, two) = (Upstream::counting("one").await, Upstream::counting("two").await);
    let agent = empty(&home).await;
    let to = |upstream: &Upstream, url: &str| json!({ "url": url, "upstream": { "url": upstream.http_url() } });
    let put = async |body: Value| agent.ask(Method::PUT, "/api/endpoints/a", Some(body)).await;
    let made = put(to(&one, "http://a.localhost")).await;
    assert_eq!(made.status, 201, "{made:?}");
    let url = text(&made.json["url"]);
    assert_eq!(here(&url).get("/").await.text(), "one");
    let changed = put(to(&two, "http://a.localhost")).await;
    assert_eq!((changed.status, &changed.json["ID"]), (200, &made.json["ID"]), "{changed:?}");
    assert_eq!(here(&url).get("/").await.text(), "two");

    // Another address is another endpoint; the counters go on.
    let moved = put(to(&two, "http://b.localhost")).await;
    assert_eq!(moved.status, 200, "{moved:?}");
    assert_eq!(here(&text(&moved.json["url"])).get("/").await.text(), "two");
    assert_eq!(here(&url).get("/").await.code(), "ERR_NGROK_3200");
    let metrics = &agent.get("/api/endpoints/a").await["metrics"];
    assert_eq!(metrics["conns"]["count"], 3, "{metrics}");
    assert_eq!(put(json!({ "upstream": { "url": "://" } })).await.status, 400);
    assert_eq!(agent.names().await, ["a"]);
}

#[tokio::test]
async fn a_captured_request_goes_out_again_and_another_address_is_not_needed_for_new_metadata() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::counting("hello").await;
    let agent = empty(&home).await;
    let to = |more: Value| {
        let mut all = json!({ "url": "http://", "upstream": { "url": upstream.http_url() } });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let put = async |body: Value| agent.ask(Method::PUT, "/api/endpoints/a", Some(body)).await;
    let made = put(to(json!({}))).await;
    let url = text(&made.json["url"]);
    assert_eq!(here(&url).get("/path?x=1").await.text(), "hello");
    let captured = async || {
        let all = agent.get("/api/requests/http").await;
        all["requests"].as_array().unwrap().clone()
    };
    let first = captured().await;
    let of = |entry: &Value| {
        (
            text(&entry["tunnel_name"]),
            text(&entry["request"]["uri"]),
            entry["response"]["status_code"].clone(),
        )
    };
    assert_eq!(
        first.iter().map(of).collect::<Vec<_>>(),
        [("a".into(), "/path?x=1".into(), json!(200))]
    );
    let again = json!({ "id": first[0]["id"], "tunnel_name": null });
    assert_eq!(agent.post("/api/requests/http", again).await.status, 204);
    let all = captured().await;
    assert_eq!((all.len(), upstream.hits()), (2, 2));
    assert_eq!(of(&all[0]), of(&first[0]));
    assert!(text(&all[0]["id"]) > text(&first[0]["id"]));

    let renewed = put(to(json!({ "metadata": "other" }))).await;
    assert_eq!((renewed.status, text(&renewed.json["url"])), (200, url.clone()), "{renewed:?}");
    assert_eq!(renewed.json["metadata"], "other");
    assert_eq!(here(&url).get("/").await.text(), "hello");
    // Without inspection nothing more is captured, on connections that are open too.
    assert_eq!(put(to(json!({ "metadata": "other", "inspect": false }))).await.status, 200);
    assert_eq!(here(&url).get("/").await.text(), "hello");
    assert_eq!(captured().await.len(), 3);
    let metrics = &agent.get("/api/endpoints/a").await["metrics"];
    assert_eq!(metrics["conns"]["count"], 3, "{metrics}");
}
