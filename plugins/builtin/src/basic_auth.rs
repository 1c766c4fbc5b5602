//! `basic-auth`: lets a visitor through who knows a user name and its password.
//!
//! Ours: `hashed_password`, which the wire format carries, is refused: no public client sends it
//! and nothing public says which hash it holds, so there is nothing to verify it against.

use adit_chain::{
    BoxError, BoxHandler, BuildCx, BuildError, Exchange, Handler, Identity, Needs, OnRequest,
};
use http::HeaderValue;

use self::credential::Credential;
use crate::{
    credentials::{self, Known, MAX_CREDENTIALS, Presented},
    options::mistake,
};

mod credential;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[serde(default)]
    credentials: Vec<Credential>,
    #[serde(default = "default_realm")]
    realm: String,
}

fn default_realm() -> String {
    credentials::DEFAULT_REALM.into()
}

pub(crate) fn build(options: Options, _: &BuildCx) -> Result<BoxHandler, BuildError> {
    let credentials = options.credentials;
    if credentials.is_empty() {
        let message = "no credentials; add at least one \"user:password\"";
        return Err(BuildError::new(message).at(["credentials"]));
    }
    if credentials.len() > MAX_CREDENTIALS {
        let message = format!("{} credentials; {MAX_CREDENTIALS} are allowed", credentials.len());
        return Err(BuildError::new(message).at(["credentials"]));
    }
    let mut known = Known::default();
    for (i, credential) in credentials.into_iter().enumerate() {
        let (user, password) = parts(i, credential)?;
        known.add(&user, &password).map_err(|unfit| {
            let code = if unfit.is_user() { 359 } else { 360 };
            mistake("credentials", i, code, unfit.to_string())
        })?;
    }
    let challenge = credentials::challenge(&options.realm).ok_or_else(|| {
        let message = "the realm must be at most 128 printable ASCII characters";
        BuildError::new(message).at(["realm"])
    })?;
    Ok(BoxHandler::new(BasicAuth { known, challenge }))
}

/// User name and password of one credential.
fn parts(index: usize, credential: Credential) -> Result<(String, String), BuildError> {
    let at = |message: &str| mistake("credentials", index, 360, message.into());
    match credential {
        Credential::Pair(pair) => match pair.split_once(':') {
            Some((user, password)) => Ok((user.to_owned(), password.to_owned())),
            None => Err(at("no colon; write user:password")),
        },
        Credential::Fields { username, password: Some(password), .. } => Ok((username, password)),
        Credential::Fields { hashed_password: Some(_), .. } => {
            let message = "a hashed password cannot be verified here; give the password itself";
            Err(BuildError::new(message).at(["credentials".into(), index.to_string()]))
        }
        Credential::Fields { .. } => Err(at("no password")),
    }
}

#[derive(Debug)]
struct BasicAuth {
    known: Known,
    challenge: HeaderValue,
}

impl Handler for BasicAuth {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        let presented = Presented::of(exchange.request.headers());
        let Some(presented) = presented.filter(|presented| self.known.has(presented)) else {
            return Ok(OnRequest::Abort(credentials::refusal(&self.challenge)));
        };
        let subject = presented.user();
        exchange.identity = Some(Identity { provider: "basic-auth".into(), subject });
        Ok(OnRequest::Next)
    }
}

#[cfg(test)]
mod tests {
    use adit_chain::Chain;
    use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
    use http::{
        StatusCode,
        header::{AUTHORIZATION, WWW_AUTHENTICATE},
    };
    use serde_json::json;

    use crate::testing::{chain, pass, refused, request};

    fn ann_and_bob() -> Chain {
        chain(
            "basic-auth",
            &json!({
                "credentials": ["ann:pass:word", {"username": "bob", "password": "hunter2hunter2"}],
            }),
        )
    }

    async fn asks(authorization: &str) -> Option<String> {
        let passed = pass(&ann_and_bob(), request(&[("authorization", authorization)])).await;
        passed.forwarded().then(|| passed.exchange.identity.unwrap().subject)
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", BASE64.encode(pair))
    }

    #[tokio::test]
    async fn each_known_pair_is_let_through_under_its_name() {
        assert_eq!(asks(&basic("ann:pass:word")).await.as_deref(), Some("ann"));
        assert_eq!(asks(&basic("bob:hunter2hunter2")).await.as_deref(), Some("bob"));
    }

