//! Visitors sign in with an OpenID provider, from the flags of the program to the service.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use adit_tests::{Reply, Upstream, Visitor, service::body};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::Response;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use url::Url;

use crate::program::{Program, here};

/// An OpenID provider on loopback, where everybody is this person.
async fn provider(email: &'static str) -> Upstream {
    let key = Arc::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
    // Nonces, by the codes that were given for them.
    let nonces: Arc<Mutex<HashMap<String, String>>> = Arc::default();
    Upstream::http(move |request| {
        let (key, nonces) = (Arc::clone(&key), Arc::clone(&nonces));
        async move {
            let host = request.headers()["host"].to_str().unwrap().to_owned();
            let issuer = format!("http://{host}");
            let asked = Url::parse(&format!("{issuer}{}", request.uri())).unwrap();
            let form = request.into_body().collect().await.unwrap().to_bytes();
            let pairs: HashMap<String, String> = match form.is_empty() {
                true => asked.query_pairs().into_owned().collect(),
                false => url::form_urlencoded::parse(&form).into_owned().collect(),
            };
            let answer = match asked.path() {
                "/.well-known/openid-configuration" => json!({
                    "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                    "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
                    "response_types_supported": ["code"], "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["ES256"],
                }),
                "/keys" => json!({ "keys": [jwk(&key)] }),
                "/authorize" => {
                    let code = format!("code-{}", nonces.lock().unwrap().len());
                    let nonce = pairs.get("nonce").cloned().unwrap_or_default();
                    nonces.lock().unwrap().insert(code.clone(), nonce);
                    let mut back = Url::parse(&pairs["redirect_uri"]).unwrap();
                    back.query_pairs_mut()
                        .append_pair("code", &code)
                        .append_pair("state", &pairs["state"]);
                    let to = Response::builder().status(302).header("location", back.as_str());
                    return to.body(body("")).unwrap();
                }
                "/token" => {
                    let nonce = nonces.lock().unwrap()[&pairs["code"]].clone();
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
                    let claims = json!({
                        "iss": issuer, "aud": "app", "sub": "u1", "email": email, "nonce": nonce,
                        "email_verified": true, "name": "Ann", "iat": now, "exp": now + 600,
                    });
                    json!({ "access_token": "at", "token_type": "Bearer", "expires_in": 600,
                        "id_token": token(&key, &claims) })
                }
                _ => return Response::builder().status(404).body(body("")).unwrap(),
            };
            let json = Response::builder().header("content-type", "application/json");
            json.body(body(answer.to_string())).unwrap()
        }
    })
    .await
}

fn text(octets: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(octets)
}

fn jwk(key: &EcdsaKeyPair) -> Value {
    let point = &key.public_key().as_ref()[1..];
    let (x, y) = point.split_at(point.len() / 2);
    json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "k", "x": text(x),
        "y": text(y) })
}

fn token(key: &EcdsaKeyPair, claims: &Value) -> String {
    let head = json!({ "alg": "ES256", "kid": "k", "typ": "JWT" });
    let message =
        format!("{}.{}", text(head.to_string().as_bytes()), text(claims.to_string().as_bytes()));
    let signed = key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    format!("{message}.{}", text(signed.as_ref()))
}

/// A browser that knows the endpoint and the provider.
struct Browser {
    endpoint: Visitor,
    cookies: HashMap<String, String>,
}

impl Browser {
    async fn get(&mut self, path: &str) -> Reply {
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let reply = self.endpoint.get(path).header("cookie", &cookies.join("; ")).await;
        for line in reply.headers().get_all("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        reply
    }

    /// Follows the way to the provider and back; what is there at last.
    async fn sign_in(&mut self, provider: &Upstream, path: &str) -> Reply {
        let reply = self.get(path).await;
        assert_eq!(reply.status(), 302, "{}", reply.text());
        let to = Url::parse(reply.header("location")).unwrap();
        assert_eq!(to.path(), "/authorize");
        let asked = here(&provider.http_url()).get(&to[url::Position::BeforePath..]).await;
        let back = Url::parse(asked.header("location")).unwrap();
        let reply = self.get(&back[url::Position::BeforePath..]).await;
        assert_eq!(reply.status(), 302, "{}", reply.text());
        let to = reply.header("location").to_owned();
        let to = to.strip_prefix(&format!("http://{}", self.endpoint.authority())).unwrap_or(&to);
        assert_eq!(to, path);
        self.get(path).await
    }
}

async fn started(provider: &Upstream, more: &str) -> (Program, Upstream, Browser) {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::counting("hello").await;
    let file = home.path().join("adit.yml");
    let text = format!(
        "version: 2\ntunnels:\n  a:\n    proto: http\n    schemes: [http]\n    addr: \"{}\"\n    oidc:\n      \
         issuer_url: {}\n      client_id: app\n      client_secret: s3cret\n{more}",
        upstream.addr(),
        provider.http_url()
    );
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let mut program = Program::start(&home, &["start", "a", "--config", &file]);
    let endpoint = here(&program.url().await);
    (program, upstream, Browser { endpoint, cookies: HashMap::new() })
}

#[tokio::test]
async fn who_signs_in_comes_through() {
    let provider = provider("ann@corp.example").await;
    let (program, upstream, mut browser) = started(&provider, "").await;
    let reply = browser.sign_in(&provider, "/orders?n=1").await;
    assert_eq!((reply.text().as_str(), upstream.hits()), ("hello", 1));
    assert_eq!(browser.get("/").await.text(), "hello");
    browser.cookies.clear();
    assert_eq!(browser.get("/").await.status(), 302);
    drop(program);
}

#[tokio::test]
async fn who_is_on_no_list_is_turned_away() {
    for (email, status) in
        [("ann@corp.example", 200), ("eve@corp.example.evil", 403), ("Bob@other.example", 200)]
    {
        let provider = provider(email).await;
        let lists =
            "      allow_domains: [corp.example]\n      allow_emails: [bob@other.example]\n";
        let (program, upstream, mut browser) = started(&provider, lists).await;
        let reply = browser.sign_in(&provider, "/").await;
        assert_eq!(reply.status(), status, "{email}");
        assert_eq!(upstream.hits(), usize::from(status == 200));
        drop(program);
    }
}
