//! The description of the API, held against what it really answers.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use super::Rig;
use crate::{
    api::{openapi::DOCUMENT, rig::Reply, route::Route},
    control::ControlError,
};

/// The document, and what of it was seen.
struct Described {
    document: Value,
    seen: BTreeSet<String>,
}

impl Described {
    fn new() -> Self {
        Self { document: serde_json::from_str(DOCUMENT).unwrap(), seen: BTreeSet::new() }
    }

    /// Every operation with each of its statuses: `GET /api 200`.
    fn all(&self) -> impl Iterator<Item = (String, String, String)> {
        let paths = self.document["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, item)| {
            item.as_object().unwrap().iter().flat_map(move |(method, operation)| {
                operation["responses"]
                    .as_object()
                    .unwrap()
                    .keys()
                    .map(move |status| (method.to_uppercase(), path.clone(), status.clone()))
            })
        })
    }

    /// Holds an answer against what is said of it.
    fn check(&mut self, method: &str, path: &str, reply: &Reply) {
        let at = format!("{method} {path} {}", reply.status);
        let operation = &self.document["paths"][path][method.to_lowercase()];
        let mut response = &operation["responses"][reply.status.to_string()];
        if let Some(reference) = response["$ref"].as_str() {
            response = self.document.pointer(reference.trim_start_matches('#')).unwrap();
        }
        assert!(response.is_object(), "{at} is not described");
        self.seen.insert(at.clone());
        let Some(content) = response.get("content") else {
            return assert!(reply.body.is_empty(), "{at} has a body");
        };
        let found = reply.header("content-type").unwrap().split(';').next().unwrap();
        let media = content.get(found).unwrap_or_else(|| panic!("{at} is {found}"));
        if found != "application/json" {
            return;
        }
        let value = match reply.header("transfer-encoding") {
            Some(_) => serde_json::from_slice(&reply.unchunked()).unwrap(),
            None => reply.json(),
        };
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "components": self.document["components"], "allOf": [media["schema"]],
        });
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, [""; 0], "{at}: {}", reply.text());
    }
}

