//! `verify-webhook`: lets webhooks through that come from the provider that they claim to come
//! from, and answers what some providers ask first.
//!
//! All of the body has to be there; it goes on as it came.

use std::{borrow::Cow, time::SystemTime};

use adit_chain::{Body, BodyLimits, BoxFuture, ErrorCode, Refusal};
use http::{HeaderValue, Response, StatusCode, header};

use super::{Action, BuildCx, Done, Failure, Kind, outcome};
use crate::{
    expr::Template,
    fields::Fields,
    gather::{GatherError, gather},
    phase::Phase,
    problem::code,
    scope::{Asked, Scope},
    value,
    verify_webhook::{
        Certificates, Challenge, Incoming, Provider, Rejected, Scheme, WITHOUT_SCHEME, challenge,
        provider,
    },
};

pub(super) const KIND: Kind = Kind {
    name: "verify-webhook",
    namespace: NAMESPACE,
    phases: &[Phase::HttpRequest],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "verify_webhook";
/// A webhook is not believed.
const REFUSED: u32 = 3204;

fn build(fields: &mut Fields<'_>, cx: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let provider = fields.required("provider", read_provider);
    let proof = match provider {
        Some(provider) => read_proof(fields, provider, cx),
        None => {
            fields.raw("secret");
            None
        }
    };
    let is_enforced = fields.bool_or("enforce", true);
    Some(Box::new(VerifyWebhook { provider: provider?, proof: proof?, is_enforced }))
}

fn read_provider(fields: &mut Fields<'_>, name: &'static str) -> Option<&'static Provider> {
    let wanted = fields.string(name)?;
    let found = provider(&wanted);
    if found.is_none() {
        let message = if WITHOUT_SCHEME.contains(&wanted.as_str()) {
            format!(
                "{wanted:?} has not published how it signs webhooks, so they cannot be verified"
            )
        } else {
            format!("{wanted:?} is not a provider whose webhooks can be verified")
        };
        fields.error(name, code::CHOICE, message);
    }
    found
}

fn read_proof(fields: &mut Fields<'_>, provider: &Provider, cx: &BuildCx<'_>) -> Option<Proof> {
    let name = provider.name;
    if matches!(provider.scheme, Scheme::Certificate) {
        if fields.raw("secret").is_some() {
            let message = format!("{name} signs with its own certificates; leave the secret out");
            fields.error("secret", code::NOT_FOR_USERS, message);
            return None;
        }
        let Some(fetch) = &cx.services.fetch else {
            let message = format!("certificates of {name} cannot be fetched here");
            fields.error("provider", code::FIELD_VALUE, message);
            return None;
        };
        return Some(Proof::Certificates(Certificates::new(fetch.clone())));
    }
    let secret = fields.required("secret", Fields::template)?;
    if secret.literal().is_some_and(|secret| !provider.scheme.takes(secret)) {
        let message = format!("is not of the form of {name}'s secrets; copy it as {name} shows it");
        fields.error("secret", code::FIELD_VALUE, message);
        return None;
    }
    Some(Proof::Secret(secret))
}

/// What a webhook is checked with.
enum Proof {
    Certificates(Certificates),
    Secret(Template),
}

impl std::fmt::Debug for Proof {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Certificates(_) => "Certificates",
            Self::Secret(_) => "Secret",
        })
    }
}

#[derive(Debug)]
struct VerifyWebhook {
    provider: &'static Provider,
    proof: Proof,
    is_enforced: bool,
}

impl VerifyWebhook {
    async fn verify(&self, scope: &mut Scope) -> Result<Done, Failure> {
        let secret = match &self.proof {
            Proof::Certificates(_) => String::new(),
            Proof::Secret(secret) => secret.text(scope)?,
        };
        let limits = scope.body_limits;
        let public = scope.conn.endpoint.protocol.as_str();
        let Some(asked) = &mut scope.request else { return Ok(Done::Next) };
        let whole = whole(asked, limits).await?;
        let (host, target) = (host(asked), target(asked));
        let incoming = Incoming {
            method: &asked.head.method,
            scheme: public,
            host: &host,
            target: &target,
            headers: &asked.head.headers,
            body: &whole,
            now: SystemTime::now(),
        };
        let outcome = match &self.proof {
            Proof::Certificates(certificates) => certificates.check(&incoming).await,
            Proof::Secret(_) => self.provider.scheme.check(&incoming, &secret),
        };
        let answer = challenge(self.provider, &incoming, &secret, outcome.is_ok());
        Ok(self.settle(scope, outcome, answer))
    }

    /// What becomes of the request.
    fn settle(
        &self,
        scope: &mut Scope,
        outcome: Result<(), Rejected>,
        answer: Option<Challenge>,
    ) -> Done {
        let error = match &outcome {
            Ok(()) => outcome::no_error(),
            Err(rejected) => outcome::error(REFUSED, &rejected.to_string()),
        };
        let is_verified = outcome.is_ok();
        let result = [("verified", is_verified.into()), ("error", error)];
        scope.set_result(NAMESPACE, value::map(result));
        scope.note(|| match &outcome {
            Ok(()) => format!("webhook of {}: verified", self.provider.name),
            Err(rejected) => format!("webhook of {}: {rejected}", self.provider.name),
        });
        if let Some(answer) = answer {
            return Done::Answer(answer.into_response());
        }
        if is_verified || !self.is_enforced {
            return Done::Next;
        }
        let message = "The webhook could not be verified.";
        let refusal = Refusal::new(StatusCode::FORBIDDEN, message);
        Done::Refuse(refusal.with_code(ErrorCode(REFUSED)))
    }
}

/// All of the body, which stays where it is.
async fn whole(asked: &mut Asked, limits: BodyLimits) -> Result<bytes::Bytes, Failure> {
    let body = std::mem::take(&mut asked.body);
    let whole = gather(body, limits).await.map_err(|error| {
        let status = match error {
            GatherError::Broken(_) => StatusCode::BAD_REQUEST,
            GatherError::Late => StatusCode::REQUEST_TIMEOUT,
            GatherError::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
        };
        Failure::new(Failure::GENERAL, error.to_string()).with_status(status)
    })?;
    asked.body = Body::from(whole.clone());
    asked.body_received.get_or_insert_with(SystemTime::now);
    Ok(whole)
}

/// The host as the sender knows it, whatever rules have made of it since.
fn host(asked: &Asked) -> String {
    let authority = asked.original.uri.authority().map(|authority| authority.as_str());
    let header = asked.original.host.as_ref().and_then(|host| host.to_str().ok());
    header.or(authority).unwrap_or_default().to_owned()
}

/// Path and query as they were sent.
fn target(asked: &Asked) -> Cow<'static, str> {
    match asked.original.uri.path_and_query() {
        Some(target) => Cow::Owned(target.as_str().to_owned()),
        None => Cow::Borrowed("/"),
    }
}

impl Challenge {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(content_type) = self.content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        }
        response
    }
}

impl Action for VerifyWebhook {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        Box::pin(self.verify(scope))
    }
}

#[cfg(test)]
mod tests;
