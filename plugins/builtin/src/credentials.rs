//! User names and passwords: which are fit to be used, what a request presents, and whether that is
//! known.

use std::fmt;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use adit_chain::Refusal;

/// Fact: the documented limits of credentials, in characters.
pub const MAX_CREDENTIALS: usize = 10;
const MAX_USER: usize = 128;
const MIN_PASSWORD: usize = 8;
const MAX_PASSWORD: usize = 128;

/// Fact: the documented limit of a realm, in ASCII characters.
pub const MAX_REALM: usize = 128;

/// The realm of those who give none.
pub const DEFAULT_REALM: &str = "ngrok";

/// Longest `Authorization` worth decoding: both parts at their limits, in 4-byte characters, base64.
const MAX_HEADER: usize = 2048;

/// Padding is optional: some clients leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a credential cannot be used. Says nothing of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A control character, which no client can send (RFC 7617).
    #[error("the password must not contain control characters")]
    PasswordCharacters,
    /// Longer than allowed.
    #[error("the password must have 8 to 128 characters")]
    PasswordTooLong,
    /// Shorter than allowed.
    #[error("the password must have 8 to 128 characters")]
    PasswordTooShort,
    /// A control character, or a colon, at which clients end the name (RFC 7617).
    #[error("the user name must not contain a colon or control characters")]
    UserCharacters,
    /// None at all.
    #[error("the user name must have 1 to 128 characters")]
    UserEmpty,
    /// Longer than allowed.
    #[error("the user name must have 1 to 128 characters")]
    UserTooLong,
}

impl Unfit {
    /// Whether it is the user name that is unfit, and not the password.
    pub const fn is_user(self) -> bool {
        matches!(self, Self::UserCharacters | Self::UserEmpty | Self::UserTooLong)
    }
}

/// The credentials that open a door. Keeps digests only.
#[derive(Clone, Default)]
pub struct Known(Vec<[u8; 32]>);

impl Known {
    /// Adds one.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn add(&mut self, user: &str, password: &str) -> Result<(), Unfit> {
        match user.chars().count() {
            0 => return Err(Unfit::UserEmpty),
            1..=MAX_USER => {}
            _ => return Err(Unfit::UserTooLong),
        }
        if user.contains(|c: char| c == ':' || c.is_control()) {
            return Err(Unfit::UserCharacters);
        }
        match password.chars().count() {
            0..MIN_PASSWORD => return Err(Unfit::PasswordTooShort),
            MIN_PASSWORD..=MAX_PASSWORD => {}
            _ => return Err(Unfit::PasswordTooLong),
        }
        if password.contains(char::is_control) {
            return Err(Unfit::PasswordCharacters);
        }
        self.0.push(Sha256::digest(format!("{user}:{password}")).into());
        Ok(())
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a presented pair is one of them.
    ///
    /// Compares digests: all have one length, and each is looked at whatever the others said, so
    /// the time tells nothing about how close a guess was or which user exists.
    pub fn has(&self, presented: &Presented) -> bool {
        let digest: [u8; 32] = Sha256::digest(&presented.0).into();
        let compare = |known: Choice, expected: &[u8; 32]| known | expected.ct_eq(&digest);
        self.0.iter().fold(Choice::from(0), compare).into()
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Known({} credentials)", self.len())
    }
}

/// The `user:password` of a request.
#[derive(PartialEq, Eq)]
pub struct Presented(Vec<u8>);

impl Presented {
    /// What the headers of a request present. Two `Authorization` lines are none: which one the
    /// upstream would believe is anybody's guess.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all(header::AUTHORIZATION).iter();
        let line = lines.next().filter(|line| line.len() <= MAX_HEADER)?;
        if lines.next().is_some() {
            return None;
        }
        let (scheme, token) = line.to_str().ok()?.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        BASE64.decode(token.trim()).ok().filter(|pair| pair.contains(&b':')).map(Self)
    }

    /// The user name.
    pub fn user(&self) -> String {
        let user = self.0.split(|byte| *byte == b':').next().unwrap_or_default();
        String::from_utf8_lossy(user).into_owned()
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presented(..)")
    }
}

/// The `WWW-Authenticate` of a realm. `None`: the realm cannot be said.
pub fn challenge(realm: &str) -> Option<HeaderValue> {
    let is_printable = realm.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if !is_printable || realm.len() > MAX_REALM {
        return None;
    }
    let quoted = realm.replace('\\', "\\\\").replace('"', "\\\"");
    HeaderValue::try_from(format!("Basic realm=\"{quoted}\"")).ok()
}

/// What those are told who present nothing that is known.
pub fn refusal(challenge: &HeaderValue) -> Refusal {
    let message = "a user name and password are required";
    let mut refusal = Refusal::new(StatusCode::UNAUTHORIZED, message);
    refusal.headers.insert(header::WWW_AUTHENTICATE, challenge.clone());
    refusal
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn authorization(value: impl TryInto<HeaderValue, Error: fmt::Debug>) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.try_into().unwrap())])
    }

    #[test]
    fn what_no_client_can_send_or_is_too_long_or_short_is_unfit() {
        let add = |user: &str, password: &str| Known::default().add(user, password);
        assert_eq!(add("ann", "password"), Ok(()));
        assert_eq!(add("", "password"), Err(Unfit::UserEmpty));
        assert_eq!(add(&"u".repeat(128), "password"), Ok(()));
        assert_eq!(add(&"u".repeat(129), "password"), Err(Unfit::UserTooLong));
        assert_eq!(add("a:b", "password"), Err(Unfit::UserCharacters));
        assert_eq!(add("a\tb", "password"), Err(Unfit::UserCharacters));
        assert_eq!(add("ann", "1234567"), Err(Unfit::PasswordTooShort));
        assert_eq!(add("ann", &"p".repeat(129)), Err(Unfit::PasswordTooLong));
        assert_eq!(add("ann", "pass\u{7f}word"), Err(Unfit::PasswordCharacters));
        assert_eq!(add("ann", "pass:word"), Ok(()));
    }

    #[test]
    fn nothing_shows_a_secret() {
        let mut known = Known::default();
        known.add("ann", "password").unwrap();
        assert_eq!(format!("{known:?}"), "Known(1 credentials)");
        let presented = Presented(b"ann:password".to_vec());
        assert_eq!(format!("{presented:?}"), "Presented(..)");
    }

    proptest! {
        #[test]
        fn no_authorization_header_makes_it_panic(value in proptest::collection::vec(32_u8..=255, 0..64)) {
            prop_assume!(!value.contains(&0x7f));
            let _ = Presented::of(&authorization(value));
        }

        #[test]
        fn what_a_client_encodes_is_what_is_compared(user in "[^:]{1,20}", password in ".{0,20}") {
            let pair = format!("{user}:{password}");
            let headers = authorization(format!("Basic {}", BASE64.encode(&pair)));
            prop_assert_eq!(Presented::of(&headers), Some(Presented(pair.into_bytes())));
        }
    }
}
