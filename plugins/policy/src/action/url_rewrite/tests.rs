#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::testing::{Rig, get, policy, refused, request, request_action};

fn rewriting(config: Json) -> Rig {
    request_action("url-rewrite", config)
}

/// What the upstream is asked for, where a visitor asks `https://app.example` for `asked`.
async fn sent(from: &str, to: &str, asked: &str) -> String {
    let rig = rewriting(json!({"from": from, "to": to}));
    let passed = rig.request(get(asked)).await;
    assert_eq!(passed.sent_lines("host"), ["app.example"]);
    passed.sent().uri().to_string()
}

#[tokio::test]
async fn only_what_matched_is_replaced_and_all_of_it() {
    assert_eq!(sent("/v1/", "/v2/", "/v1/users?q=1").await, "/v2/users?q=1");
    assert_eq!(sent("a", "b", "/aa?a").await, "/bb?b");
    assert_eq!(sent("/v([0-9]+)", "/version/$1", "/v1/x").await, "/version/1/x");
    assert_eq!(sent("^/v1", "/v2", "/v1/x").await, "/v1/x", "the URL starts with its scheme");
    assert_eq!(sent("/none", "/x", "/a?b#c").await, "/a?b");
    assert_eq!(
        sent(r"/([a-z]+)/([0-9]+)$", "/?kind=$1&id=$2", "/users/7").await,
        "/?kind=users&id=7"
    );
}

#[tokio::test]
async fn host_and_upstream_stay_whatever_comes_out() {
    assert_eq!(sent("https://app.example", "https://other.example", "/a?b").await, "/a?b");
    assert_eq!(sent("^https://[^/]+", "", "/a?b").await, "/a?b");
    assert_eq!(sent("app.example", "", "/a?b").await, "/a?b", "no authority at all");
    assert_eq!(sent("^.*$", "https://other.example", "/a?b").await, "/");
    assert_eq!(sent("^.*$", "https://other.example?c=d", "/a").await, "/?c=d");
    assert_eq!(sent("^.*$", "//x/y", "/a").await, "//x/y", "a path, and no host");
}

#[tokio::test]
async fn without_a_pattern_the_whole_url_is_replaced() {
    let of = async |to: &str| {
        let passed = rewriting(json!({ "to": to })).request(get("/a/b?q")).await;
        passed.sent().uri().to_string()
    };
    assert_eq!(of("/new").await, "/new");
    assert_eq!(of("https://app.example/new?x=${req.method}").await, "/new?x=GET");
    assert_eq!(of("c").await, "/a/c");
    assert_eq!(of("?r").await, "/a/b?r");
    assert_eq!(of("").await, "/a/b");
    assert_eq!(of("/to?url=https://x.example/y").await, "/to?url=https://x.example/y");
}

#[tokio::test]
async fn what_cannot_stand_in_a_target_is_escaped() {
    let rig = rewriting(json!({"to": "/${req.headers['x-v'][0]}"}));
    let of = async |value: &str| {
        rig.request(request("GET", "/", &[("x-v", value)], "")).await.sent().uri().to_string()
    };
    assert_eq!(of("a b").await, "/a%20b");
    assert_eq!(of("\u{e9}?<x>").await, "/%C3%A9?%3Cx%3E");
    assert_eq!(of("a/../../b").await, "/b");
    assert_eq!(of("x HTTP/1.1").await, "/x%20HTTP/1.1");
}

#[tokio::test]
async fn a_target_with_an_authority_keeps_it() {
    let rig = rewriting(json!({"from": "/a", "to": "/b"}));
    let asked = request("GET", "https://app.example/a", &[], "");
    let passed = rig.request(asked).await;
    assert_eq!(passed.sent().uri().path(), "/b");
    assert_eq!(passed.sent().uri().host(), Some("app.example"));
}

#[tokio::test]
async fn rules_after_it_see_the_new_url_and_can_still_read_the_old_one() {
    let vars = json!({"vars": [{"path": "${req.url.path}"}, {"raw": "${req.url.raw_path}"}]});
    let rig = policy(json!({"on_http_request": [{"actions": [
        {"type": "url-rewrite", "config": {"from": "/old", "to": "/new"}},
        {"type": "set-vars", "config": vars},
    ]}]}));
    rig.request(get("/old")).await;
    assert_eq!(rig.vars(Phase::HttpRequest), json!({"path": "/new", "raw": "/old"}));
}

#[tokio::test]
async fn the_result_tells_what_matched_and_what_came_out() {
    let rig = rewriting(json!({"from": "/[0-9]", "to": "/n"}));
    rig.request(get("/1/2?a")).await;
    let error = json!({"code": "", "message": ""});
    let url = "https://app.example/n/n?a";
    assert_eq!(
        rig.result("url_rewrite"),
        json!({"matches": ["/1", "/2"], "url": url, "error": error})
    );
    rig.request(get("/x")).await;
    let url = "https://app.example/x";
    assert_eq!(rig.result("url_rewrite"), json!({"matches": [], "url": url, "error": error}));
}

#[tokio::test]
async fn a_pattern_that_comes_out_wrong_fails_the_request() {
    let rig = rewriting(json!({"from": "${req.headers['x-v'][0]}", "to": "/b"}));
    let asked = request("GET", "/", &[("x-v", "(")], "");
    assert_eq!(rig.request(asked).await.refused(), (500, Some(2300)));
    assert_eq!(rig.result("url_rewrite")["error"]["code"], "ERR_NGROK_2300");
    assert_eq!(rig.request(get("/")).await.refused(), (500, Some(2238)));
}

#[test]
fn fields_are_checked_while_loading() {
    let refused = |config| refused("url-rewrite", config);
    assert_eq!(refused(json!({"from": "/a"})), ["to: 2223"]);
    assert_eq!(refused(json!({"from": "[", "to": "/a"})), ["from: 2261"]);
    assert_eq!(refused(json!({"from": "[${'a'}", "to": ""})), Vec::<String>::new());
    assert_eq!(refused(json!({"from": ["/a"], "to": "/b"})), ["from: 2203"]);
}

proptest! {
    #[test]
    fn whatever_comes_out_is_a_path_or_an_error(after in "(https?://)?[ -~\u{e9}]{0,30}") {
        if let Ok(target) = target("https://app.example/a/b?q", &after) {
            prop_assert!(target.path().starts_with('/'), "{target}");
        }
    }
}
