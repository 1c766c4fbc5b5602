//! A provider to log in with, which can be made to misbehave: a server on this machine that stands
//! for every host, `https://id.example` among them, which describes itself.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use adit_chain::BoxFuture;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, client, server, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use tokio::net::{TcpListener, TcpStream};

use super::Signer;
use crate::{
    login::{clock::seconds, secrets::to_text},
    services::{Fetch, FetchError, Services},
};

/// The issuer that it is.
pub(crate) const ISSUER: &str = "https://id.example/realm";

/// The application that it knows.
const CLIENT: (&str, &str) = ("app", "s3cret");

/// The provider.
#[derive(Clone)]
pub(crate) struct Provider {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// How it behaves; tests change it.
pub(crate) struct State {
    /// Answers with garbage, or not at all, where a path contains one of these.
    pub(crate) garbage: Vec<&'static str>,
    pub(crate) silent: Vec<&'static str>,
    /// Answers with this status where a path contains the text.
    pub(crate) status: Vec<(&'static str, u16)>,
    /// Visitors who want to log in come back with this error.
    pub(crate) error: Option<&'static str>,
    /// Who visitors are, in every dialect.
    pub(crate) user: Json,
    /// The claims of identity tokens, changed.
    pub(crate) claims: Json,
    /// The header of identity tokens, if it is another one.
    pub(crate) header: Option<Json>,
    /// Who signs, and whose keys are published.
    pub(crate) signer: Signer,
    pub(crate) keys: Vec<Json>,
    /// Whether tokens can be renewed, and how long they last.
    pub(crate) refreshes: bool,
    pub(crate) lasts: u64,
    /// Whether there is an identity token at all.
    pub(crate) vouches: bool,
    /// The issuer that its description names.
    pub(crate) issuer: String,
    /// How often it was asked, by path.
    pub(crate) asked: HashMap<String, usize>,
    /// The last request for tokens, and the last one with a token.
    pub(crate) form: HashMap<String, String>,
    codes: HashMap<String, HashMap<String, String>>,
    n: usize,
}

impl Provider {
    /// Starts it. It ends with the test's runtime.
    pub(crate) async fn start() -> Self {
        let signer = Signer::new("ES256", "one");
        let keys = vec![signer.jwk()];
        let state = State {
            garbage: Vec::new(),
            silent: Vec::new(),
            status: Vec::new(),
            error: None,
            user: json!({
                "sub": "u1", "email": "ann@corp.example", "email_verified": true, "name": "Ann",
                "id": 17, "login": "ann",
            }),
            claims: json!({}),
            header: None,
            signer,
            keys,
            refreshes: true,
            lasts: 3600,
            vouches: true,
            issuer: ISSUER.to_owned(),
            asked: HashMap::new(),
            form: HashMap::new(),
            codes: HashMap::new(),
            n: 0,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let provider = Self { address, state: Arc::new(Mutex::new(state)) };
        let own = provider.clone();
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        drop(tokio::spawn(async move {
            while let Ok((io, _)) = listener.accept().await {
                let own = own.clone();
                let service = service_fn(move |request| own.clone().answer(request));
                let serve =
                    server::conn::http1::Builder::new().serve_connection(TokioIo::new(io), service);
                drop(tokio::spawn(serve));
            }
        }));
        provider
    }

    /// Changes how it behaves.
    pub(crate) fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
    }

    /// Looks at it.
    pub(crate) fn see<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.lock())
    }

    /// How often paths that contain this were asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.see(|state| {
            state.asked.iter().filter(|(own, _)| own.contains(path)).map(|(_, n)| n).sum()
        })
    }

    /// What reaches it.
    pub(crate) fn services(&self) -> Services {
        Services { fetch: Some(Arc::new(Road(self.address))), ..Services::default() }
    }

    /// Asks it as browsers do.
    pub(crate) async fn visit(&self, url: &str) -> Response<Bytes> {
        let request = Request::get(url).body(Bytes::new()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        Road(self.address).fetch(request, usize::MAX, deadline).await.unwrap()
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let path = head.uri.path().to_owned();
        let is_silent = self.see(|state| state.silent.iter().any(|own| path.contains(own)));
        if is_silent {
            std::future::pending::<()>().await;
        }
        let mut state = self.state.lock();
        *state.asked.entry(path.clone()).or_default() += 1;
        if let Some((_, status)) = state.status.iter().find(|(own, _)| path.contains(own)) {
            return Ok(reply(*status, &json!({})));
        }
        if state.garbage.iter().any(|own| path.contains(own)) {
            return Ok(Response::new(Full::from("<html>not JSON</html>")));
        }
        let pairs = |text: &str| -> HashMap<String, String> {
            url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
        };
        if head.uri.query().is_some_and(|query| query.contains("response_type=")) {
            return Ok(state.authorize(pairs(head.uri.query().unwrap_or_default())));
        }
        let authorization = head.headers.get(header::AUTHORIZATION);
        let authorization = authorization.map(|value| value.to_str().unwrap()).unwrap_or_default();
        if path.ends_with("/openid-configuration") {
            return Ok(reply(200, &state.description()));
        }
        if path.ends_with("/keys") {
            return Ok(reply(200, &json!({"keys": state.keys})));
        }
        if path.to_ascii_lowercase().ends_with("token") {
            return Ok(state.token(pairs(std::str::from_utf8(&body).unwrap()), authorization));
        }
        if !authorization.starts_with("Bearer access-") {
            return Ok(reply(401, &json!({"error": "invalid_token"})));
        }
        Ok(reply(200, &state.user))
    }
}

