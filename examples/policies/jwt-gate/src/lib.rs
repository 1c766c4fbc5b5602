//! Lets in who has a token of your identity provider: a bearer token that one of your keys has
//! signed, made for you, and still good. Later handlers learn who it is.

mod keys;
mod token;

use std::collections::BTreeMap;

use adit_policy_sdk::prelude::*;

use keys::{Key, KeyConfig};
use token::{Claims, Token};

/// What stands behind the policy's name in a `handlers:` list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Who makes the tokens: what `iss` must say.
    issuer: String,
    /// Who they are made for: what `aud` must say.
    audience: String,
    /// Keys that sign them.
    keys: Vec<KeyConfig>,
    /// Scopes that a token must have.
    #[serde(default)]
    scopes: Vec<String>,
    /// Claims that the service gets, and in which header.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// By how many seconds clocks may differ.
    #[serde(default = "default_leeway")]
    leeway: u64,
}

fn default_leeway() -> u64 {
    30
}

struct JwtGate {
    config: Config,
    keys: Vec<Key>,
}

#[policy]
impl JwtGate {
    fn configure(mut config: Config) -> Result<Self> {
        let keys = config.keys.drain(..).map(Key::new).collect::<Result<Vec<_>>>()?;
        if keys.is_empty() {
            bail!("keys: at least one is needed");
        }
        Ok(Self { config, keys })
    }

    fn on_request(&mut self, _: &Connection, req: &mut Request) -> Result<(), Reply> {
        // What we say about a visitor must come from us alone.
        for header in self.config.headers.values() {
            req.remove_header(header);
        }
        let token = req.bearer_token().ok_or_else(|| Refusal::Missing.reply())?;
        let claims = self.admit(&token).map_err(|refusal| {
            log::info!(reason = refusal.reason(); "refused");
            refusal.reply()
        })?;
        let subject = claims.text("sub").ok_or_else(|| Refusal::Invalid("no subject").reply())?;
        req.set_identity(&subject)?;
        for (claim, header) in &self.config.headers {
            if let Some(value) = claims.text(claim) {
                req.try_set_header(header, value)?;
            }
        }
        Ok(())
    }
}

impl JwtGate {
    fn admit(&self, token: &str) -> Result<Claims, Refusal> {
        let token = Token::parse(token).ok_or(Refusal::Invalid("not a token"))?;
        let mut keys = self.keys.iter().filter(|key| key.may_have_signed(&token)).peekable();
        if keys.peek().is_none() {
            return Err(Refusal::Invalid("unknown key"));
        }
        if !keys.any(|key| key.has_signed(&token)) {
            return Err(Refusal::Invalid("wrong signature"));
        }
        // Nothing of the claims means anything before this line.
        let claims = token.claims().ok_or(Refusal::Invalid("no claims"))?;
        let Config { issuer, audience, scopes, leeway, .. } = &self.config;
        let now = clock::unix_seconds();
        match claims.time("exp") {
            None => return Err(Refusal::Invalid("never expires")),
            Some(exp) if exp.saturating_add(*leeway) <= now => {
                return Err(Refusal::Invalid("expired"));
            }
            Some(_) => {}
        }
        if claims.time("nbf").is_some_and(|nbf| nbf > now.saturating_add(*leeway)) {
            return Err(Refusal::Invalid("not valid yet"));
        }
        if claims.text("iss").as_ref() != Some(issuer) {
            return Err(Refusal::Invalid("wrong issuer"));
        }
        if !claims.list("aud").contains(audience) {
            return Err(Refusal::Invalid("wrong audience"));
        }
        let granted = claims.scopes();
        match scopes.iter().all(|scope| granted.contains(scope)) {
            true => Ok(claims),
            false => Err(Refusal::Scope(scopes.join(" "))),
        }
    }
}

/// Why a visitor does not get in.
enum Refusal {
    Missing,
    Invalid(&'static str),
    Scope(String),
}

impl Refusal {
    fn reason(&self) -> &str {
        match self {
            Self::Missing => "no token",
            Self::Invalid(reason) => reason,
            Self::Scope(_) => "missing scope",
        }
    }

    /// The answer that clients of OAuth 2 understand.
    fn reply(&self) -> Reply {
        let (status, challenge) = match self {
            Self::Missing => (401, "Bearer".to_owned()),
            Self::Invalid(reason) => {
                (401, format!("Bearer error=\"invalid_token\", error_description=\"{reason}\""))
            }
            Self::Scope(scope) => {
                (403, format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""))
            }
        };
        Reply::new(status)
            .header("www-authenticate", challenge)
            .json(&json!({ "error": self.reason() }))
    }
}

#[cfg(test)]
mod tests;
