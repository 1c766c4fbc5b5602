use std::time::Duration;

use serde_json::json;

use super::{ISSUER, Provider, oauth, oidc, policy};
use crate::{
    login::testing::Browser,
    services::Services,
    testing::{Passed, Site},
};

/// Comes back to GitHub's login with everything in order, unless the provider is changed.
async fn back_from(provider: &Provider, name: &str) -> Passed {
    let (rig, mut browser) = (oauth(provider, name, json!({})), Browser::default());
    let url = browser.begin(&rig, "/").await;
    let back = browser.agree(provider, &url).await;
    browser.get(&rig, &back).await
}

#[tokio::test]
async fn a_visitor_who_does_not_agree_is_told_so() {
    let provider = Provider::start().await;
    for (error, status, code) in [
        ("access_denied", 403, 3114),
        ("invalid_scope", 502, 3126),
        ("server_error", 502, 3166),
        ("temporarily_unavailable", 503, 3165),
        ("unauthorized_client", 502, 3125),
        ("<script>", 403, 3112),
    ] {
        provider.set(|state| state.error = Some(error));
        let refusal = back_from(&provider, "github").await.refusal();
        assert_eq!(refusal.status, status, "{error}");
        assert_eq!(refusal.code.unwrap().0, code, "{error}");
        assert!(!refusal.message.contains('<'), "{}", refusal.message);
    }
    provider.set(|state| state.error = Some("redirect_uri_mismatch"));
    let refusal = back_from(&provider, "github").await.refusal();
    assert_eq!(refusal.code.unwrap().0, 3115);
    let url = "https://app.example/ngrok/callback";
    assert!(refusal.message.contains(url), "{}", refusal.message);

    let (rig, mut browser) = (oidc(&provider, json!({})), Browser::default());
    let url = browser.begin(&rig, "/").await;
    let back = browser.agree(&provider, &url).await;
    assert_eq!(browser.get(&rig, &back).await.refused(), (502, Some(5211)));
}

#[tokio::test]
async fn a_provider_that_gives_no_tokens_is_told_from_one_that_is_not_there() {
    let provider = Provider::start().await;
    for (path, status, code) in
        [("token", 503, 3166), ("token", 429, 3161), ("user", 500, 3166), ("user", 403, 3113)]
    {
        provider.set(|state| state.status = vec![(path, status)]);
        assert_eq!(back_from(&provider, "github").await.refused().1, Some(code), "{path} {status}");
    }
    provider.set(|state| state.status.clear());
    for path in ["token", "user"] {
        provider.set(|state| state.garbage = vec![path]);
        assert_eq!(back_from(&provider, "github").await.refused(), (502, Some(3160)), "{path}");
    }
    provider.set(|state| state.garbage.clear());
    provider.set(|state| state.user = json!({"login": "ann"}));
    assert_eq!(back_from(&provider, "github").await.refused(), (502, Some(5536)));
}

#[tokio::test]
async fn a_secret_that_the_provider_does_not_know_is_told() {
    let provider = Provider::start().await;
    let rig = oauth(&provider, "github", json!({"client_secret": "wrong"}));
    let mut browser = Browser::default();
    let url = browser.begin(&rig, "/").await;
    let back = browser.agree(&provider, &url).await;
    assert_eq!(browser.get(&rig, &back).await.refused(), (502, Some(5527)));
}

#[tokio::test]
async fn a_provider_that_does_not_describe_itself_is_asked_again_later() {
    let provider = Provider::start().await;
    let services = provider.services();
    let config = json!({"issuer_url": ISSUER, "client_id": "app", "client_secret": "s3cret"});
    let rig = Site::with(services.clone()).policy(&policy("openid-connect", config));
    let mut browser = Browser::default();
    provider.set(|state| state.status = vec![("openid-configuration", 503)]);
    for _ in 0..3 {
        assert_eq!(browser.get(&rig, "/").await.refused(), (502, Some(5208)));
    }
    assert_eq!(provider.asked("openid-configuration"), 1);
    provider.set(|state| state.status.clear());
    for (garbage, issuer) in [(vec!["openid"], ISSUER), (vec![], "https://evil.example")] {
        provider.set(|state| (state.garbage, state.issuer) = (garbage, issuer.to_owned()));
        services.logins.clock().advance(Duration::from_secs(5));
        assert_eq!(browser.get(&rig, "/").await.refused(), (502, Some(5208)), "{issuer}");
    }
    provider.set(|state| state.issuer = ISSUER.to_owned());
    services.logins.clock().advance(Duration::from_secs(5));
    assert_eq!(browser.log_in(&rig, &provider, "/").await, "/");
}

#[tokio::test]
async fn a_provider_that_never_answers_keeps_visitors_for_ten_seconds() {
    let provider = Provider::start().await;
    provider.set(|state| state.silent = vec!["openid-configuration"]);
    let rig = oidc(&provider, json!({}));
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let refused = Browser::default().get(&rig, "/").await.refused();
    assert_eq!(refused, (502, Some(5208)));
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn where_nothing_outside_can_be_asked_nobody_gets_in() {
    let config = json!({"issuer_url": ISSUER, "client_id": "app", "client_secret": "s3cret"});
    let rig = Site::with(Services::default()).policy(&policy("openid-connect", config));
    assert_eq!(Browser::default().get(&rig, "/").await.refused(), (502, Some(5208)));
}
