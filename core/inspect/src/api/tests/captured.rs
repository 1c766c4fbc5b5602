//! Captured requests as clients know them.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::Rig;

fn ids(list: &Value) -> Vec<String> {
    let requests = list["requests"].as_array().unwrap();
    requests.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_entry_has_what_clients_read() {
    let rig = Rig::up().await;
    let id = rig.captured("x (http)", "/a?b=c", 502).to_string();
    let list = rig.get("/api/requests/http").await.json();
    assert_eq!(list["uri"], "/api/requests/http");
    let entry = &list["requests"][0];
    assert_eq!(entry, &rig.get(&format!("/api/requests/http/{id}")).await.json());
    assert_eq!(entry["id"], id);
    assert_eq!(entry["uri"], format!("/api/requests/http/{id}"));
    assert_eq!(entry["tunnel_name"], "x (http)");
    assert_eq!(entry["remote_addr"], "192.0.2.7");
    assert_eq!(entry["duration"], 6_000_000);
    let request = &entry["request"];
    assert_eq!(request["method"], "POST");
    assert_eq!((&request["proto"], &request["uri"]), (&json!("HTTP/1.1"), &json!("/a?b=c")));
    assert_eq!(request["headers"]["Content-Type"], json!(["application/json"]));
    let response = &entry["response"];
    assert_eq!(
        (&response["status"], &response["status_code"]),
        (&json!("502 Bad Gateway"), &json!(502))
    );
    assert_eq!(response["headers"]["Set-Cookie"], json!(["a=1", "b=2"]));
    let raw = |message: &Value| {
        let bytes = BASE64_STANDARD.decode(message["raw"].as_str().unwrap()).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(
        raw(request),
        "POST /a?b=c HTTP/1.1\r\nHost: app.test\r\nAuthorization: Bearer secret\r\n\
         Content-Type: application/json\r\n\r\n{\"a\":[1,2]}"
    );
    assert!(raw(response).ends_with("\r\n\r\nhello"));
}

#[tokio::test]
async fn lists_are_newest_first_filtered_by_name_and_limited() {
    let rig = Rig::up().await;
    let first = rig.captured("a (http)", "/1", 200).to_string();
    let second = rig.captured("b", "/2", 200).to_string();
    let third = rig.captured("a (http)", "/3", 200).to_string();
    let get = async |query: &str| ids(&rig.get(&format!("/api/requests/http{query}")).await.json());
    assert_eq!(get("").await, [&*third, &*second, &*first]);
    assert!(first < second && second < third);
    assert_eq!(get("?limit=1").await, [&*third]);
    assert_eq!(get("?tunnel_name=a%20%28http%29").await, [&*third, &*first]);
    assert_eq!(get("?tunnel_name=unknown").await, [""; 0]);
    for query in ["?limit=x", "?limit=-1", "?limit=1.5"] {
        let error = rig.get(&format!("/api/requests/http{query}")).await.error();
        assert_eq!(
            (&error["status_code"], &error["msg"]),
            (&json!(400), &json!("deserialisation failed"))
        );
    }
}

#[tokio::test]
async fn deleting_empties_the_list() {
    let rig = Rig::up().await;
    rig.captured("a", "/1", 200);
    let gone = rig.delete("/api/requests/http").await;
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    assert_eq!(rig.get("/api/requests/http").await.json()["requests"], json!([]));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let rig = Rig::up().await;
    for id in ["0000000000000001", "x", "%20", "00000000000000001"] {
        let error = rig.get(&format!("/api/requests/http/{id}")).await.error();
        assert_eq!(
            (&error["error_code"], &error["status_code"]),
            (&json!(106), &json!(404)),
            "{id}"
        );
        assert_eq!(error["msg"], "request not found");
    }
    let again = json!({"id": "0000000000000001", "tunnel_name": null, "tunnelName": "x"});
    let error = rig.post("/api/requests/http", again).await.error();
    assert_eq!(error["details"], json!({"id": "0000000000000001"}));
    assert_eq!(rig.post("/api/requests/http", json!({})).await.status, 400);
}

#[tokio::test]
async fn one_is_sent_again_to_the_endpoint_that_is_named_or_else_to_its_own() {
    let rig = Rig::up().await;
    rig.fake.has("a", "https://a.test", "http://localhost:1");
    rig.fake.has("b (http)", "http://b.test", "http://localhost:2");
    let id = rig.captured("a", "/1", 200).to_string();
    let again = async |name: Value| {
        let body = json!({"id": id, "tunnel_name": name, "tunnelName": "x"});
        rig.post("/api/requests/http", body).await
    };
    for (name, to) in [(json!(null), "a"), (json!(""), "a"), (json!("b (http)"), "b (http)")] {
        let answer = again(name).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0));
        let list = rig.get("/api/requests/http?limit=1").await.json();
        let newest = &list["requests"][0];
        assert_eq!((&newest["tunnel_name"], &newest["request"]["uri"]), (&json!(to), &json!("/1")));
        assert!(newest["id"].as_str().unwrap() > id.as_str());
    }
    let error = again(json!("nobody")).await.error();
    assert_eq!((&error["error_code"], &error["status_code"]), (&json!(100), &json!(404)));
    assert_eq!(
        (&error["msg"], &error["details"]),
        (&json!("tunnel not found"), &json!({"name": "nobody"}))
    );
    assert_eq!(ids(&rig.get("/api/requests/http").await.json()).len(), 4);
}
