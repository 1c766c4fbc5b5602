//! `jwt-validation`: lets requests through that bring tokens from issuers that are trusted.

mod find;
mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

use adit_chain::{BoxFuture, ErrorCode, Refusal};
use cel::Value;
use http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE};
use serde_json::Value as Json;
use tokio::time::timeout;

use self::settings::{Settings, Spec, Wanted};
use crate::{
    action::{Action, BuildCx, Done, Failure, Kind},
    fields::Fields,
    login::{
        claims,
        token::Token,
        vouch::{self, Unvouched},
    },
    phase::Phase,
    scope::Scope,
    services::Services,
    value,
};

/// How long all of it may take.
///
/// Reason: twice what one key set may take; a policy may name a hundred of them.
const WITHIN: Duration = Duration::from_secs(20);

const NAMESPACE: &str = "jwt_validation";

/// This type of action.
pub(crate) const KIND: Kind = Kind {
    name: "jwt-validation",
    namespace: NAMESPACE,
    phases: &[Phase::HttpRequest],
    is_terminating: false,
    build,
};

fn build(fields: &mut Fields<'_>, cx: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let settings = Settings::read(fields)?;
    Some(Box::new(JwtValidation { settings, services: cx.services.clone() }))
}

#[derive(Debug)]
struct JwtValidation {
    settings: Settings,
    services: Services,
}

/// A request is turned away.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rejected {
    status: StatusCode,
    code: u32,
    /// For the visitor.
    message: &'static str,
    /// For the log.
    reason: String,
}

impl Rejected {
    /// Without a token that is one.
    fn unknown(code: u32, message: &'static str) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, code, message, reason: String::new() }
    }

    /// With a token that is not enough.
    fn forbidden(reason: &str) -> Self {
        let message = "The token does not allow this request.";
        Self { status: StatusCode::FORBIDDEN, code: 3403, message, reason: reason.to_owned() }
    }

    fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..self }
    }

    fn to_refusal(&self) -> Refusal {
        let mut refusal = Refusal::new(self.status, self.message).with_code(ErrorCode(self.code));
        if self.status == StatusCode::UNAUTHORIZED {
            // Fact: RFC 9110, 11.6.1, and RFC 6750, 3: who sent no token is not told of an error.
            let challenge = match self.code {
                3406 | 3408 => "Bearer",
                _ => "Bearer error=\"invalid_token\"",
            };
            refusal.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        refusal
    }
}

impl JwtValidation {
    async fn look(&self, scope: &mut Scope) -> Result<Done, Failure> {
        let wanted = self.settings.wanted(scope)?;
        let mut tokens = Vec::new();
        let checked = async {
            for spec in &self.settings.tokens {
                let (name, prefix) = (spec.name.text(scope)?, spec.prefix(scope)?);
                let found = find::token(scope, spec.place, &name, &prefix).await;
                let result = match &found {
                    Ok(text) => self.check(text, &wanted).await,
                    Err(rejected) => Err(rejected.clone()),
                };
                if let Ok(text) = &found {
                    tokens.extend(described(text, spec, &name, result.is_ok()));
                }
                if let Err(rejected) = result {
                    return Ok(Err(rejected));
                }
            }
            Ok::<_, Failure>(Ok(()))
        };
        let checked = timeout(WITHIN, checked).await.unwrap_or_else(|_| {
            let message = "The token's keys cannot be had right now.";
            Ok(Err(Rejected::unknown(3422, message).because("it takes too long")))
        })?;
        let (code, message) = match &checked {
            Ok(()) => (String::new(), ""),
            Err(rejected) => (format!("ERR_NGROK_{}", rejected.code), rejected.message),
        };
        let error = value::map([("code", value::text(&code)), ("message", value::text(message))]);
        let result = value::map([("tokens", value::list(tokens)), ("error", error)]);
        scope.set_result(NAMESPACE, result);
        match checked {
            Ok(()) => Ok(Done::Next),
            Err(rejected) => {
                let reason = rejected.reason.as_str();
                // Strangers can bring anything as often as they like.
                tracing::debug!(obj = "policy", id = %scope.id, %code, reason, "token refused");
                scope.note(|| format!("token refused: {} {reason}", rejected.message));
                Ok(Done::Refuse(rejected.to_refusal()))
            }
        }
    }

    /// Whether a token is one of those that are wanted.
    async fn check(&self, text: &str, wanted: &Wanted) -> Result<(), Rejected> {
        let token =
            Token::parse(text).map_err(|_| Rejected::unknown(3416, "The token cannot be read."))?;
        let allowed = &self.settings.algorithms;
        let vouched = vouch::check(&self.services, &wanted.urls, &token, allowed).await;
        vouched.map_err(|error| match error {
            Unvouched::Keys(_) => {
                Rejected::unknown(3422, "The token's keys cannot be had right now.")
                    .because(error.to_string())
            }
            Unvouched::Unsigned(_) => invalid().because(error.to_string()),
        })?;
        let now = self.services.logins.clock().now();
        claims::check_times(&token.payload, now).map_err(|reason| invalid().because(reason))?;
        let issuer = claims::issuer(&token.payload);
        if !issuer.is_some_and(|issuer| wanted.issuers.iter().any(|own| own == issuer)) {
            return Err(Rejected::forbidden("its issuer is not on the list"));
        }
        let audience = claims::audience(&token.payload);
        let own = &self.settings.audience;
        if !own.is_empty() && !own.iter().any(|own| audience.contains(&own.as_str())) {
            return Err(Rejected::forbidden("its audience is not on the list"));
        }
        Ok(())
    }
}

fn invalid() -> Rejected {
    Rejected::unknown(3401, "The request has no valid credentials.")
}

/// What later rules are told of a token.
fn described(text: &str, spec: &Spec, name: &str, verified: bool) -> Option<Value> {
    let token = Token::parse(text).ok()?;
    let json = |map| value::from_json(&Json::Object(map));
    Some(value::map([
        ("signature", value::text(token.signature)),
        ("header", json(token.header)),
        ("payload", json(token.payload)),
        ("verified", verified.into()),
        ("location", value::text(spec.place.name())),
        ("location_property", value::text(name)),
    ]))
}

impl Action for JwtValidation {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        Box::pin(self.look(scope))
    }
}
