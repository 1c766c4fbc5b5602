use std::time::Duration;

use http::header::LOCATION;
use serde_json::json;

use super::{Provider, oauth, oidc, param};
use crate::{
    login::testing::{Browser, Signer},
    testing::{Rig, Site},
};

/// The rig, and a browser on its way back from the provider.
async fn returning(provider: &Provider) -> (Rig, Browser, String) {
    let (rig, mut browser) = (oauth(provider, "google", json!({})), Browser::default());
    let url = browser.begin(&rig, "/secret").await;
    let back = browser.agree(provider, &url).await;
    (rig, browser, back)
}

#[tokio::test]
async fn a_state_that_is_missing_or_forged_logs_nobody_in() {
    let provider = Provider::start().await;
    let (rig, mut browser, back) = returning(&provider).await;
    let code = back.split('&').next().unwrap();
    assert_eq!(browser.get(&rig, code).await.refused(), (400, Some(3120)));
    for state in ["x", "AAAA", &"A".repeat(200)] {
        let forged = format!("{code}&state={state}");
        assert_eq!(browser.get(&rig, &forged).await.refused(), (400, Some(3108)), "{state}");
    }
    let mut changed = back.clone().into_bytes();
    let last = changed.len() - 5;
    changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    assert_eq!(browser.get(&rig, &changed).await.refused(), (400, Some(3108)));
    assert_eq!(provider.asked("token"), 0);
    assert_eq!(browser.get(&rig, &back).await.response().status(), 302);
}

#[tokio::test]
async fn a_state_of_another_action_logs_nobody_in() {
    let provider = Provider::start().await;
    let (_, mut browser, back) = returning(&provider).await;
    let other = oauth(&provider, "github", json!({}));
    assert_eq!(browser.get(&other, &back).await.refused(), (400, Some(3108)));
    let other = oidc(&provider, json!({}));
    assert_eq!(browser.get(&other, &back).await.refused(), (400, Some(5201)));
}

#[tokio::test]
async fn another_browser_cannot_end_a_login_that_it_did_not_begin() {
    let provider = Provider::start().await;
    let (rig, mut victim, back) = returning(&provider).await;
    let mut attacker = Browser::default();
    assert_eq!(attacker.get(&rig, &back).await.refused(), (400, Some(3121)));
    attacker.begin(&rig, "/").await;
    assert_eq!(attacker.get(&rig, &back).await.refused(), (400, Some(3124)));
    assert_eq!(provider.asked("token"), 0);
    // Trying did not spoil it for whoever began.
    assert_eq!(victim.get(&rig, &back).await.response().headers()[LOCATION], "/secret");
}

#[tokio::test]
async fn a_login_counts_once() {
    let provider = Provider::start().await;
    let (rig, mut browser, back) = returning(&provider).await;
    assert_eq!(browser.get(&rig, &back).await.response().status(), 302);
    assert_eq!(browser.get(&rig, &back).await.refused(), (400, Some(3123)));
    assert_eq!(provider.asked("token"), 1);
}

#[tokio::test]
async fn a_login_takes_at_most_15_minutes() {
    let provider = Provider::start().await;
    let services = provider.services();
    let config = json!({"provider": "google", "client_id": "app", "client_secret": "s3cret"});
    let rig = Site::with(services.clone()).policy(&super::policy("oauth", config));
    let mut browser = Browser::default();
    let url = browser.begin(&rig, "/").await;
    let back = browser.agree(&provider, &url).await;
    services.logins.clock().advance(Duration::from_secs(15 * 60 + 2));
    assert_eq!(browser.get(&rig, &back).await.refused(), (400, Some(3119)));
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let provider = Provider::start().await;
    let rig = oidc(&provider, json!({}));
    for path in [
        "/ngrok/login?redirect_path=https://evil.example/",
        "/ngrok/login?redirect_path=//evil.example/",
        "/ngrok/login?redirect_path=/%5Cevil.example/",
        "/ngrok/login?redirect_path=%5C%5Cevil.example/",
        "/ngrok/login?redirect_path=/%09/evil.example/",
        "/ngrok/login?redirect_path=javascript:alert(1)",
        "/ngrok/login?redirect_path=/a%0d%0aset-cookie:%20x",
        "/ngrok/login?redirect_path=/ngrok/logout",
        "//evil.example/",
    ] {
        let mut browser = Browser::default();
        assert_eq!(browser.log_in(&rig, &provider, path).await, "/", "{path}");
    }
}

#[tokio::test]
async fn the_host_that_a_request_names_does_not_change_where_the_provider_sends_visitors() {
    let provider = Provider::start().await;
    let rig = oidc(&provider, json!({}));
    let host = [("host", "evil.example")];
    let response = Browser::default().send(&rig, "GET", "/", &host).await.response();
    let url = response.headers()[LOCATION].to_str().unwrap().to_owned();
    let expected = "https://app.example/ngrok/callback";
    assert_eq!(param(&url, "redirect_uri").as_deref(), Some(expected));
}

