use adit_chain::{Identity, Protocol};
use http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use serde_json::{Value as Json, json};

use super::{ISSUER, Provider, oauth, oidc, param, policy};
use crate::{
    login::testing::Browser,
    testing::{Rig, Site, lines},
};

#[tokio::test]
async fn a_visitor_logs_in_with_openid_and_comes_back_to_where_he_wanted_to_go() {
    let provider = Provider::start().await;
    let (rig, mut browser) = (oidc(&provider, json!({})), Browser::default());

    let response = browser.get(&rig, "/a?b=c").await.response();
    let cookies = lines(response.headers(), "set-cookie");
    assert_eq!(cookies.len(), 1);
    let (nonce, rest) = cookies[0].split_once(';').unwrap();
    assert_eq!(nonce.len(), "nonce=".len() + 43);
    assert_eq!(rest, " Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure");
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    browser.take(response.headers());
    let url = response.headers()[LOCATION].to_str().unwrap().to_owned();
    assert!(url.starts_with("https://id.example/authorize?"), "{url}");
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", "https://app.example/ngrok/callback"),
        ("scope", "openid email profile"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(param(&url, name).as_deref(), Some(value));
    }

    let back = browser.agree(&provider, &url).await;
    let response = browser.get(&rig, &back).await.response();
    assert_eq!(
        (response.status().as_u16(), &response.headers()[LOCATION]),
        (302, &"/a?b=c".parse().unwrap())
    );
    let cookies = lines(response.headers(), "set-cookie");
    let (session, rest) = cookies[0].split_once(';').unwrap();
    assert_eq!((cookies.len(), session.len()), (1, "session=".len() + 43));
    assert_eq!(rest, " Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax; Secure");
    browser.take(response.headers());

    let passed = browser.get(&rig, "/a?b=c").await;
    assert_eq!(passed.sent().uri(), "/a?b=c");
    assert_eq!(passed.sent_lines("ngrok-auth-oauth-access-token"), ["access-2"]);
    assert_eq!(passed.sent_lines("ngrok-auth-oauth-refresh-token"), ["refresh-2"]);
    let subject = "ann@corp.example".to_owned();
    let identity = Identity { provider: "oidc".into(), subject };
    assert_eq!(passed.exchange.identity, Some(identity));
    // The claims in the token were not enough, so the provider was asked for the rest.
    assert_eq!((provider.asked("token"), provider.asked("userinfo")), (1, 1));
}

#[tokio::test]
async fn later_rules_are_told_who_the_visitor_is() {
    let provider = Provider::start().await;
    let (rig, mut browser) = (oidc(&provider, json!({})), Browser::default());
    browser.log_in(&rig, &provider, "/").await;
    assert!(browser.get(&rig, "/").await.is_forwarded());
    let mut result = rig.result("oidc");
    let expires_at = result["expires_at"].take();
    assert!(expires_at.as_str().unwrap().ends_with('Z'), "{expires_at}");
    let token = result["identity_token"].take();
    assert_eq!(token.as_str().unwrap().split('.').count(), 3);
    let id = result["identity"]["id"].take();
    assert!(id.as_str().unwrap().starts_with("idn_"), "{id}");
    let session = result["identity"]["current_session_id"].take();
    assert!(session.as_str().unwrap().starts_with("ses_"), "{session}");
    assert!(!session.as_str().unwrap().contains(&browser.cookies["session"]));
    let expected = json!({
        "identity": {
            "id": null, "email": "ann@corp.example", "name": "Ann", "provider_user_id": "u1",
            "current_session_id": null,
        },
        "error": {"code": "", "message": ""},
        "access_token": "access-2",
        "refresh_token": "refresh-2",
        "identity_token": null,
        "expires_at": null,
        "session_timed_out": false,
        "session_max_duration_reached": false,
        "userinfo_refreshed": false,
        "user_info_refreshed": false,
    });
    assert_eq!(result, expected);
}

#[tokio::test]
async fn a_later_rule_can_turn_people_away_by_their_address() {
    let provider = Provider::start().await;
    let document = json!({"on_http_request": [
        {"actions": [{"type": "oauth", "config": {
            "provider": "google", "client_id": "app", "client_secret": "s3cret"}}]},
        {"expressions": ["!actions.ngrok.oauth.identity.email.endsWith('@corp.example')"],
         "actions": [{"type": "deny"}]},
    ]});
    let rig = Site::with(provider.services()).policy(&document);
    let mut browser = Browser::default();
    browser.log_in(&rig, &provider, "/").await;
    assert!(browser.get(&rig, "/").await.is_forwarded());

    provider.set(|state| state.user["email_verified"] = json!(false));
    let mut other = Browser::default();
    other.log_in(&rig, &provider, "/").await;
    assert_eq!(other.get(&rig, "/").await.response().status(), 403);
}

