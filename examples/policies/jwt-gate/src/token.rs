//! A signed token, taken apart.

use adit_policy_sdk::prelude::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;

/// A token in three parts. Nothing in it is true before a key has said so.
pub(crate) struct Token<'a> {
    header: Header,
    payload: &'a str,
    message: &'a str,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood. We know none.
    crit: Option<Json>,
}

impl<'a> Token<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        let header: Header = decode(header)?;
        if header.crit.is_some() {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { header, payload, message, signature })
    }

    pub(crate) fn algorithm(&self) -> &str {
        &self.header.alg
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    pub(crate) fn message(&self) -> &[u8] {
        self.message.as_bytes()
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }

    pub(crate) fn claims(&self) -> Option<Claims> {
        decode(self.payload).map(Claims)
    }
}

fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// What a token says.
pub(crate) struct Claims(serde_json::Map<String, Json>);

impl Claims {
    /// A claim that is a text, or a number or truth value as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Json::String(text) => Some(text.clone()),
            value @ (Json::Number(_) | Json::Bool(_)) => Some(value.to_string()),
            _ => None,
        }
    }

    /// A claim that is one text, or a list of them.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(Json::String(text)) => vec![text.clone()],
            Some(Json::Array(all)) => {
                all.iter().filter_map(Json::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Seconds since the start of 1970. Fractions are allowed, and do not matter.
    pub(crate) fn time(&self, name: &str) -> Option<u64> {
        let time = self.0.get(name)?;
        time.as_u64().or_else(|| time.as_f64().map(|seconds| seconds as u64))
    }

    /// Providers write scopes with spaces between them, or as a list.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let all = self.list("scope").into_iter().chain(self.list("scp"));
        all.flat_map(|scopes| scopes.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect()
    }
}
