#![allow(clippy::unwrap_used, reason = "tests")]

use adit_chain::Origin;
use serde_json::{Value as Json, json};

use crate::testing::{Rig, get, policy, refused, request, request_action};

fn redirect(config: Json) -> Rig {
    request_action("redirect", config)
}

/// Where a visitor of `https://app.example` is sent. `None`: on to the upstream.
async fn location(config: Json, target: &str) -> Option<String> {
    let passed = redirect(config).request(get(target)).await;
    if passed.is_forwarded() {
        return None;
    }
    let response = passed.response();
    assert_eq!(response.status(), 302);
    Some(response.headers()["location"].to_str().unwrap().to_owned())
}

#[tokio::test]
async fn all_of_the_url_is_matched_and_what_matched_is_replaced() {
    let host = json!({"from": "https://app.example(.*)", "to": "https://new.example$1"});
    assert_eq!(location(host, "/a?b=c").await.unwrap(), "https://new.example/a?b=c");
    let part = || json!({"from": "/v1/([a-z]+)", "to": "/v2/$1"});
    assert_eq!(
        location(part(), "/v1/users?q=1").await.unwrap(),
        "https://app.example/v2/users?q=1"
    );
    assert_eq!(location(part(), "/v3/users").await, None);
    let anchored = json!({"from": "^/v1", "to": "/v2"});
    assert_eq!(location(anchored, "/v1").await, None, "the URL starts with its scheme");
    let every = json!({"from": "a", "to": "b"});
    assert_eq!(location(every, "/aa").await.unwrap(), "https://bpp.exbmple/bb");
    let names = json!({"from": "/(?P<id>[0-9]+)$", "to": "/users?id=$id"});
    assert_eq!(location(names, "/17").await.unwrap(), "https://app.example/users?id=17");
}

#[tokio::test]
async fn without_a_pattern_the_whole_url_is_replaced() {
    let to = |to: &str| json!({ "to": to });
    assert_eq!(location(to("https://new.example"), "/x").await.unwrap(), "https://new.example/");
    assert_eq!(location(to("/login"), "/a/b").await.unwrap(), "https://app.example/login");
    assert_eq!(location(to("c?d"), "/a/b").await.unwrap(), "https://app.example/a/c?d");
    assert_eq!(location(to("//new.example/y"), "/x").await.unwrap(), "https://new.example/y");
}

#[tokio::test]
async fn a_visitor_who_is_there_already_goes_on() {
    assert_eq!(location(json!({"to": "/login"}), "/login").await, None);
    let same = json!({"from": "(/x)", "to": "$1"});
    assert_eq!(location(same, "/x?a=%27'").await, None);
    let config = json!({"to": "https://APP.example:443/login"});
    assert_eq!(location(config, "/login").await, None, "another spelling of it");
}

#[tokio::test]
async fn what_cannot_stand_in_a_url_is_escaped() {
    let config = json!({"to": "/search?q=${req.headers['x-q'][0]}"});
    let of = async |q: &str| {
        let passed = redirect(config.clone()).request(request("GET", "/", &[("x-q", q)], "")).await;
        passed.response().headers()["location"].to_str().unwrap().to_owned()
    };
    assert_eq!(of("two words").await, "https://app.example/search?q=two%20words");
    assert_eq!(of("\u{e9}").await, "https://app.example/search?q=%C3%A9");
    assert_eq!(of("${req.method}").await, "https://app.example/search?q=${req.method}");
}

#[tokio::test]
async fn expressions_are_spliced_into_the_pattern_before_it_is_compiled() {
    let config = json!({"from": "/${req.headers['x-from'][0]}", "to": "/new"});
    let rig = redirect(config);
    let asked = |from: &str| request("GET", "/old1", &[("x-from", from)], "");
    let answer = rig.request(asked("old[0-9]")).await.response();
    assert_eq!(answer.headers()["location"], "https://app.example/new");
    assert_eq!(rig.request(asked("old[")).await.refused(), (500, Some(2300)));
    assert_eq!(rig.result("redirect")["error"]["code"], "ERR_NGROK_2300");
    assert_eq!(rig.request(get("/old1")).await.refused(), (500, Some(2238)));
}

#[tokio::test]
async fn status_and_headers_are_as_written_and_nothing_else_runs() {
    let config = json!({
        "to": "/new", "status_code": 308, "headers": {"X-Why": "moved ${req.method}", "location": "/no"},
    });
    let rig = policy(json!({
        "on_http_request": [
            {"actions": [{"type": "redirect", "config": config}, {"type": "deny"}]},
            {"actions": [{"type": "deny"}]},
        ],
        "on_http_response": [
            {"actions": [{"type": "add-headers", "config": {"headers": {"x-late": "1"}}}]},
        ],
    }));
    let response = rig.request(get("/old")).await.response();
    assert_eq!(response.status(), 308);
    assert_eq!(response.headers()["location"], "https://app.example/new");
    assert_eq!(response.headers()["x-why"], "moved GET");
    assert!(!response.headers().contains_key("x-late"));
    assert_eq!(Origin::of(&response), Origin::Handler);
}

#[tokio::test]
async fn the_result_tells_what_matched_and_where_to() {
    let rig = redirect(json!({"from": "/[a-z]", "to": "/x"}));
    rig.request(get("/a/b")).await;
    let error = json!({"code": "", "message": ""});
    let result = rig.result("redirect");
    assert_eq!(result["matches"], json!(["/a", "/a", "/b"]));
    assert_eq!(result["error"], error);
    assert_eq!(result["url"], "https://xpp.example/x/x");
    let rig = redirect(json!({"from": "/none", "to": "/x"}));
    rig.request(get("/a")).await;
    let url = "https://app.example/a";
    assert_eq!(rig.result("redirect"), json!({"matches": [], "url": url, "error": error}));
}

#[test]
fn fields_are_checked_while_loading() {
    let refused = |config| refused("redirect", config);
    assert_eq!(refused(json!({})), ["to: 2223"]);
    assert_eq!(refused(json!({"to": "/x", "from": "("})), ["from: 2261"]);
    assert_eq!(refused(json!({"to": "/x", "from": "(?=x)"})), ["from: 2261"], "no look-around");
    assert_eq!(refused(json!({"to": "/x", "from": "(${'a'}"})), Vec::<String>::new());
    assert_eq!(refused(json!({"to": "${req.nope}"})), ["to: 2224"]);
    assert_eq!(refused(json!({"to": "/x", "status_code": 299})), ["status_code: 2215"]);
    assert_eq!(refused(json!({"to": "/x", "status_code": 400})), ["status_code: 2215"]);
    assert_eq!(refused(json!({"to": "/x", "status_code": 399})), Vec::<String>::new());
    let headers = |n: usize| -> Json { (0..n).map(|i| (format!("x-{i}"), json!("v"))).collect() };
    assert_eq!(refused(json!({"to": "/x", "headers": headers(10)})), Vec::<String>::new());
    assert_eq!(refused(json!({"to": "/x", "headers": headers(11)})), ["headers: 2212"]);
    assert_eq!(refused(json!({"to": "/x", "headers": {"a b": "v"}})), ["headers.a b: 2210"]);
}