impl State {
    fn description(&self) -> Json {
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": "https://id.example/authorize",
            "token_endpoint": "https://id.example/token",
            "userinfo_endpoint": "https://id.example/userinfo",
            "jwks_uri": "https://id.example/keys",
        })
    }

    /// The visitor has said who he is, and goes back.
    fn authorize(&mut self, query: HashMap<String, String>) -> Response<Full<Bytes>> {
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], CLIENT.0);
        self.n += 1;
        let code = format!("code-{}", self.n);
        let mut to = url::Url::parse(&query["redirect_uri"]).unwrap();
        let (name, value) = self.error.map_or(("code", code.as_str()), |error| ("error", error));
        to.query_pairs_mut().append_pair(name, value).append_pair("state", &query["state"]);
        self.codes.insert(code, query);
        Response::builder()
            .status(302)
            .header(header::LOCATION, to.as_str())
            .body(Full::default())
            .unwrap()
    }

    fn token(
        &mut self,
        form: HashMap<String, String>,
        authorization: &str,
    ) -> Response<Full<Bytes>> {
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        let basic =
            format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", CLIENT.0, CLIENT.1)));
        let in_form = (field("client_id"), field("client_secret"));
        if authorization != basic && (in_form.0.as_str(), in_form.1.as_str()) != CLIENT {
            return reply(401, &json!({"error": "invalid_client"}));
        }
        let refused = reply(400, &json!({"error": "invalid_grant"}));
        let nonce = match field("grant_type").as_str() {
            "refresh_token" if self.refreshes && field("refresh_token").starts_with("refresh-") => {
                Json::Null
            }
            "authorization_code" => {
                let Some(begun) = self.codes.remove(&field("code")) else { return refused };
                let proof = begun.get("code_challenge").cloned().unwrap_or_default();
                let shown = to_text(&Sha256::digest(field("code_verifier")));
                if begun["redirect_uri"] != field("redirect_uri")
                    || (!proof.is_empty() && proof != shown)
                {
                    return refused;
                }
                begun.get("nonce").cloned().into()
            }
            _ => return refused,
        };
        self.n += 1;
        self.form = form;
        let mut answer = json!({
            "access_token": format!("access-{}", self.n),
            "token_type": "Bearer",
            "expires_in": self.lasts,
        });
        if self.refreshes {
            answer["refresh_token"] = format!("refresh-{}", self.n).into();
        }
        if self.vouches {
            let now = seconds(SystemTime::now());
            let mut claims = json!({
                "iss": ISSUER, "aud": CLIENT.0, "sub": self.user["sub"], "iat": now,
                "exp": now + 600, "nonce": nonce,
            });
            for (name, value) in self.claims.as_object().unwrap() {
                claims[name] = value.clone();
            }
            answer["id_token"] = match &self.header {
                Some(header) => self.signer.token_with(header, &claims),
                None => self.signer.token(&claims),
            }
            .into();
        }
        reply(200, &answer)
    }
}

fn reply(status: u16, json: &Json) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(json.to_string()))
        .unwrap()
}

/// Leads to the provider, whatever host is asked: `https://a.example/b` is `/a.example/b` there.
#[derive(Debug)]
struct Road(SocketAddr);

impl Fetch for Road {
    fn fetch<'a>(
        &'a self,
        request: Request<Bytes>,
        max_len: usize,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Response<Bytes>, FetchError>> {
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            let target =
                format!("/{}{}", head.uri.host().unwrap(), head.uri.path_and_query().unwrap());
            head.uri = target.parse().unwrap();
            let ask = async {
                let io = TcpStream::connect(self.0).await.unwrap();
                let (mut sender, connection) =
                    client::conn::http1::handshake(TokioIo::new(io)).await.unwrap();
                let asking = sender.send_request(Request::from_parts(head, Full::new(body)));
                let (answer, _) = tokio::join!(
                    async {
                        let (head, body) = asking.await.unwrap().into_parts();
                        let body = Limited::new(body, max_len).collect().await;
                        drop(sender);
                        let body = body.map_err(|_| FetchError::TooLong)?.to_bytes();
                        Ok(Response::from_parts(head, body))
                    },
                    connection
                );
                answer
            };
            let answer = tokio::time::timeout_at(deadline.into(), ask).await;
            answer.unwrap_or(Err(FetchError::Timeout))
        })
    }
}
