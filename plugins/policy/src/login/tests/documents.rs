use adit_chain::Protocol;
use serde_json::{Value as Json, json};

use super::policy;
use crate::testing::{Site, refused};

fn oauth(further: Json) -> Vec<String> {
    let mut config = json!({"provider": "github", "client_id": "a", "client_secret": "b"});
    merge(&mut config, further);
    refused("oauth", config)
}

fn oidc(further: Json) -> Vec<String> {
    let mut config =
        json!({"issuer_url": "https://id.example", "client_id": "a", "client_secret": "b"});
    merge(&mut config, further);
    refused("openid-connect", config)
}

fn merge(config: &mut Json, further: Json) {
    for (name, value) in further.as_object().unwrap() {
        config[name] = value.clone();
    }
}

#[test]
fn both_need_an_application_of_ones_own() {
    assert_eq!(refused("oauth", json!({"provider": "google"})), ["client_id: 7166"]);
    assert_eq!(oauth(json!({"client_id": null})), ["client_id: 2240"]);
    assert_eq!(oauth(json!({"client_secret": null})), ["client_secret: 2240"]);
    assert_eq!(oauth(json!({"client_secret": ""})), ["client_secret: 2223"]);
    assert_eq!(refused("oidc", json!({})), ["issuer_url: 2223", "client_id: 7166"]);
}

#[test]
fn a_provider_is_one_of_eight() {
    assert_eq!(oauth(json!({"provider": null})), ["provider: 2223"]);
    assert_eq!(oauth(json!({"provider": "myspace"})), ["provider: 2222"]);
    for name in
        ["amazon", "facebook", "github", "gitlab", "google", "linkedin", "microsoft", "twitch"]
    {
        assert_eq!(oauth(json!({ "provider": name })), [""; 0], "{name}");
    }
}

#[test]
fn an_issuer_is_a_url_of_bounded_length() {
    assert_eq!(oidc(json!({})), [""; 0]);
    assert_eq!(oidc(json!({"issuer_url": "id.example"})), ["issuer_url: 2226"]);
    assert_eq!(oidc(json!({"issuer_url": "https://id.example/?a"})), ["issuer_url: 2226"]);
    let long = format!("https://id.example/{}", "a".repeat(240));
    assert_eq!(oidc(json!({ "issuer_url": long })), ["issuer_url: 2221"]);
    assert_eq!(oidc(json!({"issuer_url": "http://id.example"})), ["warning issuer_url: 2204"]);
    assert_eq!(oidc(json!({"issuer_url": "http://127.0.0.1:8080/realm"})), [""; 0]);
}

#[test]
fn the_idle_limit_has_a_name_in_each_action_and_takes_the_other_one() {
    for name in ["idle_session_timeout", "idle_session_duration"] {
        assert_eq!(oauth(json!({ name: "10m" })), [""; 0]);
        assert_eq!(oidc(json!({ name: "10m" })), [""; 0]);
        assert_eq!(oidc(json!({ name: 10 })), [format!("{name}: 2203")]);
    }
    for name in ["max_session_duration", "userinfo_refresh_interval"] {
        assert_eq!(oauth(json!({ name: "1h" })), [""; 0]);
        assert_eq!(oauth(json!({ name: "10000h" })), [format!("{name}: 2225")]);
    }
}

#[test]
fn parameters_for_the_provider_do_not_change_what_a_login_is() {
    let params = |params: Json| oauth(json!({ "authz_url_params": params }));
    assert_eq!(params(json!({"hd": "corp.example", "max_age": 60})), [""; 0]);
    assert_eq!(params(json!({"redirect_uri": "x"})), ["authz_url_params.redirect_uri: 2204"]);
    assert_eq!(params(json!({"state": "x"})), ["authz_url_params.state: 2204"]);
    assert_eq!(params(json!({"a": "x".repeat(1025)})), ["authz_url_params.a: 2246"]);
    assert_eq!(params(json!([])), ["authz_url_params: 2203"]);
    let many: Json = (0..33).map(|n| (n.to_string(), json!("x"))).collect();
    assert_eq!(params(many), ["authz_url_params: 2244"]);
}

#[test]
fn names_scopes_and_callbacks_are_checked() {
    assert_eq!(oauth(json!({"auth_id": "a b"})), ["auth_id: 2204"]);
    assert_eq!(oauth(json!({"auth_id": ""})), ["auth_id: 2223"]);
    assert_eq!(oauth(json!({"auth_id": "team-a.1"})), [""; 0]);
    assert_eq!(oauth(json!({"scopes": ["a", "b c"]})), ["scopes: 2204"]);
    assert_eq!(oauth(json!({"callback_url": "/x"})), [""; 0]);
    for wrong in ["x", "//evil.example/x", "ftp://a.example/x", "https://a.example/x?y", "/x?y"] {
        assert_eq!(oauth(json!({ "callback_url": wrong })), ["callback_url: 2226"], "{wrong}");
    }
    assert_eq!(oauth(json!({"callback_url": "/ngrok/login"})), ["callback_url: 2204"]);
    assert_eq!(oauth(json!({"allow_cors_preflight": "yes"})), ["allow_cors_preflight: 2203"]);
}

#[test]
fn the_cookies_domain_must_hold_the_endpoint() {
    let at = |url: &str, domain: &str| {
        let config = json!({"provider": "github", "client_id": "a", "client_secret": "b",
            "auth_cookie_domain": domain});
        let problems = Site::at(Protocol::Https, url).problems(&policy("oauth", config));
        problems.iter().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(at("https://app.example.com", "example.com"), [""; 0]);
    assert_eq!(at("https://app.example.com", ".Example.com"), [""; 0]);
    assert_eq!(at("https://*.example.com", "example.com"), [""; 0]);
    assert_eq!(at("https://app.internal", "example.com"), [""; 0]);
    assert_eq!(at("https://app.example.com", "other.com"), ["2241"]);
    assert_eq!(at("https://app.example.com", "xn--a\u{0}.com"), ["2242"]);
    assert_eq!(at("https://app.example.com", "com"), ["2243"]);
    assert_eq!(at("https://app.example.com", "a b.com"), ["2243"]);
    assert_eq!(at("https://app.example.com", "192.0.2.1"), ["2243"]);
}

#[test]
fn one_policy_has_one_login() {
    let login = |kind: &str, field: &str, value: &str| json!({"type": kind, "config": {field: value, "client_id": "a", "client_secret": "b"}});
    let document = json!({"on_http_request": [
        {"actions": [login("oauth", "provider", "google")]},
        {"actions": [login("oidc", "issuer_url", "https://id.example")]},
    ]});
    let problems = Site::default().problems(&document);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].ends_with("2239"), "{problems:?}");
}
