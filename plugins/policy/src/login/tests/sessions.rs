use std::time::Duration;

use serde_json::json;

use super::{ISSUER, Provider, oauth, oidc, policy};
use crate::{
    login::testing::Browser,
    services::Services,
    testing::{Rig, Site, lines},
};

fn site(services: &Services, further: serde_json::Value) -> Rig {
    let mut config = json!({"issuer_url": ISSUER, "client_id": "app", "client_secret": "s3cret"});
    for (name, value) in further.as_object().unwrap() {
        config[name] = value.clone();
    }
    Site::with(services.clone()).policy(&policy("openid-connect", config))
}

#[tokio::test]
async fn logging_out_ends_the_session_and_not_only_the_cookie() {
    let provider = Provider::start().await;
    let (rig, mut browser) = (oidc(&provider, json!({})), Browser::default());
    browser.log_in(&rig, &provider, "/").await;
    let stolen = browser.clone();
    let response = browser.get(&rig, "/ngrok/logout").await.response();
    assert_eq!(response.status(), 200);
    let cookies = lines(response.headers(), "set-cookie");
    assert_eq!(cookies[0], "session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
    browser.take(response.headers());
    assert!(browser.cookies.is_empty());
    assert!(!stolen.clone().get(&rig, "/").await.is_forwarded());
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it() {
    let provider = Provider::start().await;
    let services = provider.services();
    let rig = site(&services, json!({"idle_session_duration": "10m"}));
    let mut browser = Browser::default();
    browser.log_in(&rig, &provider, "/").await;
    for _ in 0..3 {
        services.logins.clock().advance(Duration::from_secs(9 * 60));
        assert!(browser.get(&rig, "/").await.is_forwarded());
    }
    services.logins.clock().advance(Duration::from_secs(10 * 60));
    assert_eq!(browser.get(&rig, "/").await.response().status(), 302);
    assert_eq!(rig.result("oidc")["session_timed_out"], true);
    assert_eq!(rig.result("oidc")["session_max_duration_reached"], false);
}

#[tokio::test]
async fn a_session_ends_when_it_is_old_however_much_it_is_used() {
    let provider = Provider::start().await;
    let services = provider.services();
    let rig = site(&services, json!({"max_session_duration": "20m"}));
    let mut browser = Browser::default();
    browser.log_in(&rig, &provider, "/").await;
    services.logins.clock().advance(Duration::from_secs(19 * 60));
    assert!(browser.get(&rig, "/").await.is_forwarded());
    services.logins.clock().advance(Duration::from_secs(60));
    assert_eq!(browser.get(&rig, "/").await.response().status(), 302);
    assert_eq!(rig.result("oidc")["session_max_duration_reached"], true);
}

#[tokio::test]
async fn an_access_token_that_ends_is_renewed() {
    let provider = Provider::start().await;
    let services = provider.services();
    let (rig, mut browser) = (site(&services, json!({})), Browser::default());
    browser.log_in(&rig, &provider, "/").await;
    services.logins.clock().advance(Duration::from_secs(3600));
    let passed = browser.get(&rig, "/").await;
    assert_eq!(passed.sent_lines("ngrok-auth-oauth-access-token"), ["access-3"]);
    assert_eq!(provider.see(|state| state.form["refresh_token"].clone()), "refresh-2");
    assert_eq!(
        browser.get(&rig, "/").await.sent_lines("ngrok-auth-oauth-access-token"),
        ["access-3"]
    );

    // The provider took the rights back.
    provider.set(|state| state.refreshes = false);
    services.logins.clock().advance(Duration::from_secs(3600));
    assert_eq!(browser.get(&rig, "/").await.response().status(), 302);
}

#[tokio::test]
async fn the_provider_says_again_and_again_who_the_visitor_is() {
    let provider = Provider::start().await;
    let services = provider.services();
    let rig = site(&services, json!({"userinfo_refresh_interval": "5m"}));
    let mut browser = Browser::default();
    browser.log_in(&rig, &provider, "/").await;
    let asked = provider.asked("userinfo");
    provider.set(|state| state.user["email"] = json!("ann@new.example"));
    assert!(browser.get(&rig, "/").await.is_forwarded());
    assert_eq!(rig.result("oidc")["identity"]["email"], "ann@corp.example");
    services.logins.clock().advance(Duration::from_secs(300));
    assert!(browser.get(&rig, "/").await.is_forwarded());
    let result = rig.result("oidc");
    assert_eq!(result["identity"]["email"], "ann@new.example");
    assert_eq!(
        (&result["userinfo_refreshed"], &result["user_info_refreshed"]),
        (&json!(true), &json!(true))
    );
    assert!(browser.get(&rig, "/").await.is_forwarded());
    assert_eq!(rig.result("oidc")["userinfo_refreshed"], false);
    assert_eq!(provider.asked("userinfo"), asked + 1);
}

#[tokio::test]
async fn an_address_that_is_no_longer_verified_is_gone() {
    let provider = Provider::start().await;
    let services = provider.services();
    provider.set(|state| state.claims = json!({"email": "ann@corp.example", "name": "Ann"}));
    let rig = site(&services, json!({"userinfo_refresh_interval": "5m"}));
    let mut browser = Browser::default();
    browser.log_in(&rig, &provider, "/").await;
    provider.set(|state| state.user = json!({"sub": "u1"}));
    services.logins.clock().advance(Duration::from_secs(300));
    assert!(browser.get(&rig, "/").await.is_forwarded());
    assert_eq!(rig.result("oidc")["identity"]["email"], "ann@corp.example");
    let user = json!({"sub": "u1", "email": "ann@corp.example", "email_verified": false});
    provider.set(|state| state.user = user);
    services.logins.clock().advance(Duration::from_secs(300));
    assert!(browser.get(&rig, "/").await.is_forwarded());
    assert_eq!(rig.result("oidc")["identity"]["email"], "");
}

#[tokio::test]
async fn whom_the_provider_disowns_is_out() {
    let provider = Provider::start().await;
    let services = provider.services();
    let rig = site(&services, json!({"userinfo_refresh_interval": "5m"}));
    let mut browser = Browser::default();
    browser.log_in(&rig, &provider, "/").await;
    provider.set(|state| state.status = vec![("userinfo", 401)]);
    services.logins.clock().advance(Duration::from_secs(300));
    assert_eq!(browser.get(&rig, "/").await.refused(), (403, Some(5202)));
    assert_eq!(browser.get(&rig, "/").await.response().status(), 302);

    // Nor may the session become somebody else's.
    provider.set(|state| state.status.clear());
    browser.log_in(&rig, &provider, "/").await;
    provider.set(|state| state.user["sub"] = json!("u2"));
    services.logins.clock().advance(Duration::from_secs(300));
    assert_eq!(browser.get(&rig, "/").await.refused(), (403, Some(5202)));
}

#[tokio::test]
async fn a_provider_that_is_down_for_a_while_locks_nobody_out() {
    let provider = Provider::start().await;
    let services = provider.services();
    let rig = site(&services, json!({"userinfo_refresh_interval": "10m"}));
    let mut browser = Browser::default();
    browser.log_in(&rig, &provider, "/").await;
    provider.set(|state| state.status = vec![("id.example", 503)]);
    services.logins.clock().advance(Duration::from_secs(600));
    let asked = provider.asked("userinfo");
    for _ in 0..3 {
        assert!(browser.get(&rig, "/").await.is_forwarded());
    }
    assert_eq!(provider.asked("userinfo"), asked + 1);
    services.logins.clock().advance(Duration::from_secs(300));
    assert_eq!(browser.get(&rig, "/").await.refused(), (502, Some(5202)));
    provider.set(|state| state.status.clear());
    services.logins.clock().advance(Duration::from_secs(60));
    assert!(browser.get(&rig, "/").await.is_forwarded());
}

#[tokio::test]
async fn a_configuration_that_is_read_again_keeps_its_visitors() {
    let provider = Provider::start().await;
    let services = provider.services();
    let mut browser = Browser::default();
    browser.log_in(&site(&services, json!({})), &provider, "/").await;
    let same = site(&services, json!({"max_session_duration": "1h"}));
    assert!(browser.get(&same, "/").await.is_forwarded());
    for (name, value) in [("client_secret", "other"), ("auth_id", "other"), ("client_id", "other")]
    {
        let other = site(&services, json!({ name: value }));
        assert!(!browser.get(&other, "/").await.is_forwarded(), "{name}");
    }
    assert!(!browser.get(&oauth(&provider, "google", json!({})), "/").await.is_forwarded());
}

#[tokio::test]
async fn applications_that_are_written_alike_are_told_apart_by_what_they_are() {
    let provider = Provider::start().await;
    let services = provider.services();
    let secret = "${req.headers['x-app'][0] == 'a' ? 's3cret' : 'other'}";
    let rig = site(&services, json!({ "client_secret": secret }));
    let mut browser = Browser::default();
    let own = [("x-app", "a")];
    let response = browser.send(&rig, "GET", "/", &own).await.response();
    browser.take(response.headers());
    let url = response.headers()["location"].to_str().unwrap().to_owned();
    let back = browser.agree(&provider, &url).await;
    let response = browser.send(&rig, "GET", &back, &own).await.response();
    browser.take(response.headers());
    assert!(browser.send(&rig, "GET", "/", &own).await.is_forwarded());
    assert!(!browser.send(&rig, "GET", "/", &[("x-app", "b")]).await.is_forwarded());
}

#[tokio::test]
async fn one_login_serves_a_whole_domain_if_the_policy_says_so() {
    use adit_chain::Protocol;
    let provider = Provider::start().await;
    let services = provider.services();
    let rig = |url: &str, domain: &str| {
        let mut site = Site::at(Protocol::Https, url);
        site.services = services.clone();
        let config = json!({"issuer_url": ISSUER, "client_id": "app", "client_secret": "s3cret",
            "auth_cookie_domain": domain});
        site.policy(&policy("openid-connect", config))
    };
    let (a, mut browser) = (rig("https://app.example.com", "example.com"), Browser::default());
    let response = browser.get(&a, "/").await.response();
    browser.take(response.headers());
    let url = response.headers()["location"].to_str().unwrap();
    let back = provider.visit(url).await.headers()["location"].to_str().unwrap().to_owned();
    let back = back.strip_prefix("https://app.example.com").unwrap();
    let response = browser.get(&a, back).await.response();
    let cookie = lines(response.headers(), "set-cookie")[0].to_owned();
    assert!(cookie.ends_with("; SameSite=Lax; Domain=example.com; Secure"), "{cookie}");
    browser.take(response.headers());
    let b = rig("https://b.example.com", "example.com");
    assert!(browser.get(&b, "/").await.is_forwarded());
}