#[test]
fn every_route_is_described_with_its_methods() {
    let described = Described::new();
    for (path, item) in described.document["paths"].as_object().unwrap() {
        let route = Route::of(&path.replace(['{', '}'], "")).unwrap();
        let mut methods: Vec<&str> = route.methods().iter().map(Method::as_str).collect();
        methods.retain(|method| *method != "HEAD");
        let said: Vec<String> =
            item.as_object().unwrap().keys().map(|m| m.to_uppercase()).collect();
        assert_eq!(
            BTreeSet::from_iter(said),
            methods.iter().map(ToString::to_string).collect(),
            "{path}"
        );
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_one() {
    let Described { document, .. } = Described::new();
    let mut references = Vec::new();
    collect(&document, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::meta::is_valid(schema), "{name}");
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        Value::Object(map) => {
            for (key, value) in map {
                match value.as_str() {
                    Some(reference) if key == "$ref" => references.push(reference.to_owned()),
                    _ => collect(value, references),
                }
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn what_is_answered_is_what_is_described() {
    let mut described = Described::new();
    let rig = Rig::up().await;
    rig.fake.has("web", "https://app.test", "http://localhost:80");
    let (a, b) = (rig.captured("web", "/a?x=1", 200), rig.captured("web", "/b", 404));
    let (cut, frames) = (rig.cut("web"), rig.websocket("web"));
    let archive = String::from_utf8(rig.get("/api/har").await.unchunked()).unwrap();
    let v2 = r#"{"name":"n","addr":"http://localhost:80"}"#;
    let v3 = r#"{"name":"m","upstream":{"url":"http://localhost:80"}}"#;
    let one = "/api/exchanges/{id}";
    let captured = "/api/requests/http";
    let none = "0000000000000000";
    let steps: &[(&str, &str, &str, &str)] = &[
        ("GET", "/api", "", ""),
        ("GET", "/api/status", "", ""),
        ("GET", "/api/openapi.json", "", ""),
        ("GET", "/api/overview", "", ""),
        ("GET", "/metrics", "", ""),
        ("GET", "/api/tunnels", "", ""),
        ("POST", "/api/tunnels", "", v2),
        ("POST", "/api/tunnels", "", "{}"),
        ("GET", "/api/tunnels/{name}", "/api/tunnels/n", ""),
        ("GET", "/api/tunnels/{name}", "/api/tunnels/none", ""),
        ("DELETE", "/api/tunnels/{name}", "/api/tunnels/n", ""),
        ("DELETE", "/api/tunnels/{name}", "/api/tunnels/n", ""),
        ("GET", "/api/endpoints", "", ""),
        ("POST", "/api/endpoints", "", v3),
        ("POST", "/api/endpoints", "", v3),
        ("GET", "/api/endpoints/{name}", "/api/endpoints/m", ""),
        ("GET", "/api/endpoints/{name}", "/api/endpoints/none", ""),
        ("PUT", "/api/endpoints/{name}", "/api/endpoints/m", v3),
        ("PUT", "/api/endpoints/{name}", "/api/endpoints/new", v3),
        ("PUT", "/api/endpoints/{name}", "/api/endpoints/new", "{}"),
        ("DELETE", "/api/endpoints/{name}", "/api/endpoints/m", ""),
        ("DELETE", "/api/endpoints/{name}", "/api/endpoints/m", ""),
        ("GET", captured, "", ""),
        ("GET", captured, "/api/requests/http?limit=x", ""),
        ("POST", captured, "", &format!(r#"{{"id":"{a}","tunnel_name":null}}"#)),
        ("POST", captured, "", &format!(r#"{{"id":"{none}"}}"#)),
        ("POST", captured, "", &format!(r#"{{"id":"{cut}"}}"#)),
        ("POST", captured, "", "[]"),
        ("GET", "/api/requests/http/{id}", &format!("/api/requests/http/{a}"), ""),
        ("GET", "/api/requests/http/{id}", "/api/requests/http/x", ""),
        ("GET", "/api/exchanges", "", ""),
        ("GET", "/api/exchanges", "/api/exchanges?status=x", ""),
        ("GET", one, &format!("/api/exchanges/{a}"), ""),
        ("GET", one, &format!("/api/exchanges/{frames}"), ""),
        ("GET", one, &format!("/api/exchanges/{none}"), ""),
        (
            "GET",
            "/api/exchanges/{id}/request/body",
            &format!("/api/exchanges/{a}/request/body"),
            "",
        ),
        ("GET", "/api/exchanges/{id}/request/body", "/api/exchanges/x/request/body", ""),
        ("GET", "/api/exchanges/{id}/request/body", "/api/exchanges/x/request/body?decoded=2", ""),
        (
            "GET",
            "/api/exchanges/{id}/response/body",
            &format!("/api/exchanges/{a}/response/body?decoded=1"),
            "",
        ),
        (
            "GET",
            "/api/exchanges/{id}/response/body",
            &format!("/api/exchanges/{cut}/response/body"),
            "",
        ),
        ("GET", "/api/exchanges/{id}/response/body", "/api/exchanges/x/response/body?x", ""),
        ("GET", "/api/exchanges/{id}/messages", &format!("/api/exchanges/{frames}/messages"), ""),
        (
            "GET",
            "/api/exchanges/{id}/messages",
            &format!("/api/exchanges/{frames}/messages?limit=0"),
            "",
        ),
        ("GET", "/api/exchanges/{id}/messages", "/api/exchanges/x/messages", ""),
        ("GET", "/api/exchanges/{id}/curl", &format!("/api/exchanges/{a}/curl"), ""),
        ("GET", "/api/exchanges/{id}/curl", "/api/exchanges/x/curl?secrets=x", ""),
        ("GET", "/api/exchanges/{id}/curl", "/api/exchanges/x/curl", ""),
        (
            "POST",
            "/api/exchanges/{id}/replay",
            &format!("/api/exchanges/{a}/replay"),
            r#"{"path":"/x"}"#,
        ),
        (
            "POST",
            "/api/exchanges/{id}/replay",
            &format!("/api/exchanges/{a}/replay"),
            r#"{"path":"x"}"#,
        ),
        ("POST", "/api/exchanges/{id}/replay", &format!("/api/exchanges/{cut}/replay"), "{}"),
        ("POST", "/api/exchanges/{id}/replay", "/api/exchanges/x/replay", "{}"),
        ("GET", "/api/diff", &format!("/api/diff?left={a}&right={b}"), ""),
        ("GET", "/api/diff", &format!("/api/diff?left={a}&right=x"), ""),
        ("GET", "/api/diff", "/api/diff", ""),
        ("GET", "/api/har", &format!("/api/har?ids={a},{b}"), ""),
        ("GET", "/api/har", "/api/har?secrets=x", ""),
        ("POST", "/api/har", "", &archive),
        ("POST", "/api/har", "", "{}"),
        ("POST", "/api/config/reload", "", "{}"),
        ("DELETE", captured, "", ""),
        ("DELETE", "/api/exchanges", "", ""),
    ];
    for (method, path, target, body) in steps {
        let target = if target.is_empty() { path } else { target };
        let json = ("Content-Type", "application/json");
        let reply = rig.send(method, target, &[json], body).await;
        described.check(method, path, &reply);
    }
    for (failure, path) in [
        (ControlError::NoSession, "/api/tunnels"),
        (ControlError::SessionLost, "/api/tunnels"),
        (ControlError::NoSession, "/api/endpoints"),
        (ControlError::BindRefused { err: "no".to_owned() }, "/api/endpoints"),
        (ControlError::Config { err: "no".to_owned() }, "/api/config/reload"),
    ] {
        *rig.fake.fails.lock() = Some(failure);
        described.check("POST", path, &rig.post(path, json!({"name": "q"})).await);
    }
    for (failure, status) in [
        (ControlError::NoSession, "503"),
        (ControlError::BindRefused { err: "no".to_owned() }, "502"),
    ] {
        *rig.fake.fails.lock() = Some(failure);
        let json = ("Content-Type", "application/json");
        let reply = rig.send("PUT", "/api/endpoints/q", &[json], "{}").await;
        assert_eq!(reply.status.to_string(), status);
        described.check("PUT", "/api/endpoints/{name}", &reply);
    }
    let all: Vec<_> = described.all().collect();
    for (method, path, _) in all.iter().filter(|(_, _, status)| status == "415") {
        let target = path.replace("{id}", none).replace("{name}", "x");
        described.check(method, path, &rig.send(method, &target, &[], "{}").await);
    }
    let unseen: Vec<_> = all
        .into_iter()
        .map(|(method, path, status)| format!("{method} {path} {status}"))
        .filter(|at| !described.seen.contains(at))
        .collect();
    // Those need an endless answer, an agent without a store, or one that hangs up.
    let elsewhere = [
        "GET /api/events 200",
        "GET /api/events 503",
        "POST /api/exchanges/{id}/replay 502",
        "POST /api/har 409",
    ];
    assert_eq!(unseen, elsewhere);
}