#[tokio::test]
async fn what_a_visitor_says_of_tokens_is_not_passed_on() {
    let provider = Provider::start().await;
    let (rig, mut browser) = (oidc(&provider, json!({})), Browser::default());
    provider.set(|state| state.refreshes = false);
    browser.log_in(&rig, &provider, "/").await;
    let spoofed =
        [("ngrok-auth-oauth-access-token", "mine"), ("Ngrok-Auth-Oauth-Refresh-Token", "mine")];
    let passed = browser.send(&rig, "GET", "/", &spoofed).await;
    assert_eq!(passed.sent_lines("ngrok-auth-oauth-access-token"), ["access-2"]);
    assert_eq!(passed.sent_lines("ngrok-auth-oauth-refresh-token"), [""; 0]);
}

#[tokio::test]
async fn a_made_up_session_is_none() {
    let provider = Provider::start().await;
    let (rig, mut browser) = (oidc(&provider, json!({})), Browser::default());
    for made_up in ["", "x", &"A".repeat(43), "session"] {
        browser.cookies.insert("session".to_owned(), made_up.to_owned());
        assert!(!browser.get(&rig, "/").await.is_forwarded(), "{made_up}");
    }
}

#[tokio::test]
async fn logging_in_makes_a_new_session_so_that_nobody_can_plant_one() {
    let provider = Provider::start().await;
    let (rig, mut browser) = (oidc(&provider, json!({})), Browser::default());
    browser.log_in(&rig, &provider, "/").await;
    let before = browser.clone();
    browser.log_in(&rig, &provider, "/ngrok/login").await;
    assert_ne!(before.cookies["session"], browser.cookies["session"]);
    assert!(!before.clone().get(&rig, "/").await.is_forwarded());
}

#[tokio::test]
async fn things_that_a_page_asks_for_at_once_do_not_spoil_its_login() {
    let provider = Provider::start().await;
    let (rig, mut browser) = (oidc(&provider, json!({})), Browser::default());
    let page = browser.begin(&rig, "/page").await;
    let icon = browser.begin(&rig, "/favicon.ico").await;
    for (url, path) in [(icon, "/favicon.ico"), (page, "/page")] {
        let back = browser.agree(&provider, &url).await;
        let response = browser.get(&rig, &back).await.response();
        assert_eq!(response.headers()[LOCATION], path);
    }
}

/// Logs in with a provider whose identity tokens are changed.
async fn with_token(change: impl FnOnce(&mut crate::login::testing::State)) -> (u16, Option<u32>) {
    let provider = Provider::start().await;
    provider.set(change);
    let (rig, mut browser) = (oidc(&provider, json!({})), Browser::default());
    let url = browser.begin(&rig, "/").await;
    let back = browser.agree(&provider, &url).await;
    browser.get(&rig, &back).await.refused()
}

#[tokio::test]
async fn an_identity_token_must_be_for_this_login() {
    for claims in [
        json!({"nonce": "other"}),
        json!({"nonce": null}),
        json!({"iss": "https://evil.example"}),
        json!({"aud": "other"}),
        json!({"aud": ["app", "other"]}),
        json!({"exp": 1}),
        json!({"exp": null}),
        json!({"nbf": 99_999_999_999_u64}),
    ] {
        let refused = with_token(|state| state.claims = claims.clone()).await;
        assert_eq!(refused, (502, Some(5204)), "{claims}");
    }
    let refused = with_token(|state| state.claims = json!({"sub": ""})).await;
    assert_eq!(refused, (502, Some(5205)));
    assert_eq!(with_token(|state| state.vouches = false).await, (502, Some(5203)));
}

#[tokio::test]
async fn an_identity_token_must_be_signed_by_its_issuer() {
    let refused = with_token(|state| state.signer = Signer::new("ES256", "one")).await;
    assert_eq!(refused, (502, Some(5204)));
    let refused = with_token(|state| {
        state.signer = Signer::new("none", "one");
        state.header = Some(json!({"alg": "none", "kid": "one"}));
    });
    assert_eq!(refused.await, (502, Some(5204)));
    // A secret that both sides know proves nothing, even if it is published.
    let refused = with_token(|state| {
        state.signer = Signer::new("HS256", "two");
        state.keys.push(state.signer.jwk());
    });
    assert_eq!(refused.await, (502, Some(5204)));
}

#[tokio::test]
async fn an_answer_about_somebody_else_is_not_used() {
    let refused = with_token(|state| state.claims = json!({"sub": "u2"})).await;
    assert_eq!(refused, (502, Some(5205)));
}

#[tokio::test]
async fn new_keys_of_an_issuer_are_found() {
    let provider = Provider::start().await;
    let services = provider.services();
    let config =
        json!({"issuer_url": super::ISSUER, "client_id": "app", "client_secret": "s3cret"});
    let rig = Site::with(services.clone()).policy(&super::policy("openid-connect", config));
    Browser::default().log_in(&rig, &provider, "/").await;
    provider.set(|state| {
        state.signer = Signer::new("RS256", "two");
        state.keys = vec![state.signer.jwk()];
    });
    services.logins.clock().advance(Duration::from_secs(60));
    assert_eq!(Browser::default().log_in(&rig, &provider, "/").await, "/");
    assert_eq!(provider.asked("keys"), 2);
}
