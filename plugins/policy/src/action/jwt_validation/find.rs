//! Where tokens are in a request.

use std::time::SystemTime;

use adit_chain::Body;
use http::{HeaderMap, HeaderName, Method, StatusCode, header::CONTENT_TYPE};
use serde_json::Value as Json;

use super::Rejected;
use crate::{
    gather::{GatherError, gather},
    scope::Scope,
};

/// Part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Body,
    Header,
}

impl Place {
    /// In policies.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Header => "header",
        }
    }
}

/// The token that stands there, without what stands before it.
pub(super) async fn token(
    scope: &mut Scope,
    place: Place,
    name: &str,
    prefix: &str,
) -> Result<String, Rejected> {
    let text = match place {
        Place::Body => in_body(scope, name).await?,
        Place::Header => {
            let head = scope.request.as_ref().map(|asked| &asked.head.headers);
            in_header(head.ok_or_else(missing)?, name)?
        }
    };
    let start = text.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix));
    if start.is_none() {
        let message = "The credentials do not begin as this endpoint wants.";
        return Err(Rejected::unknown(3413, message));
    }
    let token = text.get(prefix.len()..).unwrap_or_default().trim();
    if token.is_empty() { Err(missing()) } else { Ok(token.to_owned()) }
}

fn missing() -> Rejected {
    Rejected::unknown(3406, "The request has no token.")
}

/// Two would let the upstream use one that nobody looked at.
fn twice() -> Rejected {
    Rejected::unknown(3401, "The request has no valid credentials.").because("it is there twice")
}

fn in_header(headers: &HeaderMap, name: &str) -> Result<String, Rejected> {
    let absent = || Rejected::unknown(3408, "The header with the token is missing.");
    let name: HeaderName = name.parse().map_err(|_| absent().because("its name is not one"))?;
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or_else(absent)?;
    if values.next().is_some() {
        return Err(twice());
    }
    let text = value.to_str().map_err(|_| Rejected::unknown(3416, "The token cannot be read."))?;
    Ok(text.to_owned())
}

/// How a body is written.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Pairs,
}

async fn in_body(scope: &mut Scope, name: &str) -> Result<String, Rejected> {
    let limits = scope.body_limits;
    let asked = scope.request.as_mut().ok_or_else(missing)?;
    if ![Method::POST, Method::PUT, Method::PATCH].contains(&asked.head.method) {
        let message = "Requests of this method bring no token in their body.";
        return Err(Rejected::unknown(3415, message));
    }
    let form = form(&asked.head.headers)?;
    let unreadable = |status| {
        let code = match form {
            Form::Json => 3411,
            Form::Pairs => 3412,
        };
        Rejected { status, ..Rejected::unknown(code, "The request's body cannot be read.") }
    };
    let body = gather(std::mem::take(&mut asked.body), limits).await.map_err(|error| {
        let status = match error {
            GatherError::Broken(_) => StatusCode::BAD_REQUEST,
            GatherError::Late => StatusCode::REQUEST_TIMEOUT,
            GatherError::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
        };
        unreadable(status).because(error.to_string())
    })?;
    asked.body_received.get_or_insert_with(SystemTime::now);
    asked.body = Body::from(body.clone());
    let mut values = Vec::new();
    match form {
        Form::Json => {
            let json: Json =
                serde_json::from_slice(&body).map_err(|_| unreadable(StatusCode::UNAUTHORIZED))?;
            let object = json.as_object().ok_or_else(|| unreadable(StatusCode::UNAUTHORIZED))?;
            let own = object.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
            values.extend(own.map(|(_, value)| value.as_str().unwrap_or_default().to_owned()));
        }
        Form::Pairs => {
            let text =
                std::str::from_utf8(&body).map_err(|_| unreadable(StatusCode::UNAUTHORIZED))?;
            let pairs = url::form_urlencoded::parse(text.as_bytes());
            let own = pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name));
            values.extend(own.map(|(_, value)| value.into_owned()));
        }
    }
    if values.len() > 1 {
        return Err(twice());
    }
    values.pop().ok_or_else(missing)
}

fn form(headers: &HeaderMap) -> Result<Form, Rejected> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(Form::Json)
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Ok(Form::Pairs)
    } else {
        let message = "A body with a token has to be JSON or a form.";
        Err(Rejected::unknown(3414, message))
    }
}
