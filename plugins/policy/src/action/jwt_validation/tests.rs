use std::time::Duration;

use http::header::WWW_AUTHENTICATE;
use serde_json::{Value as Json, json};

use crate::{
    login::testing::{Provider, Signer},
    services::Services,
    testing::{Passed, Rig, Site, refused, request, text},
};

const KEYS: &str = "https://id.example/keys";

fn config(change: impl FnOnce(&mut Json)) -> Json {
    let mut config = json!({
        "issuer": {"allow_list": [{"value": "https://id.example/"}]},
        "audience": {"allow_list": [{"value": "api"}, {"value": "urn:two"}]},
        "http": {"tokens": [
            {"type": "access_token", "method": "header", "name": "Authorization", "prefix": "Bearer "},
        ]},
        "jws": {
            "allowed_algorithms": ["ES256", "RS256"],
            "keys": {"sources": {"additional_jkus": [KEYS]}},
        },
    });
    change(&mut config);
    config
}

fn claims() -> Json {
    json!({"iss": "https://id.example/", "aud": ["api"], "sub": "ann", "exp": 9_999_999_999_u64})
}

struct World {
    provider: Provider,
    services: Services,
    rig: Rig,
}

impl World {
    async fn new(change: impl FnOnce(&mut Json)) -> Self {
        let provider = Provider::start().await;
        let services = provider.services();
        let action = json!({"type": "jwt-validation", "config": config(change)});
        let document = json!({"on_http_request": [{"actions": [action]}]});
        let rig = Site::with(services.clone()).policy(&document);
        Self { provider, services, rig }
    }

    /// A token of the provider.
    fn token(&self, claims: &Json) -> String {
        self.provider.see(|state| state.signer.token(claims))
    }

    async fn show(&self, authorization: &str) -> Passed {
        self.rig.request(request("GET", "/", &[("authorization", authorization)], "")).await
    }

    async fn bearer(&self, token: &str) -> Passed {
        self.show(&format!("Bearer {token}")).await
    }
}

#[tokio::test]
async fn a_token_that_is_trusted_passes_and_later_rules_are_told_of_it() {
    let world = World::new(|_| ()).await;
    let token = world.token(&claims());
    assert!(world.bearer(&token).await.is_forwarded());
    assert!(world.show(&format!("bearer {token}")).await.is_forwarded());
    let signature = token.rsplit('.').next().unwrap();
    let told = json!({
        "tokens": [{
            "header": {"alg": "ES256", "kid": "one", "typ": "JWT"},
            "payload": claims(),
            "signature": signature,
            "verified": true,
            "location": "header",
            "location_property": "Authorization",
        }],
        "error": {"code": "", "message": ""},
    });
    assert_eq!(world.rig.result("jwt_validation"), told);
    // All of it with one question.
    assert_eq!(world.provider.asked("keys"), 1);
}

#[tokio::test]
async fn who_brings_no_token_is_told_what_is_missing() {
    let world = World::new(|_| ()).await;
    let refusal = world.rig.request(request("GET", "/", &[], "")).await.refusal();
    assert_eq!((refusal.status.as_u16(), refusal.code.unwrap().0), (401, 3408));
    assert_eq!(refusal.headers[WWW_AUTHENTICATE], "Bearer");
    assert_eq!(world.show("Basic YTpi").await.refused(), (401, Some(3413)));
    assert_eq!(world.show("Bearer ").await.refused(), (401, Some(3406)));
    let refusal = world.bearer("a.b.c").await.refusal();
    assert_eq!((refusal.status.as_u16(), refusal.code.unwrap().0), (401, 3416));
    assert_eq!(refusal.headers[WWW_AUTHENTICATE], "Bearer error=\"invalid_token\"");
    assert_eq!(world.rig.result("jwt_validation")["error"]["code"], "ERR_NGROK_3416");
}

#[tokio::test]
async fn a_token_is_of_its_time() {
    let world = World::new(|_| ()).await;
    let with = |name: &str, value: Json| {
        let mut claims = claims();
        claims[name] = value;
        world.token(&claims)
    };
    for token in
        [with("exp", json!(1)), with("nbf", json!(9_999_999_999_u64)), with("exp", json!("x"))]
    {
        assert_eq!(world.bearer(&token).await.refused(), (401, Some(3401)));
    }
    assert!(world.bearer(&with("exp", Json::Null)).await.is_forwarded());
}

