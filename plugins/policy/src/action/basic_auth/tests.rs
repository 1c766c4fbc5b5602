#![allow(clippy::unwrap_used, reason = "tests")]

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value as Json, json};

use crate::testing::{Passed, Rig, get, policy, refused, request, request_action};

fn auth(credentials: Json) -> Rig {
    request_action("basic-auth", json!({"credentials": credentials}))
}

fn basic(pair: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

async fn asks(rig: &Rig, pair: &str) -> Passed {
    rig.request(request("GET", "/", &[("authorization", &basic(pair))], "")).await
}

fn found(presented: bool, username: &str, authorized: bool) -> Json {
    let credentials =
        json!({"presented": presented, "username": username, "authorized": authorized});
    json!({"credentials": credentials})
}

#[tokio::test]
async fn each_known_pair_passes_under_its_name_and_the_upstream_sees_it() {
    let named = json!({"username": "bob", "password": "hunter2hunter2"});
    let rig = auth(json!(["ann:pass:word", named]));
    let passed = asks(&rig, "ann:pass:word").await;
    assert_eq!(passed.sent_lines("authorization"), [basic("ann:pass:word")]);
    let identity = passed.exchange.identity.clone().unwrap();
    assert_eq!((&*identity.provider, &*identity.subject), ("basic-auth", "ann"));
    assert_eq!(rig.result("basic_auth"), found(true, "ann", true));
    assert!(asks(&rig, "bob:hunter2hunter2").await.is_forwarded());
}

#[tokio::test]
async fn strangers_are_challenged_without_a_code() {
    let rig = auth(json!(["ann:password"]));
    let refusal = asks(&rig, "ann:passwort").await.refusal();
    assert_eq!((refusal.status.as_u16(), refusal.code), (401, None));
    assert_eq!(refusal.headers["www-authenticate"], "Basic realm=\"ngrok\"");
    assert_eq!(rig.result("basic_auth"), found(true, "ann", false));
    assert_eq!(rig.request(get("/")).await.refused(), (401, None));
    assert_eq!(rig.result("basic_auth"), found(false, "", false));
    for malformed in ["Basic ???", "Bearer x", "Basic YW5u", ""] {
        let asked = request("GET", "/", &[("authorization", malformed)], "");
        assert_eq!(rig.request(asked).await.refused(), (401, None), "{malformed}");
        assert_eq!(rig.result("basic_auth"), found(false, "", false), "{malformed}");
    }
}

#[tokio::test]
async fn the_realm_is_told_as_it_was_written() {
    let config = json!({"credentials": ["ann:password"], "realm": "say \"hi\""});
    let refusal = request_action("basic-auth", config).request(get("/")).await.refusal();
    assert_eq!(refusal.headers["www-authenticate"], "Basic realm=\"say \\\"hi\\\"\"");
}

#[tokio::test]
async fn without_enforcement_rules_after_it_decide() {
    let config = json!({"credentials": ["ann:password"], "enforce": false});
    let authorized = "actions.ngrok.basic_auth.credentials.authorized";
    let rig = policy(json!({"on_http_request": [
        {"actions": [{"type": "basic-auth", "config": config}]},
        {"expressions": [format!("!{authorized}")], "actions": [{"type": "deny"}]},
    ]}));
    assert!(asks(&rig, "ann:password").await.is_forwarded());
    assert_eq!(asks(&rig, "ann:passwort").await.response().status(), 403);
    assert_eq!(rig.request(get("/")).await.response().status(), 403);
}

#[tokio::test]
async fn parts_may_come_from_expressions() {
    let user = "${req.headers['x-user'][0]}";
    let password = "${req.headers['x-pass'][0]}";
    let asks = async |credential: String, (user, pass): (&str, &str), pair: &str| {
        let headers = [("x-user", user), ("x-pass", pass), ("authorization", &basic(pair))];
        auth(json!([credential])).request(request("GET", "/", &headers, "")).await.is_forwarded()
    };
    assert!(asks(format!("{user}:password"), ("ann", ""), "ann:password").await);
    assert!(asks(format!("pre{user}:password"), ("ann", ""), "preann:password").await);
    assert!(
        asks(format!("{user}:{password}"), ("ann", "hunter2hunter2"), "ann:hunter2hunter2").await
    );
    assert!(asks(user.to_owned(), ("ann:pass:word", ""), "ann:pass:word").await);
    assert!(asks(format!("ann:a:{password}"), ("", "bcdefg"), "ann:a:bcdefg").await);
    assert!(!asks(format!("{user}:password"), ("bob", ""), "ann:password").await);
}

#[tokio::test]
async fn an_expression_cannot_move_the_colon() {
    let refused = async |credential: &str, value: &str| {
        let headers = [("x-v", value), ("authorization", &basic("ann:password"))];
        auth(json!([credential])).request(request("GET", "/", &headers, "")).await.refused()
    };
    let failed = (500, Some(2238));
    let value = "${req.headers['x-v'][0]}";
    assert_eq!(refused(&format!("{value}:word"), "ann:pass").await, failed);
    assert_eq!(refused(&format!("ann:{value}"), "pass:word").await, failed);
    assert_eq!(refused(&format!("ann:x:{value}"), "pass:word").await, failed);
    assert_eq!(refused(value, "no colon here").await, failed);
    assert_eq!(refused(value, "ann:short").await, failed);
    assert_eq!(refused("${req.headers['x-none'][0]}", "ann:password").await, failed);
    let text = format!("{value}{value}");
    assert_eq!(refused_credential(&text), ["credentials.0: 2204"]);
}

#[tokio::test]
async fn what_an_expression_said_is_not_read_again() {
    let credential = "ann:${req.headers['x-pass'][0]}";
    let headers = [("x-pass", "${req.method}"), ("authorization", &basic("ann:${req.method}"))];
    let rig = auth(json!([credential]));
    assert!(rig.request(request("GET", "/", &headers, "")).await.is_forwarded());
}

fn refused_credential(credential: &str) -> Vec<String> {
    refused("basic-auth", json!({"credentials": [credential]}))
}

#[test]
fn where_an_expression_may_stand_is_checked_while_loading() {
    for good in [
        "${'a'}",
        "${ {'k': 'ann:password'}['k'] }",
        "${'a:b'}:password",
        "${'a'}:${'}'}",
        "pre${'a'}:password",
    ] {
        assert_eq!(refused_credential(good), Vec::<String>::new(), "{good}");
    }
    for bad in ["${'a'}password", "pre${'a'}post", "${'a'}${':password'}", "x${'ann:password'}"] {
        assert_eq!(refused_credential(bad), ["credentials.0: 2204"], "{bad}");
    }
    assert_eq!(refused_credential("${req.nope}:password"), ["credentials.0: 2224"]);
    assert_eq!(refused_credential("ann:${"), ["credentials.0: 2224"]);
}

#[test]
fn credentials_have_limits() {
    let one = refused_credential;
    assert_eq!(one("ann"), ["credentials.0: 2204"]);
    assert_eq!(one(":password"), ["credentials.0: 2223"]);
    assert_eq!(one("ann:1234567"), ["credentials.0: 2237"]);
    assert_eq!(one(&format!("ann:{}", "p".repeat(128))), Vec::<String>::new());
    assert_eq!(one(&format!("ann:{}", "p".repeat(129))), ["credentials.0: 2221"]);
    assert_eq!(one(&format!("{}:password", "u".repeat(129))), ["credentials.0: 2221"]);
    assert_eq!(one("a\u{1}n:password"), ["credentials.0: 2257"]);
    assert_eq!(one("ann:pass\u{1}word"), ["credentials.0: 2258"]);
    let many = |n: usize| refused("basic-auth", json!({"credentials": vec!["ann:password"; n]}));
    assert_eq!(many(10), Vec::<String>::new());
    assert_eq!(many(11), ["credentials: 2218"]);
    assert_eq!(many(0), ["credentials: 2223"]);
    assert_eq!(refused("basic-auth", json!({})), ["credentials: 2223"]);
    assert_eq!(refused("basic-auth", json!({"credentials": [7]})), ["credentials.0: 2203"]);
    let named = |credential: Json| refused("basic-auth", json!({"credentials": [credential]}));
    assert_eq!(named(json!({"username": "ann"})), ["credentials.0.password: 2223"]);
    assert_eq!(named(json!({"username": "a:b", "password": "password"})), ["credentials.0: 2257"]);
    let odd = json!({"username": "ann", "password": "password", "x": 1});
    assert_eq!(named(odd), ["warning credentials.0.x: 2204"]);
}

#[test]
fn the_realm_has_limits() {
    let realm = |realm: &str| {
        refused("basic-auth", json!({"credentials": ["ann:password"], "realm": realm}))
    };
    assert_eq!(realm(&"r".repeat(128)), Vec::<String>::new());
    assert_eq!(realm(&"r".repeat(129)), ["realm: 2221"]);
    assert_eq!(realm("caf\u{e9}"), ["realm: 2204"]);
    assert_eq!(realm("a\nb"), ["realm: 2204"]);
}

#[test]
fn nothing_shows_a_secret() {
    let rig = auth(json!(["ann:password", "bob:${'hunter2hunter2'}"]));
    let shown = format!("{:?}", rig.chain);
    assert!(!shown.contains("password") && !shown.contains("hunter2"), "{shown}");
}
