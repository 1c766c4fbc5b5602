//! `basic-auth`: lets a visitor through who knows a user name and its password.
//!
//! Ours: `hashed_password`, which the wire format carries, is refused: no public client sends it
//! and nothing public says which hash it holds, so there is nothing to verify it against.

use std::fmt;

use adit_chain::{
    BoxError, BoxHandler, BuildCx, BuildError, Exchange, Handler, Identity, Needs, OnRequest,
    Refusal,
};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use self::credential::Credential;
use crate::options::mistake;

mod credential;

/// Fact: the limits of the service's `basic-auth` action, in characters.
const MAX_CREDENTIALS: usize = 10;
const MAX_USER: usize = 128;
const MIN_PASSWORD: usize = 8;
const MAX_PASSWORD: usize = 128;
const MAX_REALM: usize = 128;

/// Longest `Authorization` worth decoding: both parts at their limits, in 4-byte characters, base64.
const MAX_HEADER: usize = 2048;

/// Padding is optional: some clients leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[serde(default)]
    credentials: Vec<Credential>,
    #[serde(default = "default_realm")]
    realm: String,
}

fn default_realm() -> String {
    "ngrok".into()
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
    let expected = credentials.into_iter().enumerate().map(|(i, credential)| digest(i, credential));
    let expected = expected.collect::<Result<_, _>>()?;
    let challenge = challenge(&options.realm)?;
    Ok(BoxHandler::new(BasicAuth { expected, challenge }))
}

/// Checks one credential, and keeps only its digest.
fn digest(index: usize, credential: Credential) -> Result<[u8; 32], BuildError> {
    let at = |code, message: &str| mistake("credentials", index, code, message.into());
    let (user, password) = match credential {
        Credential::Pair(pair) => match pair.split_once(':') {
            Some((user, password)) => (user.to_owned(), password.to_owned()),
            None => return Err(at(360, "no colon; write user:password")),
        },
        Credential::Fields { username, password: Some(password), .. } => (username, password),
        Credential::Fields { hashed_password: Some(_), .. } => {
            let message = "a hashed password cannot be verified here; give the password itself";
            return Err(BuildError::new(message).at(["credentials".into(), index.to_string()]));
        }
        Credential::Fields { .. } => return Err(at(360, "no password")),
    };
    if !(1..=MAX_USER).contains(&user.chars().count()) {
        return Err(at(359, "the user name must have 1 to 128 characters"));
    }
    if user.contains(':') {
        return Err(at(359, "the user name must not contain a colon"));
    }
    if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&password.chars().count()) {
        return Err(at(360, "the password must have 8 to 128 characters"));
    }
    Ok(Sha256::digest(format!("{user}:{password}")).into())
}

fn challenge(realm: &str) -> Result<HeaderValue, BuildError> {
    let printable = realm.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if !printable || realm.len() > MAX_REALM {
        let message = "the realm must be at most 128 printable ASCII characters";
        return Err(BuildError::new(message).at(["realm"]));
    }
    let quoted = realm.replace('\\', "\\\\").replace('"', "\\\"");
    HeaderValue::try_from(format!("Basic realm=\"{quoted}\""))
        .map_err(|error| BuildError::new(error.to_string()).at(["realm"]))
}

/// Compares digests: all have one length, and each is looked at whatever the others said, so the
/// time tells nothing about how close a guess was or which user exists.
struct BasicAuth {
    expected: Vec<[u8; 32]>,
    challenge: HeaderValue,
}

impl BasicAuth {
    fn knows(&self, presented: &[u8]) -> bool {
        let digest: [u8; 32] = Sha256::digest(presented).into();
        let compare = |known: Choice, expected: &[u8; 32]| known | expected.ct_eq(&digest);
        self.expected.iter().fold(Choice::from(0), compare).into()
    }

    fn refusal(&self) -> Refusal {
        let message = "a user name and password are required";
        let mut refusal = Refusal::new(StatusCode::UNAUTHORIZED, message);
        refusal.headers.insert(WWW_AUTHENTICATE, self.challenge.clone());
        refusal
    }
}

impl Handler for BasicAuth {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        let presented = presented(exchange.request.headers()).filter(|pair| self.knows(pair));
        let Some(pair) = presented else { return Ok(OnRequest::Abort(self.refusal())) };
        let user = pair.split(|byte| *byte == b':').next().unwrap_or_default();
        let subject = String::from_utf8_lossy(user).into_owned();
        exchange.identity = Some(Identity { provider: "basic-auth".into(), subject });
        Ok(OnRequest::Next)
    }
}

impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BasicAuth({} credentials)", self.expected.len())
    }
}

/// The `user:password` of a request. Two `Authorization` lines are none: which one the upstream
/// would believe is anybody's guess.
fn presented(headers: &HeaderMap) -> Option<Vec<u8>> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let line = lines.next().filter(|line| line.len() <= MAX_HEADER)?;
    if lines.next().is_some() {
        return None;
    }
    let (scheme, token) = line.to_str().ok()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    BASE64.decode(token.trim()).ok().filter(|pair| pair.contains(&b':'))
}

#[cfg(test)]
mod tests {
    use adit_chain::Chain;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
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
        assert_eq!(format!("{:?}", handler.unwrap()), "BasicAuth(1 credentials)");
        let error = crate::testing::build("basic-auth", &json!({"credentials": ["ann:short"]}));
        assert!(!error.unwrap_err().message.contains("short"));
        let number = json!({"credentials": [{"username": "ann", "password": 12_345_678}]});
        let error = crate::testing::build("basic-auth", &number).unwrap_err();
        assert_eq!(error.at, ["credentials", "0", "password"]);
        assert_eq!(error.message, "invalid type: integer, expected a string");
    }

    proptest! {
        #[test]
        fn no_authorization_header_makes_it_panic(value in proptest::collection::vec(32_u8..=255, 0..64)) {
            prop_assume!(!value.contains(&0x7f));
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_bytes(&value).unwrap());
            let _ = presented(&headers);
        }

        #[test]
        fn what_a_client_encodes_is_what_is_compared(user in "[^:]{1,20}", password in ".{0,20}") {
            let pair = format!("{user}:{password}");
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, basic(&pair).parse().unwrap());
            prop_assert_eq!(presented(&headers), Some(pair.into_bytes()));
        }
    }
}