#[tokio::test]
async fn a_token_of_another_issuer_or_for_somebody_else_is_forbidden() {
    let world = World::new(|_| ()).await;
    let with = |name: &str, value: Json| {
        let mut claims = claims();
        claims[name] = value;
        world.token(&claims)
    };
    for token in [
        with("iss", json!("https://id.example")),
        with("iss", Json::Null),
        with("aud", json!("other")),
        with("aud", json!([])),
        with("aud", Json::Null),
    ] {
        assert_eq!(world.bearer(&token).await.refused(), (403, Some(3403)));
    }
    assert!(world.bearer(&with("aud", json!("urn:two"))).await.is_forwarded());
    let any = World::new(|config| config["audience"] = Json::Null).await;
    let mut claims = claims();
    claims["aud"] = Json::Null;
    assert!(any.bearer(&any.token(&claims)).await.is_forwarded());
}

#[tokio::test]
async fn a_token_is_signed_as_the_policy_says() {
    let world = World::new(|_| ()).await;
    let none = Signer::new("none", "one");
    let none = none.token_with(&json!({"alg": "none", "kid": "one"}), &claims());
    assert_eq!(world.bearer(&none).await.refused(), (401, Some(3401)));
    let forged = Signer::new("ES256", "one").token(&claims());
    assert_eq!(world.bearer(&forged).await.refused(), (401, Some(3401)));
    // Signed by a key that is published, in a way that is not allowed.
    let other = Signer::new("ES384", "two");
    world.provider.set(|state| state.keys.push(other.jwk()));
    assert_eq!(world.bearer(&other.token(&claims())).await.refused(), (401, Some(3401)));
}

#[tokio::test]
async fn unknown_keys_are_looked_for_once_in_a_while() {
    let world = World::new(|_| ()).await;
    assert!(world.bearer(&world.token(&claims())).await.is_forwarded());
    let new = Signer::new("RS256", "two");
    for n in 0..5 {
        let made_up = Signer::secret("HS256", &n.to_string(), vec![1; 32]);
        let header = json!({"alg": "ES256", "kid": n.to_string()});
        let token = made_up.token_with(&header, &claims());
        assert_eq!(world.bearer(&token).await.refused(), (401, Some(3401)));
    }
    assert_eq!(world.provider.asked("keys"), 1);
    world.provider.set(|state| state.keys.push(new.jwk()));
    world.services.logins.clock().advance(Duration::from_secs(30));
    assert!(world.bearer(&new.token(&claims())).await.is_forwarded());
    assert_eq!(world.provider.asked("keys"), 2);
}

