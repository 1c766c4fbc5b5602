use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use adit_chain::{Exchange, conformance};
use bytes::Bytes;
use http::Request;
use serde_json::{Value as Json, json};

use super::*;
use crate::{
    services::{Fetch, FetchError, Services},
    testing::{Rig, Site, lines, policy, refused, request, request_action, text},
};

const SIGNED: (&str, &str) = (
    "x-hub-signature-256",
    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
);
const SECRET: &str = "It's a Secret to Everybody";

fn github(config: Json) -> Rig {
    let mut all = json!({"provider": "github", "secret": SECRET});
    all.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    request_action("verify-webhook", all)
}

fn hook(headers: &[(&str, &str)], body: &'static str) -> Request<Body> {
    request("POST", "/hook", headers, body)
}

#[tokio::test]
async fn a_webhook_that_is_verified_goes_on_as_it_came() {
    let rig = github(json!({}));
    let headers = [SIGNED, ("content-length", "13")];
    let passed = rig.request(hook(&headers, "Hello, World!")).await;
    assert_eq!(passed.sent_lines("content-length"), ["13"]);
    assert_eq!(text(passed.exchange.request.into_body()).await, "Hello, World!");
    let expected = json!({"verified": true, "error": {"code": "", "message": ""}});
    assert_eq!(rig.result("verify_webhook"), expected);
}

#[tokio::test]
async fn others_are_turned_away() {
    let rig = github(json!({}));
    let passed = rig.request(hook(&[SIGNED], "Hello, World?")).await;
    assert_eq!(passed.refused(), (403, Some(3204)));
    let expected = json!({
        "verified": false,
        "error": {"code": "ERR_NGROK_3204", "message": "the signature does not match"},
    });
    assert_eq!(rig.result("verify_webhook"), expected);
    assert_eq!(rig.request(hook(&[], "Hello, World!")).await.refused(), (403, Some(3204)));
    let message = &rig.result("verify_webhook")["error"]["message"];
    assert_eq!(message, "x-hub-signature-256 is missing");
}

#[tokio::test]
async fn without_enforcement_rules_decide() {
    let rig = policy(json!({"on_http_request": [
        {"actions": [{"type": "verify-webhook", "config": {
            "provider": "github", "secret": SECRET, "enforce": false,
        }}]},
        {
            "expressions": ["!actions.ngrok.verify_webhook.verified"],
            "actions": [{"type": "custom-response", "config": {"status_code": 418}}],
        },
    ]}));
    assert!(rig.request(hook(&[SIGNED], "Hello, World!")).await.is_forwarded());
    let response = rig.request(hook(&[SIGNED], "other")).await.response();
    assert_eq!(response.status(), 418);
}

#[tokio::test]
async fn the_secret_may_be_an_expression() {
    let rig = github(json!({"secret": "${\"It's a \" + 'Secret'} to Everybody"}));
    assert!(rig.request(hook(&[SIGNED], "Hello, World!")).await.is_forwarded());
}

#[tokio::test]
async fn a_url_is_signed_as_the_sender_knows_it() {
    let rig = policy(json!({"on_http_request": [{"actions": [
        {"type": "url-rewrite", "config": {"from": "/hook", "to": "/inner"}},
        {"type": "add-headers", "config": {"headers": {"host": "inner.example"}}},
        {"type": "verify-webhook", "config": {"provider": "square", "secret": "sesame-7f3a"}},
    ]}]}));
    let headers =
        [("x-square-hmacsha256-signature", "RBpz8exiwI/xgwPkvHWmrsE9DNxgNR34dI561/7I3ug=")];
    let body = r#"{"event":"ping","n":1}"#;
    let passed = rig.request(request("POST", "/hook?a=1", &headers, body)).await;
    assert_eq!(passed.sent().uri(), "/inner?a=1");
}

#[tokio::test]
async fn a_challenge_is_answered_here() {
    let config = json!({"provider": "worldline", "secret": "s"});
    let rig = request_action("verify-webhook", config);
    let headers = [("x-gcs-webhooks-endpoint-verification", "abc")];
    let response = rig.request(request("GET", "/", &headers, "")).await.response();
    assert_eq!(response.status(), 200);
    assert_eq!(lines(response.headers(), "content-type"), ["text/plain; charset=utf-8"]);
    assert_eq!(lines(response.headers(), "x-content-type-options"), ["nosniff"]);
    assert_eq!(text(response.into_body()).await, "abc");
}

#[tokio::test]
async fn a_body_that_is_too_long_cannot_be_verified() {
    let mut exchange = Exchange::new(conformance::conn(), hook(&[SIGNED], "Hello, World!"));
    exchange.body_limits = BodyLimits { max_len: 12, timeout: Duration::from_secs(1) };
    assert_eq!(github(json!({})).exchange(exchange).await.refused(), (413, Some(2300)));
}

#[derive(Debug)]
struct Nothing;

impl Fetch for Nothing {
    fn fetch<'a>(
        &'a self,
        _: Request<Bytes>,
        _: usize,
        _: Instant,
    ) -> BoxFuture<'a, Result<Response<Bytes>, FetchError>> {
        Box::pin(std::future::ready(Err(FetchError::Timeout)))
    }
}

#[tokio::test]
async fn certificates_take_no_secret_and_have_to_be_fetched() {
    let action = |config| {
        json!({"on_http_request": [{"actions": [
            {"type": "verify-webhook", "config": config},
        ]}]})
    };
    let place = "on_http_request.0.actions.0.config";
    let site = Site::with(Services { fetch: Some(Arc::new(Nothing)), ..Services::default() });
    let with_secret = action(json!({"provider": "sns", "secret": "x"}));
    assert_eq!(site.problems(&with_secret), [format!("{place}.secret: 2219")]);
    let config = action(json!({"provider": "sns"}));
    assert_eq!(Site::default().problems(&config), [format!("{place}.provider: 2204")]);
    let rig = site.policy(&config);
    assert_eq!(rig.request(hook(&[], "{}")).await.refused(), (403, Some(3204)));
}

#[test]
fn what_is_wrong_is_told_at_its_place() {
    let refused = |config| refused("verify-webhook", config);
    assert_eq!(refused(json!({})), ["provider: 2223"]);
    assert_eq!(refused(json!({"provider": "github"})), ["secret: 2223"]);
    assert_eq!(refused(json!({"provider": "nobody", "secret": "s"})), ["provider: 2222"]);
    assert_eq!(refused(json!({"provider": "hostedhooks", "secret": "s"})), ["provider: 2222"]);
    let config = json!({"provider": "svix", "secret": "whsec_***", "enforce": "yes"});
    assert_eq!(refused(config), ["secret: 2204", "enforce: 2203"]);
}

#[test]
fn the_secret_is_not_in_what_is_printed() {
    let proof = Proof::Secret(Template::compile(SECRET, Phase::HttpRequest).unwrap());
    assert_eq!(format!("{proof:?}"), "Secret");
}
