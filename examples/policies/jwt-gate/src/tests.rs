//! Tokens of every kind that must not get in, and the one that must.

use adit_policy_sdk::testing::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

/// When every test starts.
const NOW: u64 = 1_767_225_600;
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn harness() -> Harness<JwtGate> {
    let config = json!({
        "issuer": "https://id.example",
        "audience": "api",
        "keys": [
            { "kid": "old", "alg": "HS256", "key": "fedcba9876543210fedcba9876543210" },
            { "kid": "new", "alg": "HS256", "key": SECRET },
        ],
        "scopes": ["read"],
        "headers": { "email": "x-email", "admin": "x-admin" },
    });
    Harness::new(config).unwrap()
}

fn claims() -> Json {
    json!({
        "iss": "https://id.example",
        "aud": ["web", "api"],
        "sub": "ann",
        "email": "ann@example.com",
        "scope": "read write",
        "exp": NOW + 60,
    })
}

/// The claims, with one of them changed or, if it is null, left out.
fn with(name: &str, value: impl Into<Json>) -> Json {
    let mut claims = claims();
    claims[name] = value.into();
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn signed(t: &mut Harness<JwtGate>, header: &Json, claims: &Json) -> String {
    let part = |value: &Json| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let sign = |_: &mut JwtGate| crypto::sign("hs256", SECRET.as_bytes(), message.as_bytes());
    let signature = t.within(sign).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn call(token: &str) -> Message {
    get("/").header("authorization", format!("Bearer {token}"))
}

/// What a visitor with these claims is told.
fn told(claims: &Json) -> (u16, String) {
    let mut t = harness();
    let token = signed(&mut t, &json!({ "alg": "HS256", "kid": "new" }), claims);
    match t.request(call(&token)).verdict {
        Verdict::Respond(reply) => {
            let body: Json = serde_json::from_slice(&reply.body).unwrap();
            (reply.status, body["error"].as_str().unwrap().to_owned())
        }
        verdict => panic!("{verdict:?}"),
    }
}

#[test]
fn a_good_token_says_who_it_is() {
    let mut t = harness();
    let token = signed(&mut t, &json!({ "alg": "HS256", "kid": "new" }), &claims());
    let exchange = t.request(call(&token).header("x-admin", "true").header("x-email", "eve@x"));
    assert_eq!(exchange.verdict, Verdict::Next);
    assert_eq!(exchange.edits.identity.as_deref(), Some("ann"));
    assert_eq!(exchange.edits.header("x-email"), Some("ann@example.com"));
    assert_eq!(exchange.edits.removed, ["x-admin"]);
}

#[test]
fn a_token_that_names_no_key_is_tried_with_each() {
    let mut t = harness();
    let token = signed(&mut t, &json!({ "alg": "HS256" }), &claims());
    assert_eq!(t.request(call(&token)).verdict, Verdict::Next);
}

#[test]
fn without_a_token_there_is_a_challenge_and_no_reason() {
    let mut t = harness();
    for request in [get("/"), get("/").header("authorization", "Basic YTpi")] {
        let exchange = t.request(request);
        assert_eq!(exchange.reply().status, 401);
        assert_eq!(exchange.reply().header_text("www-authenticate").as_deref(), Some("Bearer"));
    }
}

#[test]
fn claims_must_hold() {
    let invalid = |name: &str, value: Json| told(&with(name, value));
    let is = |reason: &str| (401, reason.to_owned());
    assert_eq!(invalid("exp", json!(NOW - 30)), is("expired"));
    assert_eq!(invalid("exp", Json::Null), is("never expires"));
    assert_eq!(invalid("exp", json!("soon")), is("never expires"));
    assert_eq!(invalid("nbf", json!(NOW + 31)), is("not valid yet"));
    assert_eq!(invalid("iss", json!("https://other.example")), is("wrong issuer"));
    assert_eq!(invalid("aud", json!("web")), is("wrong audience"));
    assert_eq!(invalid("aud", Json::Null), is("wrong audience"));
    assert_eq!(invalid("sub", Json::Null), is("no subject"));
    assert_eq!(invalid("scope", json!("write")), (403, "missing scope".to_owned()));
}

#[test]
fn clocks_may_differ_a_little() {
    for claims in [with("exp", NOW - 29), with("nbf", NOW + 30), with("exp", NOW as f64 + 0.5)] {
        let mut t = harness();
        let token = signed(&mut t, &json!({ "alg": "HS256", "kid": "new" }), &claims);
        assert_eq!(t.request(call(&token)).verdict, Verdict::Next, "{claims}");
    }
}

#[test]
fn what_no_key_has_signed_is_refused() {
    let mut t = harness();
    let good = signed(&mut t, &json!({ "alg": "HS256", "kid": "new" }), &claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let header = |value: Json| URL_SAFE_NO_PAD.encode(value.to_string());
    let (_, payload) = message.split_once('.').unwrap();
    let reason = |t: &mut Harness<JwtGate>, token: &str| {
        t.request(call(token)).reply().header_text("www-authenticate").unwrap()
    };
    for (token, expected) in [
        (format!("{message}."), "wrong signature"),
        (message.to_owned(), "not a token"),
        (format!("{}.{payload}.{signature}", header(json!({ "alg": "none" }))), "unknown key"),
        (format!("{}.{payload}.{signature}", header(json!({ "alg": "RS256" }))), "unknown key"),
        (signed(&mut t, &json!({ "alg": "HS256", "kid": "old" }), &claims()), "wrong signature"),
        (signed(&mut t, &json!({ "alg": "HS256", "kid": "none" }), &claims()), "unknown key"),
        (signed(&mut t, &json!({ "alg": "HS256", "crit": ["exp"] }), &claims()), "not a token"),
        (signed(&mut t, &json!({ "alg": "HS256" }), &json!("ann")), "no claims"),
        ("..".to_owned(), "not a token"),
    ] {
        let told = reason(&mut t, &token);
        assert!(told.ends_with(&format!("error_description=\"{expected}\"")), "{told}: {expected}");
    }
}

#[test]
fn keys_that_are_none_are_found_before_anybody_comes() {
    let told = |key: Json| {
        let config = json!({ "issuer": "i", "audience": "a", "keys": [key] });
        Harness::<JwtGate>::new(config).err().unwrap()
    };
    assert_eq!(told(json!({ "alg": "HS256", "key": "short" })), "keys: a secret needs 32 octets");
    assert!(told(json!({ "alg": "ES256", "key": "nonsense" })).contains("PUBLIC KEY in PEM"));
    assert!(told(json!({ "alg": "none", "key": "" })).starts_with("keys[0].alg: unknown variant"));
}

#[test]
fn the_cases_hold() {
    adit_policy_sdk::cases::check::<JwtGate>(include_str!("../cases.yml"));
}