#[tokio::test]
async fn every_provider_by_name_lets_its_users_in() {
    let user = json!({
        "sub": "u1", "id": "u1", "user_id": "u1", "email": "ann@corp.example", "name": "Ann",
        "email_verified": true, "displayName": "Ann", "userPrincipalName": "ann@corp.example",
        "localizedFirstName": "Ann", "localizedLastName": "",
        "elements": [{"handle~": {"emailAddress": "ann@corp.example"}}],
        "data": [{"id": "u1", "display_name": "Ann", "email": "ann@corp.example"}],
    });
    for (name, host, scope) in [
        ("amazon", "www.amazon.com", "profile more"),
        ("facebook", "www.facebook.com", "email more"),
        ("github", "github.com", "read:org read:user user:email more"),
        ("gitlab", "gitlab.com", "email openid profile more"),
        (
            "google",
            "accounts.google.com",
            "https://www.googleapis.com/auth/userinfo.email \
             https://www.googleapis.com/auth/userinfo.profile more",
        ),
        ("linkedin", "www.linkedin.com", "r_emailaddress r_liteprofile more"),
        ("microsoft", "login.microsoftonline.com", "User.Read more"),
        ("twitch", "id.twitch.tv", "user:read:email more"),
    ] {
        let provider = Provider::start().await;
        provider.set(|state| state.user = user.clone());
        let rig = oauth(&provider, name, json!({"scopes": ["more"]}));
        let mut browser = Browser::default();
        let url = browser.begin(&rig, "/x").await;
        // What the real one calls it.
        let known = url::Url::parse(&url).unwrap();
        assert_eq!((known.scheme(), known.host_str()), ("https", Some(host)), "{name}");
        assert_eq!(param(&url, "scope").as_deref(), Some(scope), "{name}");
        assert_eq!(param(&url, "nonce"), None);
        let back = browser.agree(&provider, &url).await;
        let response = browser.get(&rig, &back).await.response();
        assert_eq!(response.headers()[LOCATION], "/x", "{name}");
        browser.take(response.headers());
        let passed = browser.get(&rig, "/x").await;
        assert_eq!(passed.sent_lines("ngrok-auth-oauth-access-token"), ["access-2"], "{name}");
        let identity = &rig.result("oauth")["identity"];
        let told = (&identity["email"], &identity["name"], &identity["provider_user_id"]);
        let text = |text: &str| Json::from(text);
        assert_eq!(told, (&text("ann@corp.example"), &text("Ann"), &text("u1")), "{name}");
    }
}

#[tokio::test]
async fn linkedin_is_asked_as_its_application_may() {
    let provider = Provider::start().await;
    let scopes = json!({"scopes": ["openid", "profile", "email"]});
    let rig = oauth(&provider, "linkedin", scopes);
    let url = Browser::default().begin(&rig, "/").await;
    assert_eq!(param(&url, "scope").as_deref(), Some("email openid profile"));
}

#[tokio::test]
async fn the_provider_gets_what_the_policy_adds_and_asks_again_at_the_login_path() {
    let provider = Provider::start().await;
    let further = json!({"authz_url_params": {"hd": "corp.example", "access_type": "online"}});
    let (rig, mut browser) = (oauth(&provider, "google", further), Browser::default());
    let url = browser.begin(&rig, "/").await;
    assert_eq!(param(&url, "hd").as_deref(), Some("corp.example"));
    assert_eq!(param(&url, "access_type").as_deref(), Some("online"));
    assert_eq!(param(&url, "prompt"), None);
    let url = browser.begin(&rig, "/ngrok/login").await;
    assert_eq!(param(&url, "prompt").as_deref(), Some("select_account"));
    let url = browser.begin(&oidc(&provider, json!({})), "/ngrok/login").await;
    assert_eq!(param(&url, "prompt").as_deref(), Some("login"));
}

#[tokio::test]
async fn the_login_path_leads_back_to_where_it_says() {
    let provider = Provider::start().await;
    let (rig, mut browser) = (oidc(&provider, json!({})), Browser::default());
    assert_eq!(browser.log_in(&rig, &provider, "/ngrok/login?redirect_path=/foo").await, "/foo");
    assert_eq!(browser.log_in(&rig, &provider, "/ngrok/login").await, "/");
}

#[tokio::test]
async fn a_login_comes_back_even_if_its_rule_is_about_other_paths() {
    let provider = Provider::start().await;
    let config = json!({"issuer_url": ISSUER, "client_id": "app", "client_secret": "s3cret"});
    let document = json!({"on_http_request": [{
        "expressions": ["req.url.path.startsWith('/admin')"],
        "actions": [{"type": "oidc", "config": config}],
    }]});
    let rig = Site::with(provider.services()).policy(&document);
    let mut browser = Browser::default();
    assert!(browser.get(&rig, "/public").await.is_forwarded());
    assert_eq!(browser.log_in(&rig, &provider, "/admin").await, "/admin");
    assert!(browser.get(&rig, "/admin").await.is_forwarded());
}

