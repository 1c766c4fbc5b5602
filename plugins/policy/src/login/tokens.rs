//! What a provider's token endpoint gives for a code, or for a refresh token.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value as Json;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::{
    ask::{self, AskError},
    client::{Client, ClientAuth},
    token::MAX_TOKEN,
};
use crate::services::Fetch;

/// What may be asked in a visitor's name.
#[derive(Clone, Default)]
pub(crate) struct Tokens {
    /// For the provider's other services.
    pub(crate) access: String,
    /// For other tokens later, if the provider gives one.
    pub(crate) refresh: Option<String>,
    /// Who the visitor is, signed, if the provider speaks OpenID Connect.
    pub(crate) identity: Option<String>,
    /// When the access token ends, if the provider tells.
    pub(crate) ends: Option<SystemTime>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("ends", &self.ends).finish_non_exhaustive()
    }
}

/// What is shown to get tokens.
pub(crate) enum Grant<'a> {
    /// What the visitor brought from the provider.
    Code {
        /// As it came.
        code: &'a str,
        /// Where the visitor came back to.
        redirect_uri: &'a str,
        /// Proof that this is who began (RFC 7636), where the provider takes one.
        verifier: Option<&'a str>,
    },
    /// What the provider gave with the tokens before.
    Refresh(&'a str),
}

/// Gets tokens.
pub(crate) async fn get(
    fetch: Option<&Arc<dyn Fetch>>,
    endpoint: &str,
    client: &Client,
    how: ClientAuth,
    grant: Grant<'_>,
    now: SystemTime,
) -> Result<Tokens, AskError> {
    let form = written(client, how, &grant);
    let authorization = (how == ClientAuth::Basic).then(|| basic(client));
    let before = match grant {
        Grant::Code { .. } => None,
        Grant::Refresh(token) => Some(token),
    };
    let answer = ask::post(fetch, endpoint, form, authorization).await?;
    let mut tokens = parse(&answer, now)?;
    // A provider that gives no other one lets the same be used again.
    tokens.refresh = tokens.refresh.or_else(|| before.map(str::to_owned));
    Ok(tokens)
}

fn written(client: &Client, how: ClientAuth, grant: &Grant<'_>) -> String {
    let mut form = Serializer::new(String::new());
    match grant {
        Grant::Code { code, redirect_uri, verifier } => {
            form.append_pair("grant_type", "authorization_code");
            form.append_pair("code", code).append_pair("redirect_uri", redirect_uri);
            if let Some(verifier) = verifier {
                form.append_pair("code_verifier", verifier);
            }
        }
        Grant::Refresh(token) => {
            form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token);
        }
    }
    if how == ClientAuth::Form {
        form.append_pair("client_id", &client.id).append_pair("client_secret", &client.secret);
    }
    form.finish()
}

fn parse(answer: &Json, now: SystemTime) -> Result<Tokens, AskError> {
    let token = |name: &str| match answer.get(name).and_then(Json::as_str) {
        Some(token) if token.len() > MAX_TOKEN => {
            Err(AskError::Garbage(format!("{name} has more than {MAX_TOKEN} octets")))
        }
        // It goes into a header.
        Some(token) if !token.bytes().all(|byte| (b'!'..=b'~').contains(&byte)) => {
            Err(AskError::Garbage(format!("{name} has characters that a token cannot have")))
        }
        token => Ok(token.filter(|token| !token.is_empty()).map(str::to_owned)),
    };
    let Some(access) = token("access_token")? else {
        return Err(AskError::Garbage("it has no access_token".to_owned()));
    };
    let lasts = match answer.get("expires_in") {
        Some(Json::String(text)) => text.parse().ok(),
        other => other.and_then(Json::as_u64),
    };
    // A year is as good as any longer time.
    let lasts = lasts.map(|lasts| Duration::from_secs(lasts.min(365 * 24 * 60 * 60)));
    Ok(Tokens {
        access,
        refresh: token("refresh_token")?,
        identity: token("id_token")?,
        ends: lasts.map(|lasts| now + lasts),
    })
}

/// Fact: RFC 6749, 2.3.1: both parts are encoded as in forms before they are put together.
fn basic(client: &Client) -> String {
    let mut pair: String = byte_serialize(client.id.as_bytes()).collect();
    let _ = write!(pair, ":{}", byte_serialize(client.secret.as_bytes()).collect::<String>());
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}
