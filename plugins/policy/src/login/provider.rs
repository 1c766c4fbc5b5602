//! Who visitors log in with, however it is known: by name, or by what it says of itself.

use std::{sync::Arc, time::SystemTime};

use serde_json::Value as Json;

use super::{
    ask::{self, AskError},
    claims,
    client::{Client, ClientAuth},
    discovery::{self, Document},
    person::Person,
    providers::Known,
    token::{Alg, Token},
    tokens::{self, Grant, Tokens},
    trouble::{Flavor, Trouble},
    vouch,
};
use crate::services::Services;

/// Ways of signing that providers may use for who a visitor is. Those with a secret that both
/// sides know are not among them: whoever learns it could make visitors up.
const SIGNED: [&str; 10] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

/// Who visitors log in with.
#[derive(Debug)]
pub(crate) enum Provider {
    /// One that is known by name.
    Known(&'static Known),
    /// One that describes itself, by its issuer.
    Issuer(String),
}

/// Where it is asked what, right now.
pub(crate) enum Reach {
    /// One that is known by name.
    Known(&'static Known),
    /// One that has described itself.
    Document(Arc<Document>),
}

impl Provider {
    /// Which action it belongs to.
    pub(crate) const fn flavor(&self) -> Flavor {
        match self {
            Self::Known(_) => Flavor::Oauth,
            Self::Issuer(_) => Flavor::Oidc,
        }
    }

    /// What people call it.
    pub(crate) const fn title(&self) -> &'static str {
        match self {
            Self::Known(known) => known.title,
            Self::Issuer(_) => "the identity provider",
        }
    }

    /// What tells it from others.
    pub(crate) fn mark(&self) -> &str {
        match self {
            Self::Known(known) => known.name,
            Self::Issuer(issuer) => issuer,
        }
    }

    /// Finds out where it is asked what.
    pub(crate) async fn reach(&self, services: &Services) -> Result<Reach, Trouble> {
        match self {
            Self::Known(known) => Ok(Reach::Known(known)),
            Self::Issuer(issuer) => {
                let found = discovery::find(&services.logins, services.fetch.as_ref(), issuer);
                found.await.map(Reach::Document).map_err(|error| undescribed(issuer, &error))
            }
        }
    }
}

/// A provider that does not describe itself cannot be asked.
fn undescribed(issuer: &str, error: &AskError) -> Trouble {
    let message = "The identity provider cannot be asked right now. Please try again later.";
    let reason = match error {
        AskError::Down(_) => format!("{issuer}: {error}"),
        _ => format!("{issuer} serves no valid discovery document (ERR_NGROK_2227): {error}"),
    };
    Trouble::new(5208, 502, message).because(reason)
}

impl Reach {
    /// Where visitors log in.
    pub(crate) fn authorize(&self) -> &str {
        match self {
            Self::Known(known) => known.authorize,
            Self::Document(document) => &document.authorize,
        }
    }

    /// What is sent along with each login.
    pub(crate) fn always(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Known(known) => known.always,
            Self::Document(_) => &[],
        }
    }

    /// What makes it ask the visitor again.
    pub(crate) fn again(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Known(known) => known.again,
            Self::Document(_) => &[("prompt", "login")],
        }
    }

    /// Whether it takes a proof of who began.
    pub(crate) const fn takes_proof(&self) -> bool {
        match self {
            Self::Known(known) => known.takes_proof,
            Self::Document(_) => true,
        }
    }

    /// Gets tokens.
    pub(crate) async fn tokens(
        &self,
        services: &Services,
        client: &Client,
        grant: Grant<'_>,
        now: SystemTime,
    ) -> Result<Tokens, AskError> {
        let (url, how) = match self {
            Self::Known(known) => (known.token, ClientAuth::Form),
            Self::Document(document) => (document.token.as_str(), document.auth),
        };
        tokens::get(services.fetch.as_ref(), url, client, how, grant, now).await
    }

    /// Who holds the tokens, as far as the provider is asked for it. `None`: it cannot be asked.
    pub(crate) async fn person(
        &self,
        services: &Services,
        client: &Client,
        tokens: &Tokens,
    ) -> Result<Option<Person>, AskError> {
        let fetch = services.fetch.as_ref();
        let mut headers = vec![("authorization", format!("Bearer {}", tokens.access))];
        match self {
            Self::Document(document) => {
                let Some(url) = &document.userinfo else { return Ok(None) };
                let json = ask::get(fetch, url, &headers).await?;
                Ok(Some(Person::from_claims(&json)))
            }
            Self::Known(known) => {
                if known.wants_client {
                    headers.push(("client-id", client.id.clone()));
                }
                let mut person = (known.person)(&ask::get(fetch, known.userinfo, &headers).await?);
                if person.email.is_empty()
                    && let Some(email) = &known.email
                {
                    // Visitors may keep it to themselves.
                    if let Ok(json) = ask::get(fetch, email.url, &headers).await {
                        person.email = (email.read)(&json);
                    }
                }
                Ok(Some(person))
            }
        }
    }

    /// Who a signed token says that its holder is. `nonce` is what it has to bring from the login.
    pub(crate) async fn vouched(
        &self,
        services: &Services,
        client: &Client,
        token: &str,
        nonce: Option<&str>,
    ) -> Result<Person, Trouble> {
        let Self::Document(document) = self else { return Ok(Person::default()) };
        let failed = |reason: String| {
            let message = "The identity provider's token is not valid. Please log in again.";
            Trouble::new(5204, 502, message).because(reason)
        };
        let token = Token::parse(token).map_err(|_| failed("it is not a token".to_owned()))?;
        let allowed: Vec<_> = SIGNED.into_iter().filter_map(Alg::parse).collect();
        let urls = std::slice::from_ref(&document.keys);
        let vouched = vouch::check(services, urls, &token, &allowed).await;
        vouched.map_err(|error| failed(error.to_string()))?;
        let now = services.logins.clock().now();
        let expected = claims::Expected { issuer: &document.issuer, client: &client.id, nonce };
        expected.check(&token.payload, now).map_err(|reason| failed(reason.to_owned()))?;
        let person = Person::from_claims(&Json::Object(token.payload));
        if person.id.is_empty() {
            let message = "The identity provider's token does not say who you are.";
            return Err(Trouble::new(5205, 502, message).because("it has no sub"));
        }
        Ok(person)
    }
}