    #[tokio::test]
    async fn the_scheme_may_be_in_any_case_and_the_padding_may_be_missing() {
        let header = basic("bob:hunter2hunter2").replace("Basic", "bAsIc").replace('=', "");
        assert_eq!(asks(&header).await.as_deref(), Some("bob"));
    }

    #[tokio::test]
    async fn strangers_are_turned_away() {
        for header in [
            &basic("ann:pass"),
            &basic("ann:hunter2hunter2"),
            &basic("ann"),
            "Basic ???",
            "Bearer x",
            "",
        ] {
            assert_eq!(asks(header).await, None, "{header}");
        }
    }

    #[tokio::test]
    async fn the_refusal_is_a_challenge_without_a_code() {
        let options = json!({"credentials": ["ann:password"], "realm": "say \"hi\""});
        let refusal = pass(&chain("basic-auth", &options), request(&[])).await.refusal();
        assert_eq!((refusal.status, refusal.code), (StatusCode::UNAUTHORIZED, None));
        assert_eq!(refusal.headers[WWW_AUTHENTICATE], "Basic realm=\"say \\\"hi\\\"\"");
    }

    #[tokio::test]
    async fn the_realm_is_ngrok_unless_told() {
        let refusal = pass(&ann_and_bob(), request(&[])).await.refusal();
        assert_eq!(refusal.headers[WWW_AUTHENTICATE], "Basic realm=\"ngrok\"");
    }

    #[tokio::test]
    async fn two_authorization_lines_are_none() {
        let line = basic("ann:pass:word");
        let both = request(&[("authorization", &line), ("authorization", &line)]);
        assert_eq!(pass(&ann_and_bob(), both).await.refusal().status, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn the_upstream_still_sees_the_authorization() {
        let line = basic("ann:pass:word");
        let passed = pass(&ann_and_bob(), request(&[("authorization", &line)])).await;
        assert_eq!(passed.exchange.request.headers()[AUTHORIZATION], line);
    }

    #[test]
    fn bad_credentials_are_refused_with_their_place_and_code() {
        let try_it = |credential| {
            refused("basic-auth", &json!({"credentials": ["ann:password", credential]}))
        };
        let place = || "credentials.1".to_owned();
        assert_eq!(try_it(json!(":password")), (place(), Some(359)));
        assert_eq!(try_it(json!(format!("{}:password", "u".repeat(129)))), (place(), Some(359)));
        assert_eq!(
            try_it(json!({"username": "a:b", "password": "password"})),
            (place(), Some(359))
        );
        assert_eq!(try_it(json!("ann:short")), (place(), Some(360)));
        assert_eq!(try_it(json!(format!("ann:{}", "p".repeat(129)))), (place(), Some(360)));
        assert_eq!(try_it(json!("ann")), (place(), Some(360)));
        assert_eq!(try_it(json!({"username": "ann"})), (place(), Some(360)));
        assert_eq!(try_it(json!({"username": "ann", "hashed_password": "AQL/"})), (place(), None));
    }

    #[test]
    fn no_credentials_and_a_bad_realm_are_refused_with_their_place() {
        assert_eq!(refused("basic-auth", &json!({})), ("credentials".into(), None));
        let options = json!({"credentials": ["ann:password"], "realm": "a\nb"});
        assert_eq!(refused("basic-auth", &options), ("realm".into(), None));
    }

    #[test]
    fn neither_the_handler_nor_a_mistake_shows_a_secret() {
        let handler =
            crate::testing::build("basic-auth", &json!({"credentials": ["ann:password"]}));
        assert!(!format!("{:?}", handler.unwrap()).contains("ann"));
        let error = crate::testing::build("basic-auth", &json!({"credentials": ["ann:short"]}));
        assert!(!error.unwrap_err().message.contains("short"));
        let number = json!({"credentials": [{"username": "ann", "password": 12_345_678}]});
        let error = crate::testing::build("basic-auth", &number).unwrap_err();
        assert_eq!(error.at, ["credentials", "0", "password"]);
        assert_eq!(error.message, "invalid type: integer, expected a string");
    }
}