#[tokio::test]
async fn visitors_come_back_to_another_place_if_the_policy_says_so() {
    let provider = Provider::start().await;
    for (callback, redirect_uri) in [
        ("/auth/back", "https://app.example/auth/back"),
        ("https://app.example/auth/back", "https://app.example/auth/back"),
    ] {
        let rig = oidc(&provider, json!({ "callback_url": callback }));
        let mut browser = Browser::default();
        let url = browser.begin(&rig, "/x").await;
        assert_eq!(param(&url, "redirect_uri").as_deref(), Some(redirect_uri));
        let back = browser.agree(&provider, &url).await;
        assert!(back.starts_with("/auth/back?code="), "{back}");
        let response = browser.get(&rig, &back).await.response();
        assert_eq!(response.headers()[LOCATION], "/x");
    }
}

#[tokio::test]
async fn what_is_sent_with_another_method_is_not_sent_to_the_provider() {
    let provider = Provider::start().await;
    let (rig, mut browser) = (oidc(&provider, json!({})), Browser::default());
    let response = browser.send(&rig, "POST", "/a", &[]).await.response();
    assert_eq!(response.status(), 303);
}

#[tokio::test]
async fn a_preflight_passes_only_if_the_policy_allows_it() {
    let provider = Provider::start().await;
    let mut browser = Browser::default();
    let (open, closed) =
        (oidc(&provider, json!({"allow_cors_preflight": true})), oidc(&provider, json!({})));
    let spoofed = [("ngrok-auth-oauth-access-token", "mine")];
    let passed = browser.send(&open, "OPTIONS", "/", &spoofed).await;
    assert_eq!(passed.sent_lines("ngrok-auth-oauth-access-token"), [""; 0]);
    assert!(!browser.send(&closed, "OPTIONS", "/", &[]).await.is_forwarded());
    assert!(!browser.get(&open, "/").await.is_forwarded());
}

#[tokio::test]
async fn two_logins_on_one_host_do_not_take_each_others_visitors() {
    let provider = Provider::start().await;
    let services = provider.services();
    let rig = |auth_id: &str| -> Rig {
        let config = json!({"issuer_url": ISSUER, "client_id": "app", "client_secret": "s3cret",
            "auth_id": auth_id});
        Site::with(services.clone()).policy(&policy("openid-connect", config))
    };
    let (outer, inner, mut browser) = (rig("outer"), rig("inner"), Browser::default());
    browser.log_in(&outer, &provider, "/").await;
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["nonce.outer", "session.outer"]);
    // What is for the inner one passes the outer one.
    let url = browser.begin(&inner, "/x").await;
    let back = browser.agree(&provider, &url).await;
    assert!(browser.get(&outer, &back).await.is_forwarded());
    assert!(browser.get(&outer, "/ngrok/logout?auth_id=inner").await.is_forwarded());
    let response = browser.get(&inner, &back).await.response();
    assert_eq!(response.headers()[LOCATION], "/x");
    let response = browser.get(&outer, "/ngrok/logout?auth_id=outer").await.response();
    assert_eq!(lines(response.headers(), SET_COOKIE.as_str()).len(), 2);
}

#[tokio::test]
async fn visitors_come_back_to_the_name_that_they_asked_for_where_the_endpoint_has_many() {
    let provider = Provider::start().await;
    let config = json!({"issuer_url": ISSUER, "client_id": "app", "client_secret": "s3cret"});
    let host = [("host", "team.example.com"), ("x-forwarded-proto", "http, https")];
    for (protocol, url, expected) in [
        (Protocol::Https, "https://*.example.com", "https://team.example.com/ngrok/callback"),
        (Protocol::Http, "http://*.example.com", "http://team.example.com/ngrok/callback"),
        // Another endpoint passed it on: what that one's visitors see counts.
        (Protocol::Http, "http://app.internal", "https://team.example.com/ngrok/callback"),
        (
            Protocol::Https,
            "https://app.example.com:8443",
            "https://app.example.com:8443/ngrok/callback",
        ),
        // Not known yet.
        (Protocol::Https, "https://", "https://team.example.com/ngrok/callback"),
    ] {
        let mut site = Site::at(protocol, url);
        site.services = provider.services();
        let rig = site.policy(&policy("openid-connect", config.clone()));
        let response = Browser::default().send(&rig, "GET", "/", &host).await.response();
        let to = response.headers()[LOCATION].to_str().unwrap().to_owned();
        assert_eq!(param(&to, "redirect_uri").as_deref(), Some(expected), "{url}");
        let cookie = lines(response.headers(), "set-cookie")[0];
        assert_eq!(cookie.ends_with("; Secure"), expected.starts_with("https"), "{url}");
    }
    let site = Site::at(Protocol::Https, "https://*.example.com");
    let rig = site.policy(&policy("openid-connect", config));
    for host in ["a b", "u@team.example.com", "team.example.com/x", "team.example.com?x", ""] {
        let host = [("host", host)];
        let refused = Browser::default().send(&rig, "GET", "/", &host).await.refused();
        assert_eq!(refused, (400, Some(2300)), "{host:?}");
    }
}
