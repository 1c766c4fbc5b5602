//! What providers ask an endpoint before they send it webhooks: whether it knows the secret, or
//! merely whether it is there.

use aws_lc_rs::hmac;
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::{
    Incoming, Provider, Rejected,
    encoding::{to_base64, to_hex},
    form,
};

/// The answer to a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) status: StatusCode,
    /// Media type of the body; none if it is empty.
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: String,
}

/// Makes the answer to a request, if it is a challenge, of the secret and of whether the request is
/// verified.
pub(super) type Answer = fn(&Incoming<'_>, &str, bool) -> Option<Challenge>;

/// Characters of a token.
///
/// Reason: providers send some dozens; what is answered should stay small.
const MAX_TOKEN_LEN: usize = 256;

/// The answer to a request, if it is a challenge.
pub(crate) fn challenge(
    provider: &Provider,
    incoming: &Incoming<'_>,
    secret: &str,
    is_verified: bool,
) -> Option<Challenge> {
    provider.challenge.and_then(|answer| answer(incoming, secret, is_verified))
}

/// `GET …?crc_token=…`: proof that the secret is known here.
///
/// The proof is made as the signature of a webhook is, so it must not be one: tokens have none of
/// the characters that every webhook has, and [`twitter_body`] believes no webhook that is a token.
pub(super) fn twitter(incoming: &Incoming<'_>, secret: &str, _: bool) -> Option<Challenge> {
    let (_, query) = incoming.path_and_query();
    if incoming.method != Method::GET {
        return None;
    }
    let fields = form::fields(query?.as_bytes()).ok()?;
    let (_, token) = fields.into_iter().find(|(name, _)| name == "crc_token")?;
    if !is_token(&token) || secret.is_empty() {
        return None;
    }
    let proof = to_base64(tag(&token, secret).as_ref());
    Some(Challenge::json(&json!({ "response_token": format!("sha256={proof}") })))
}

/// The body of a webhook, which must not be what a challenge may have signed.
pub(super) fn twitter_body(incoming: &Incoming<'_>) -> Result<String, Rejected> {
    let body = str::from_utf8(incoming.body).map_err(|_| Rejected::Malformed("the body"))?;
    if body.is_empty() || is_token(body) {
        return Err(Rejected::Malformed("the body"));
    }
    Ok(body.to_owned())
}

/// `GET` with a header that is to come back.
pub(super) fn worldline(incoming: &Incoming<'_>, _: &str, _: bool) -> Option<Challenge> {
    const HEADER: &str = "x-gcs-webhooks-endpoint-verification";
    let value = incoming.header(HEADER).ok().filter(|_| incoming.method == Method::GET)?;
    if value.len() > MAX_TOKEN_LEN {
        return None;
    }
    let (status, content_type) = (StatusCode::OK, Some("text/plain; charset=utf-8"));
    Some(Challenge { status, content_type, body: value.to_owned() })
}

/// A webhook without events, with a right signature or a wrong one: the endpoint has to tell them
/// apart, by its status.
pub(super) fn xero(incoming: &Incoming<'_>, _: &str, is_verified: bool) -> Option<Challenge> {
    let body: Json = serde_json::from_slice(incoming.body).ok()?;
    let is_zero = |name: &str| body[name].as_u64() == Some(0);
    let is_empty = body["events"].as_array().is_some_and(Vec::is_empty);
    if !is_empty || !is_zero("firstEventSequence") || !is_zero("lastEventSequence") {
        return None;
    }
    let status = if is_verified { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
    Some(Challenge { status, content_type: None, body: String::new() })
}

/// A signed webhook with a token: proof that the secret is known here. Without a signature there
/// is no answer, since the proof of a token could be the signature of a webhook.
pub(super) fn zoom(incoming: &Incoming<'_>, secret: &str, is_verified: bool) -> Option<Challenge> {
    if !is_verified {
        return None;
    }
    let body: Json = serde_json::from_slice(incoming.body).ok()?;
    let token = body.pointer("/payload/plainToken")?.as_str()?;
    if body["event"] != "endpoint.url_validation" || !is_token(token) {
        return None;
    }
    let proof = to_hex(tag(token, secret).as_ref());
    Some(Challenge::json(&json!({ "plainToken": token, "encryptedToken": proof })))
}

impl Challenge {
    fn json(body: &Json) -> Self {
        let content_type = Some("application/json");
        Self { status: StatusCode::OK, content_type, body: body.to_string() }
    }
}

fn tag(text: &str, secret: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), text.as_bytes())
}

fn is_token(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_.".contains(&byte);
    !text.is_empty() && text.len() <= MAX_TOKEN_LEN && text.bytes().all(is_part)
}
