#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::time::advance;

use crate::testing::{self, Rig, get, policy, refused, request, request_action};

fn config(capacity: u32, more: Json) -> Json {
    let mut config = json!({
        "name": "api",
        "algorithm": "sliding_window",
        "capacity": capacity,
        "rate": "60s",
        "bucket_key": ["conn.client_ip"],
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

fn limit(capacity: u32, more: Json) -> Rig {
    request_action("rate-limit", config(capacity, more))
}

async fn passes(rig: &Rig, key: &str) -> bool {
    rig.request(request("GET", "/", &[("x-key", key)], "")).await.is_forwarded()
}

fn by_header(capacity: u32) -> Rig {
    limit(capacity, json!({"bucket_key": ["req.headers['x-key']"]}))
}

#[tokio::test(start_paused = true)]
async fn so_many_requests_pass_and_the_next_is_told_when_to_come_back() {
    let rig = limit(2, json!({}));
    assert!(rig.request(get("/")).await.is_forwarded());
    advance(Duration::from_millis(20_500)).await;
    assert!(rig.request(get("/")).await.is_forwarded());
    let refusal = rig.request(get("/")).await.refusal();
    assert_eq!((refusal.status.as_u16(), refusal.code, refusal.close), (429, None, false));
    // 39.5 seconds are left; a visitor who comes back after 39 would be early.
    assert_eq!(refusal.headers["retry-after"], "40");
}

#[tokio::test(start_paused = true)]
async fn a_visitor_who_comes_back_when_told_is_let_through() {
    let rig = limit(1, json!({}));
    assert!(rig.request(get("/")).await.is_forwarded());
    advance(Duration::from_millis(59_999)).await;
    let refusal = rig.request(get("/")).await.refusal();
    assert_eq!(refusal.headers["retry-after"], "1", "never 0");
    advance(Duration::from_secs(1)).await;
    assert!(rig.request(get("/")).await.is_forwarded());
}

#[tokio::test(start_paused = true)]
async fn each_key_has_a_bucket_of_its_own() {
    let rig = by_header(1);
    assert!(passes(&rig, "a").await);
    assert!(passes(&rig, "b").await);
    assert!(!passes(&rig, "a").await);
}

#[tokio::test(start_paused = true)]
async fn parts_of_a_key_cannot_pass_for_each_other() {
    let keys = json!({"bucket_key": ["getReqHeader('x-a')[0]", "getReqHeader('x-b')[0]"]});
    let rig = limit(1, keys);
    for (a, b) in [("1", "2\",\"3"), ("1\",\"2", "3"), ("1,2", "3"), ("1", "2,3")] {
        let passed = rig.request(request("GET", "/", &[("x-a", a), ("x-b", b)], "")).await;
        assert!(passed.is_forwarded(), "{a} {b}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_is_a_part_of_the_key_as_a_list() {
    let rig = by_header(1);
    let twice = || request("GET", "/", &[("x-key", "a"), ("x-key", "b")], "");
    assert!(rig.request(twice()).await.is_forwarded());
    assert_eq!(rig.result("rate_limit")["bucket_key"], r#"[["a","b"]]"#);
    assert!(passes(&rig, "a,b").await);
    assert!(!rig.request(twice()).await.is_forwarded());
}

#[tokio::test(start_paused = true)]
async fn the_result_tells_the_key_and_whether_it_was_too_much() {
    let rig = by_header(1);
    passes(&rig, "k").await;
    let error = json!({"code": "", "message": ""});
    let result = json!({"bucket_key": r#"[["k"]]"#, "limited": false, "error": error});
    assert_eq!(rig.result("rate_limit"), result);
    passes(&rig, "k").await;
    assert_eq!(rig.result("rate_limit")["limited"], true);
}

#[tokio::test(start_paused = true)]
async fn an_expression_that_fails_counts_as_empty_and_is_told() {
    let rig = limit(1, json!({"bucket_key": ["req.headers['x-key'][0]", "'v'"]}));
    assert!(rig.request(get("/")).await.is_forwarded());
    assert_eq!(rig.result("rate_limit")["bucket_key"], r#"["","v"]"#);
    assert_eq!(rig.result("rate_limit")["error"]["code"], "ERR_NGROK_2253");
    assert!(!rig.request(get("/")).await.is_forwarded(), "all without the header share a bucket");
    assert!(passes(&rig, "a").await);
    assert_eq!(rig.result("rate_limit")["error"]["code"], "");
}

#[tokio::test(start_paused = true)]
async fn without_enforcement_it_only_tells() {
    let rig = limit(1, json!({"enforce": false}));
    for limited in [false, true, true] {
        assert!(rig.request(get("/")).await.is_forwarded());
        assert_eq!(rig.result("rate_limit")["limited"], limited);
    }
}

#[tokio::test(start_paused = true)]
async fn two_actions_of_one_name_do_not_share_buckets() {
    let action = || json!({"type": "rate-limit", "config": config(1, json!({}))});
    let of = |path: &str| json!({"expressions": [format!("req.url.path == '{path}'")], "actions": [action()]});
    let rig = policy(json!({"on_http_request": [of("/a"), of("/b")]}));
    assert!(rig.request(get("/a")).await.is_forwarded());
    assert!(rig.request(get("/b")).await.is_forwarded());
    assert!(!rig.request(get("/b")).await.is_forwarded());
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_passes_no_further_rule_and_no_rule_of_responses() {
    let add = json!({"type": "set-vars", "config": {"vars": [{"seen": true}]}});
    let rig = policy(json!({
        "on_http_request": [
            {"actions": [{"type": "rate-limit", "config": config(1, json!({}))}]},
            {"actions": [add]},
        ],
    }));
    assert!(rig.request(get("/")).await.is_forwarded());
    assert_eq!(rig.vars(crate::phase::Phase::HttpRequest), json!({"seen": true}));
    assert_eq!(rig.request(get("/")).await.refused(), (429, None));
    assert_eq!(rig.vars(crate::phase::Phase::HttpRequest), json!({}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_more_pass_when_all_come_at_once() {
    let rig = limit(50, json!({}));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let rig = rig.clone();
        tasks.spawn(async move { rig.request(get("/")).await.is_forwarded() });
    }
    let passed = tasks.join_all().await;
    assert_eq!(passed.into_iter().filter(|passed| *passed).count(), 50);
}

#[test]
fn every_field_has_its_limits() {
    let with = |more: Json| refused("rate-limit", config(1, more));
    assert_eq!(with(json!({})), Vec::<String>::new());
    assert_eq!(with(json!({"name": "n".repeat(1023)})), Vec::<String>::new());
    assert_eq!(with(json!({"name": "n".repeat(1024)})), ["name: 2221"]);
    assert_eq!(with(json!({"name": ""})), ["name: 2223"]);
    assert_eq!(with(json!({"algorithm": "leaky_bucket"})), ["algorithm: 2222"]);
    assert_eq!(with(json!({"capacity": 0})), ["capacity: 2215"]);
    assert_eq!(with(json!({"capacity": 2_000_000_001_u64})), ["capacity: 2215"]);
    assert_eq!(with(json!({"capacity": 2_000_000_000_u64})), Vec::<String>::new());
    assert_eq!(with(json!({"rate": "50s"})), ["rate: 2225"]);
    assert_eq!(with(json!({"rate": "24h10s"})), ["rate: 2225"]);
    assert_eq!(with(json!({"rate": "24h"})), Vec::<String>::new());
    assert_eq!(with(json!({"rate": "65s"})), ["rate: 2204"]);
    assert_eq!(with(json!({"rate": 60})), ["rate: 2203"]);
    assert_eq!(with(json!({"bucket_key": []})), ["bucket_key: 2223"]);
    assert_eq!(with(json!({"bucket_key": vec!["'a'"; 11]})), ["bucket_key: 2218"]);
    assert_eq!(with(json!({"bucket_key": ["'a'", "req.nope"]})), ["bucket_key.1: 2200"]);
    assert_eq!(with(json!({"bucket_key": ["${conn.client_ip}"]})), ["bucket_key.0: 2200"]);
    assert_eq!(with(json!({"enforce": "no"})), ["enforce: 2203"]);
    assert_eq!(with(json!({"burst": 1})), ["warning burst: 2204"]);
}

#[test]
fn required_fields_are_missed_all_at_once() {
    let missing =
        ["name: 2223", "algorithm: 2223", "capacity: 2223", "rate: 2223", "bucket_key: 2223"];
    assert_eq!(refused("rate-limit", json!({})), missing);
    assert_eq!(
        testing::refused_in(crate::phase::Phase::HttpResponse, "rate-limit", config(1, json!({}))),
        ["type: 2202"],
    );
}
