//! Exchanges as the page and the command line ask for them.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::Rig;
use crate::{
    api::rig::entry,
    model::{Body, Headers},
};

fn paths(list: &Value) -> Vec<&str> {
    list["exchanges"].as_array().unwrap().iter().map(|row| row["path"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_row_has_what_a_list_shows() {
    let rig = Rig::up().await;
    let id = rig.captured("web", "/a?b=c", 404);
    let row = json!({
        "id": id.to_string(), "endpoint": "web", "method": "POST", "host": "app.test",
        "path": "/a?b=c", "proto": "HTTP/1.1", "status": 404, "start": "2026-09-10T03:55:46.123Z",
        "duration_ns": 6_000_000, "request_size": 11, "response_size": 5,
        "content_type": "text/plain", "remote_addr": "192.0.2.7", "kind": "http", "n_messages": 0,
        "state": "done", "error": null, "decided_by": null, "replay_of": null, "imported": false,
    });
    let list = rig.get("/api/exchanges").await.json();
    assert_eq!(list, json!({"exchanges": [row], "more": false}));
}

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    let rig = Rig::up().await;
    let ids: Vec<String> =
        (0..5).map(|i| rig.captured("web", &format!("/{i}"), 200 + i).to_string()).collect();
    rig.captured("other", "/o", 500);
    let get = async |query: &str| rig.get(&format!("/api/exchanges{query}")).await.json();
    let page = get("?limit=2").await;
    assert_eq!((paths(&page), &page["more"]), (vec!["/o", "/4"], &json!(true)));
    let page = get(&format!("?limit=2&before={}", ids[1])).await;
    assert_eq!((paths(&page), &page["more"]), (vec!["/0"], &json!(false)));
    for (query, found) in [
        ("?endpoint=other", vec!["/o"]),
        ("?path=%2F3", vec!["/3"]),
        ("?status=5xx", vec!["/o"]),
        ("?status=201-202", vec!["/2", "/1"]),
        ("?method=get", vec![]),
        ("?min_ms=6.5", vec![]),
        ("?max_ms=6&max_size=5&min_size=5&status=200", vec!["/0"]),
        ("?header=authorization:secret&endpoint=other", vec!["/o"]),
        ("?q=nothing-like-it", vec![]),
    ] {
        assert_eq!(paths(&get(query).await), found, "{query}");
    }
    for (query, err) in [
        ("?limit=0", "parameter \"limit\": not in 1..=1000"),
        ("?limit=1001", "parameter \"limit\": not in 1..=1000"),
        ("?status=x", "parameter \"status\": \"x\" is no status: write 200, 4xx or 400-499"),
        ("?before=x", "\"x\" is no id of an exchange"),
        (
            "?min_ms=-1",
            "parameter \"min_ms\": cannot convert float seconds to Duration: value is negative",
        ),
    ] {
        let error = rig.get(&format!("/api/exchanges{query}")).await.error();
        assert_eq!((&error["status_code"], &error["details"]["err"]), (&json!(400), &json!(err)));
    }
    assert_eq!(rig.get("/api/exchanges?limits=1").await.status, 400);
}

#[tokio::test]
async fn one_exchange_is_shown_with_all_that_it_says() {
    let rig = Rig::up().await;
    let id = rig.captured("web", "/a?b=c&b=%3Cd%3E", 200);
    let shown = rig.get(&format!("/api/exchanges/{id}")).await.json();
    assert_eq!(shown["id"], id.to_string());
    let request = &shown["request"];
    assert_eq!(request["start_line"], "POST /a?b=c&b=%3Cd%3E HTTP/1.1");
    let query = json!([{"name": "b", "value": "c"}, {"name": "b", "value": "<d>"}]);
    assert_eq!(request["query"], query);
    let header = json!({"name": "Authorization", "value": "Bearer secret", "sensitive": true});
    assert_eq!(request["headers"][1], header);
    assert_eq!(request["body"]["kind"], "json");
    assert_eq!(request["body"]["pretty"], true);
    let response = &shown["response"];
    assert_eq!(
        (&response["start_line"], &response["origin"]),
        (&json!("HTTP/1.1 200 OK"), &json!("upstream"))
    );
    assert_eq!(
        (&response["body"]["kind"], &response["body"]["text"]),
        (&json!("text"), &json!("hello"))
    );
    assert_eq!(response.get("query"), None);
    assert_eq!(shown["timing"]["total_ns"], 6_000_000);
    assert_eq!(rig.get("/api/exchanges/none").await.error()["error_code"], 106);
}

#[tokio::test]
async fn captured_bytes_are_a_file_in_a_sandbox_whatever_they_say_to_be() {
    let rig = Rig::up().await;
    for (media, body, name) in [
        ("text/html", &b"<script>alert(1)</script>"[..], "html"),
        ("image/svg+xml", b"<svg onload='alert(1)'/>", "svg"),
        ("text/html\"; x=\"\r\ny", b"x", "txt"),
        ("image/png", b"<script>", "bin"),
        ("application/json", b"{}", "json"),
    ] {
        let mut entry = entry("web", "/", 200);
        let response = entry.response.as_mut().unwrap();
        response.headers = Headers::collect([("content-type", media.as_bytes())]);
        response.body = Body::whole(body);
        let id = entry.id;
        assert!(rig.store.add(entry));
        let reply = rig.get(&format!("/api/exchanges/{id}/response/body")).await;
        assert_eq!((reply.status, &*reply.body), (200, body));
        assert_eq!(reply.header("content-type"), Some("application/octet-stream"), "{media}");
        let file = format!("attachment; filename=\"{id}-response.{name}\"");
        assert_eq!(reply.header("content-disposition"), Some(&*file));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.contains("sandbox"), "{policy}");
    }
}

#[tokio::test]
async fn a_picture_is_shown_and_an_encoding_is_undone() {
    let rig = Rig::up().await;
    let mut entry = entry("web", "/", 200);
    let png = b"\x89PNG\r\n\x1a\nrest";
    let response = entry.response.as_mut().unwrap();
    response.headers = Headers::collect([("content-type", &b"image/png"[..])]);
    response.body = Body { bytes: png.to_vec().into(), total: 500 };
    let request = &mut entry.request;
    request.headers = Headers::collect([("content-encoding", &b"gzip"[..])]);
    let gzip = BASE64_STANDARD.decode("H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA==").unwrap();
    request.body = Body::whole(gzip.clone());
    let id = entry.id;
    assert!(rig.store.add(entry));
    let picture = rig.get(&format!("/api/exchanges/{id}/response/body?decoded=1")).await;
    assert_eq!((picture.header("content-type"), &*picture.body), (Some("image/png"), &png[..]));
    assert_eq!(picture.header("content-disposition"), None);
    assert_eq!(picture.header("x-adit-truncated"), Some("1"));
    let as_it_came = rig.get(&format!("/api/exchanges/{id}/request/body")).await;
    assert_eq!(as_it_came.body, gzip);
    let decoded = rig.get(&format!("/api/exchanges/{id}/request/body?decoded=1")).await;
    assert_eq!(decoded.text(), "hello");
    assert_eq!(decoded.header("x-adit-truncated"), None);
}

#[tokio::test]
async fn messages_are_listed_in_pages() {
    let rig = Rig::up().await;
    let id = rig.websocket("web");
    let get =
        async |query: &str| rig.get(&format!("/api/exchanges/{id}/messages{query}")).await.json();
    let all = get("").await;
    assert_eq!((&all["total"], &all["first"], &all["more"]), (&json!(3), &json!(1), &json!(false)));
    let text = json!({
        "n": 1, "from": "client", "kind": "text", "code": null, "at_ns": 7_000_000, "size": 2,
        "truncated": false, "compressed": false, "text": "hi", "base64": null,
    });
    assert_eq!(all["messages"][0], text);
    assert_eq!(all["messages"][1]["base64"], BASE64_STANDARD.encode(b"\0x"));
    assert_eq!(all["messages"][2]["code"], 1000);
    let page = get("?after=1&limit=1").await;
    assert_eq!((&page["messages"][0]["n"], &page["more"]), (&json!(2), &json!(true)));
    let row = &rig.get("/api/exchanges").await.json()["exchanges"][0];
    assert_eq!((&row["kind"], &row["n_messages"]), (&json!("websocket"), &json!(3)));
    let plain = rig.captured("web", "/", 200);
    let none = rig.get(&format!("/api/exchanges/{plain}/messages")).await.json();
    assert_eq!(none, json!({"messages": [], "more": false, "total": 0, "first": null}));
}

#[tokio::test]
async fn a_replay_is_there_when_it_is_answered() {
    let rig = Rig::up().await;
    rig.fake.has("web", "https://app.test", "http://localhost:80");
    let first = rig.captured("web", "/a", 200).to_string();
    let known = json!({"id": first, "tunnel_name": null, "tunnelName": "x"});
    let reply = rig.post("/api/requests/http", known).await;
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    let list = rig.get("/api/requests/http").await.json();
    let again = list["requests"][0]["id"].as_str().unwrap();
    assert_eq!(list["requests"].as_array().unwrap().len(), 2);
    assert!(again > first.as_str());
    let changes = json!({
        "method": "PUT", "path": "/b?c", "headers": [{"name": "X-New", "value": "1"}],
        "body_base64": BASE64_STANDARD.encode(b"\0\xff"),
    });
    let sent = rig.post(&format!("/api/exchanges/{first}/replay"), changes).await;
    assert_eq!(sent.status, 201);
    let uri = sent.json()["uri"].as_str().unwrap().to_owned();
    let shown = rig.get(&uri).await.json();
    assert_eq!((&shown["method"], &shown["path"]), (&json!("PUT"), &json!("/b?c")));
    assert_eq!((&shown["replay_of"], &shown["request"]["size"]), (&json!(first), &json!(2)));
    let names = shown["request"]["headers"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|h| h["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"X-New") && !names.contains(&"Authorization"), "{names:?}");
}

#[tokio::test]
async fn a_replay_that_cannot_be_is_refused_with_the_reason() {
    let rig = Rig::up().await;
    let id = rig.captured("gone", "/a", 200);
    let replay = async |id: &str, body: Value| {
        let error = rig.post(&format!("/api/exchanges/{id}/replay"), body).await.error();
        (
            error["status_code"].as_u64().unwrap(),
            error["details"]["err"].as_str().unwrap().to_owned(),
        )
    };
    let gone = "there is no endpoint \"gone\" that exchanges can be sent to".to_owned();
    assert_eq!(replay(&id.to_string(), json!({})).await, (409, gone));
    let cut = rig.cut("gone").to_string();
    let (status, err) = replay(&cut, json!({})).await;
    assert_eq!(status, 409);
    assert!(err.starts_with("only 11 of 5000 bytes of the body were kept"), "{err}");
    for body in [
        json!({"path": "no-slash"}),
        json!({"method": "A B"}),
        json!({"headers": [{"name": "a b", "value": ""}]}),
        json!({"headers": [{"name": "a", "value": "x\r\ny: z"}]}),
        json!({"body_base64": "*"}),
        json!({"unknown": 1}),
        json!([]),
    ] {
        assert_eq!(replay(&id.to_string(), body.clone()).await.0, 400, "{body}");
    }
}

#[tokio::test]
async fn a_command_line_hides_secrets_unless_asked() {
    let rig = Rig::up().await;
    let id = rig.captured("web", "/a", 200);
    let masked = rig.get(&format!("/api/exchanges/{id}/curl")).await;
    assert_eq!(masked.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(masked.text().contains("curl") && masked.text().contains("https://app.test/a"));
    assert!(!masked.text().contains("Bearer secret"), "{}", masked.text());
    let whole = rig.get(&format!("/api/exchanges/{id}/curl?secrets=include")).await;
    assert!(whole.text().contains("Bearer secret"), "{}", whole.text());
}

#[tokio::test]
async fn two_exchanges_are_compared() {
    let rig = Rig::up().await;
    let (a, b) = (rig.captured("web", "/a", 200), rig.captured("web", "/b", 404));
    let diff = rig.get(&format!("/api/diff?left={a}&right={b}")).await.json();
    let line = json!({"left": "POST /a HTTP/1.1", "right": "POST /b HTTP/1.1", "same": false});
    assert_eq!(diff["request"]["start_line"], line);
    assert_eq!(diff["request"]["body"]["kind"], "same");
    let secret = &diff["request"]["headers"][1];
    assert_eq!((&secret["sensitive"], &secret["change"]), (&json!(true), &json!("same")));
    assert_eq!(
        (&diff["left"]["id"], &diff["right"]["status"]),
        (&json!(a.to_string()), &json!(404))
    );
}

#[tokio::test]
async fn an_archive_comes_back_as_it_went() {
    let rig = Rig::up().await;
    let (a, b) = (rig.captured("web", "/a", 200), rig.captured("web", "/b", 404));
    let export = rig.get("/api/har?secrets=include").await;
    assert_eq!(export.header("content-disposition"), Some("attachment; filename=\"adit.har\""));
    let archive: Value = serde_json::from_slice(&export.unchunked()).unwrap();
    let urls: Vec<_> = archive["log"]["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["request"]["url"].clone())
        .collect();
    assert_eq!(urls, ["https://app.test/a", "https://app.test/b"]);
    let one = rig.get(&format!("/api/har?ids={b}")).await.unchunked();
    assert!(!String::from_utf8(one).unwrap().contains("Bearer secret"));
    rig.delete("/api/exchanges").await;
    let taken = rig.post("/api/har", archive).await;
    assert_eq!((taken.status, &taken.json()["imported"]), (201, &json!(2)));
    let rows = rig.get("/api/exchanges").await.json();
    assert_eq!(paths(&rows), ["/b", "/a"]);
    assert_eq!(rows["exchanges"][0]["imported"], true);
    assert_ne!(rows["exchanges"][0]["id"], a.to_string());
    let error = rig.post("/api/har", json!({"log": 1})).await.error();
    assert!(error["details"]["err"].as_str().unwrap().starts_with("this is no HTTP archive: "));
    assert_eq!(rig.get("/api/har?ids=x").await.error()["error_code"], 106);
}
