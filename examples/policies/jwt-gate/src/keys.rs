//! The keys that may sign.

use adit_policy_sdk::prelude::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::token::Token;

/// A key, as it is written down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyConfig {
    /// Its name: a token that names a key is judged by that one alone.
    kid: Option<String>,
    alg: Algorithm,
    /// A public key in PEM, or the shared secret of HS256.
    key: String,
}

/// What tokens are signed with.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum Algorithm {
    HS256,
    RS256,
    PS256,
    ES256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// Its name in tokens, and its name at the agent.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::HS256 => ("HS256", "hs256"),
            Self::RS256 => ("RS256", "rs256"),
            Self::PS256 => ("PS256", "ps256"),
            Self::ES256 => ("ES256", "es256"),
            Self::EdDsa => ("EdDSA", "eddsa"),
        }
    }
}

/// A key that is ready to check signatures.
pub(crate) struct Key {
    kid: Option<String>,
    algorithm: Algorithm,
    octets: Vec<u8>,
}

impl Key {
    pub(crate) fn new(config: KeyConfig) -> Result<Self> {
        let KeyConfig { kid, alg: algorithm, key } = config;
        let octets = match algorithm {
            Algorithm::HS256 if key.len() < 32 => bail!("keys: a secret needs 32 octets"),
            Algorithm::HS256 => key.into_bytes(),
            _ => from_pem(&key)?,
        };
        let key = Self { kid, algorithm, octets };
        // A key that is none is the operator's to repair, not a visitor's to run into.
        crypto::verify(algorithm.names().1, &key.octets, b"", b"")?;
        Ok(key)
    }

    /// Whether the token asks for this key. Its algorithm is ours to choose and not the token's: a
    /// public key must never be taken for a shared secret.
    pub(crate) fn may_have_signed(&self, token: &Token) -> bool {
        let is_named = token.kid().is_none_or(|kid| self.kid.as_deref() == Some(kid));
        is_named && token.algorithm() == self.algorithm.names().0
    }

    pub(crate) fn has_signed(&self, token: &Token) -> bool {
        let (_, algorithm) = self.algorithm.names();
        crypto::verify(algorithm, &self.octets, token.message(), token.signature()).unwrap_or(false)
    }
}

fn from_pem(pem: &str) -> Result<Vec<u8>> {
    let inside = pem
        .trim()
        .strip_prefix("-----BEGIN PUBLIC KEY-----")
        .and_then(|rest| rest.strip_suffix("-----END PUBLIC KEY-----"));
    let Some(inside) = inside else {
        bail!("keys: expected a PUBLIC KEY in PEM, as `openssl pkey -pubout` writes it");
    };
    let text: String = inside.split_ascii_whitespace().collect();
    STANDARD.decode(text).map_err(|error| Error::new(format_args!("keys: {error}")))
}