#[tokio::test]
async fn keys_that_are_taken_back_serve_for_15_minutes() {
    let world = World::new(|_| ()).await;
    let token = world.token(&claims());
    assert!(world.bearer(&token).await.is_forwarded());
    world.provider.set(|state| state.keys.clear());
    world.services.logins.clock().advance(Duration::from_secs(14 * 60));
    assert!(world.bearer(&token).await.is_forwarded());
    world.services.logins.clock().advance(Duration::from_secs(60));
    assert_eq!(world.bearer(&token).await.refused(), (401, Some(3401)));
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_told_from_keys_that_do_not_fit() {
    let world = World::new(|_| ()).await;
    let token = world.token(&claims());
    world.provider.set(|state| state.status = vec![("keys", 503)]);
    assert_eq!(world.bearer(&token).await.refused(), (401, Some(3422)));
    world.provider.set(|state| (state.status, state.garbage) = (Vec::new(), vec!["keys"]));
    world.services.logins.clock().advance(Duration::from_secs(5));
    assert_eq!(world.bearer(&token).await.refused(), (401, Some(3422)));
    world.provider.set(|state| state.garbage.clear());
    world.services.logins.clock().advance(Duration::from_secs(5));
    assert!(world.bearer(&token).await.is_forwarded());
}

#[tokio::test]
async fn keys_are_looked_for_at_every_address() {
    let urls = json!(["https://nowhere.example/x", "https://other.example/keys"]);
    let world = World::new(|config| {
        config["jws"]["keys"] = json!([
            {"sources": [{"additional_jkus": urls}]},
            {"identification": [{"token_claims": ["kid"]}], "sources": {"additional_jkus": KEYS}},
        ]);
    })
    .await;
    assert!(world.bearer(&world.token(&claims())).await.is_forwarded());
}

#[tokio::test]
async fn an_address_that_is_down_does_not_hide_newer_keys_at_another() {
    let urls = json!(["https://down.example/broken", KEYS]);
    let world = World::new(|config| {
        config["jws"]["keys"]["sources"]["additional_jkus"] = urls;
    })
    .await;
    world.provider.set(|state| state.status = vec![("broken", 503)]);
    assert!(world.bearer(&world.token(&claims())).await.is_forwarded());
    let new = Signer::new("ES256", "two");
    world.provider.set(|state| state.keys.push(new.jwk()));
    world.services.logins.clock().advance(Duration::from_secs(60));
    assert!(world.bearer(&new.token(&claims())).await.is_forwarded());
    // Nobody knows whose this is while one of them cannot be asked.
    let unknown = Signer::new("ES256", "three").token(&claims());
    assert_eq!(world.bearer(&unknown).await.refused(), (401, Some(3422)));
}

#[tokio::test]
async fn what_is_trusted_may_follow_from_the_request() {
    let world = World::new(|config| {
        config["issuer"]["allow_list"][0]["value"] = json!("https://${req.host}/");
        config["http"]["tokens"][0]["name"] = json!("${'x-' + 'token'}");
        config["http"]["tokens"][0]["prefix"] = Json::Null;
    })
    .await;
    let mut claims = claims();
    claims["iss"] = json!("https://app.example/");
    let token = world.token(&claims);
    let request = request("GET", "/", &[("x-token", &token)], "");
    assert!(world.rig.request(request).await.is_forwarded());
}

#[tokio::test]
async fn a_token_may_be_in_the_body() {
    let world = World::new(|config| {
        config["http"]["tokens"] =
            json!([{"type": "it+jwt", "method": "body", "name": "_id_token"}]);
    })
    .await;
    let token = world.token(&claims());
    let json = json!({"_ID_Token": token, "a": 1}).to_string();
    let form = format!("a=1&_id_token={token}");
    const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    let send = async |method: &str, kind: (&str, &str), body: &str| {
        world.rig.request(request(method, "/", &[kind], body.to_owned())).await
    };
    for (method, kind, body) in
        [("POST", JSON, &json), ("PUT", FORM, &form), ("PATCH", JSON, &json)]
    {
        let passed = send(method, kind, body).await;
        assert!(passed.is_forwarded(), "{method}");
        // The upstream gets the body as it was.
        assert_eq!(text(passed.exchange.request.into_body()).await, *body);
    }
    assert_eq!(world.rig.result("jwt_validation")["tokens"][0]["location"], "body");
    for (method, kind, body, code) in [
        ("GET", JSON, json.as_str(), 3415),
        ("POST", ("content-type", "text/plain"), &json, 3414),
        ("POST", JSON, "{", 3411),
        ("POST", JSON, "[]", 3411),
        ("POST", JSON, "{}", 3406),
        ("POST", FORM, "a=1", 3406),
    ] {
        assert_eq!(send(method, kind, body).await.refused(), (401, Some(code)), "{method} {body}");
    }
    let long = format!("a={}", "x".repeat(11 * 1024 * 1024));
    assert_eq!(send("POST", FORM, &long).await.refused(), (413, Some(3412)));
}

#[tokio::test]
async fn two_tokens_in_one_place_are_refused_as_nobody_knows_which_one_counts() {
    let world = World::new(|_| ()).await;
    let token = format!("Bearer {}", world.token(&claims()));
    let both = [("authorization", token.as_str()), ("authorization", "Bearer x.y.z")];
    let refused = world.rig.request(request("GET", "/", &both, "")).await.refused();
    assert_eq!(refused, (401, Some(3401)));
}

#[tokio::test]
async fn every_token_must_be_there_and_valid() {
    let world = World::new(|config| {
        let further = json!({"type": "jwt", "method": "header", "name": "x-second"});
        config["http"]["tokens"].as_array_mut().unwrap().push(further);
    })
    .await;
    let token = world.token(&claims());
    assert_eq!(world.bearer(&token).await.refused(), (401, Some(3408)));
    let bearer = format!("Bearer {token}");
    let both = [("authorization", bearer.as_str()), ("x-second", token.as_str())];
    assert!(world.rig.request(request("GET", "/", &both, "")).await.is_forwarded());
    assert_eq!(world.rig.result("jwt_validation")["tokens"].as_array().unwrap().len(), 2);
}

fn wrong(change: impl FnOnce(&mut Json)) -> Vec<String> {
    refused("jwt-validation", config(change))
}

#[test]
fn what_is_missing_in_a_policy_is_told() {
    assert_eq!(wrong(|_| ()), [""; 0]);
    let all = refused("jwt-validation", json!({}));
    assert_eq!(all, ["issuer: 2223", "http: 2223", "jws: 2223"]);
    assert_eq!(wrong(|c| c["issuer"] = json!({})), ["issuer.allow_list: 2223"]);
    assert_eq!(wrong(|c| c["issuer"]["allow_list"] = json!([])), ["issuer.allow_list: 2223"]);
    assert_eq!(
        wrong(|c| c["issuer"]["allow_list"] = json!([{}])),
        ["issuer.allow_list.0.value: 2223"]
    );
    assert_eq!(wrong(|c| c["http"]["tokens"] = json!([])), ["http.tokens: 2223"]);
    assert_eq!(
        wrong(|c| c["http"]["tokens"] = json!([{}])),
        ["http.tokens.0.type: 2223", "http.tokens.0.method: 2223", "http.tokens.0.name: 2223"]
    );
    assert_eq!(
        wrong(|c| c["jws"]["allowed_algorithms"] = json!([])),
        ["jws.allowed_algorithms: 2223"]
    );
    assert_eq!(wrong(|c| c["jws"]["keys"] = json!({})), ["jws.keys.sources: 2223"]);
    let place = "jws.keys.sources.additional_jkus: 2223";
    assert_eq!(wrong(|c| c["jws"]["keys"]["sources"] = json!({})), [place]);
}

#[test]
fn what_is_wrong_in_a_policy_is_told() {
    let algorithms = |names: Json| wrong(|c| c["jws"]["allowed_algorithms"] = names);
    assert_eq!(algorithms(json!(["none"])), ["jws.allowed_algorithms.0: 2222"]);
    assert_eq!(algorithms(json!(["RS256", "RS256"])), ["jws.allowed_algorithms.1: 2231"]);
    assert_eq!(algorithms(json!(["ES512", "EdDSA", "PS384", "HS256"])), [""; 0]);
    let tokens = |tokens: Json| wrong(|c| c["http"]["tokens"] = tokens);
    let token = |method: &str, name: &str| json!({"type": "jwt", "method": method, "name": name});
    assert_eq!(tokens(json!([token("query", "a")])), ["http.tokens.0.method: 2222"]);
    assert_eq!(tokens(json!([token("header", "a b")])), ["http.tokens.0.name: 2210"]);
    assert_eq!(tokens(json!([token("header", "a"), token("header", "A")])), ["http.tokens: 2231"]);
    assert_eq!(tokens(json!([token("header", "a"), token("body", "a")])), [""; 0]);
    let twice = json!([{"value": "a"}, {"value": "a"}]);
    assert_eq!(wrong(|c| c["issuer"]["allow_list"] = twice.clone()), ["issuer.allow_list: 2231"]);
    assert_eq!(wrong(|c| c["audience"]["allow_list"] = twice), ["audience.allow_list: 2231"]);
    let urls = |urls: Json| wrong(|c| c["jws"]["keys"]["sources"]["additional_jkus"] = urls);
    assert_eq!(urls(json!(["keys"])), ["jws.keys.sources.additional_jkus: 2226"]);
    let many: Json = (0..101).map(|n| format!("https://a.example/{n}")).collect();
    assert_eq!(urls(many), ["jws.keys.sources.additional_jkus: 2218"]);
    assert_eq!(wrong(|c| c["enforce"] = json!(false)), ["warning enforce: 2204"]);
}
