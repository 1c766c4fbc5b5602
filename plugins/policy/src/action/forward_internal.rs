//! `forward-internal`: another endpoint of the account answers, one that visitors do not reach.
//!
//! A request passes the rules of that endpoint, and its response the response's rules of both. A
//! connection is led there before a byte of it is read.

use std::time::SystemTime;

use adit_chain::{Body, BoxFuture, Errand, ErrorCode, InsideUrl, Needs, Refusal, code};
use bytes::Bytes;
use cel::Value;
use http::{Request, Response, StatusCode};

use super::{
    Action, BuildCx, Done, Failure, Kind,
    on_error::{OnFailure, Trouble},
    outcome,
};
use crate::{
    expr::Template,
    fields::Fields,
    gather::{GatherError, gather},
    phase::Phase,
    scope::{Asked, Scope},
    value,
};

pub(super) const KIND: Kind = Kind {
    name: "forward-internal",
    namespace: NAMESPACE,
    phases: &[Phase::TcpConnect, Phase::HttpRequest],
    is_terminating: true,
    build,
};

const NAMESPACE: &str = "forward_internal";

/// A field that has to be a URL is none.
const NO_URL: u32 = 2226;

fn build(fields: &mut Fields<'_>, cx: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let url = fields.required("url", Fields::template);
    let on_error = OnFailure::read(fields, OnFailure::Halt);
    if let Some(text) = url.as_ref().and_then(Template::literal) {
        match InsideUrl::parse(text.trim()) {
            Ok(to) if to.protocol().is_http() != (cx.phase == Phase::HttpRequest) => {
                let schemes =
                    if cx.phase == Phase::HttpRequest { "http or https" } else { "tcp or tls" };
                let message = format!("must have the scheme {schemes} in {}", cx.phase);
                fields.error("url", NO_URL, message);
            }
            Ok(_) => {}
            Err(error) => {
                let message = format!("is no internal endpoint: {error}");
                fields.error("url", NO_URL, message);
            }
        }
    }
    Some(Box::new(ForwardInternal { url: url?, on_error }))
}

#[derive(Debug)]
struct ForwardInternal {
    url: Template,
    on_error: OnFailure,
}

impl ForwardInternal {
    async fn forward(&self, scope: &mut Scope) -> Result<Done, Failure> {
        let url = match self.url.text(scope) {
            Ok(url) => url.trim().to_owned(),
            Err(error) if self.on_error == OnFailure::Halt => return Err(error.into()),
            Err(error) => {
                scope.set_result(NAMESPACE, result("", error.code(), &error.to_string()));
                return Ok(Done::Next);
            }
        };
        let forwarded = match InsideUrl::parse(&url) {
            Err(error) => {
                Err(not_found(format!("{url:?} is no internal endpoint: {error}.")).into())
            }
            Ok(to) if scope.phase == Phase::TcpConnect => divert(scope, to),
            Ok(to) => match self.send(scope, &to).await {
                Ok(result) => result.map(Done::Forwarded),
                Err(refusal) => return Ok(Done::Refuse(refusal)),
            },
        };
        match forwarded {
            Ok(done) => Ok(done),
            Err(trouble) if self.on_error == OnFailure::Halt || trouble.closes() => {
                Ok(Done::Refuse(trouble.into_refusal()))
            }
            Err(trouble) => {
                let (code, message) = (trouble.code(), trouble.message());
                scope.note(|| format!("forward-internal: {message}"));
                scope.set_result(NAMESPACE, result(&url, code, message));
                Ok(Done::Next)
            }
        }
    }

    /// Sends the request. The outer error is the visitor's own doing, after which nothing goes on.
    async fn send(
        &self,
        scope: &mut Scope,
        to: &InsideUrl,
    ) -> Result<Result<Response<Body>, Trouble>, Refusal> {
        let (limits, inside) = (scope.body_limits, scope.inside.clone());
        let Some((inside, asked)) = inside.zip(scope.request.as_mut()) else {
            return Ok(Err(no_way().into()));
        };
        let mut body = std::mem::take(&mut asked.body);
        let mut kept = None;
        if self.on_error == OnFailure::Continue {
            // What the first attempt has eaten, the next could not have.
            let bytes = gather(body, limits).await.map_err(|error| not_gathered(&error))?;
            asked.body_received = Some(SystemTime::now());
            body = bytes.clone().into();
            kept = Some(bytes);
        }
        let request = Request::from_parts(asked.head.clone(), body);
        let sent = inside.send(to, request, Errand::Forward).await;
        if sent.is_err() {
            give_back(asked, kept);
        }
        Ok(sent.map_err(Trouble::from))
    }
}

fn give_back(asked: &mut Asked, kept: Option<Bytes>) {
    if let Some(bytes) = kept {
        asked.body = bytes.into();
    }
}

/// Where the connection goes, if it can.
fn divert(scope: &Scope, to: InsideUrl) -> Result<Done, Trouble> {
    let nearby = scope.conn.nearby.get().ok_or_else(no_way)?;
    nearby.find(&to)?;
    Ok(Done::Divert(to))
}

fn no_way() -> Refusal {
    not_found("No internal endpoint can be reached from here.".to_owned())
}

fn not_found(message: String) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, message).with_code(code::ENDPOINT_OFFLINE)
}

/// Fact: there is no code of its own for it.
const UNGATHERED: ErrorCode = ErrorCode(Failure::GENERAL);

fn not_gathered(error: &GatherError) -> Refusal {
    match error {
        GatherError::Broken(_) => Refusal::close(),
        GatherError::Late => {
            let message = "The request's body did not arrive in time.";
            Refusal::new(StatusCode::REQUEST_TIMEOUT, message).with_code(UNGATHERED)
        }
        GatherError::TooLong(too_long) => {
            let message = format!("The request's body is longer than {} bytes.", too_long.limit);
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message).with_code(UNGATHERED)
        }
    }
}

fn result(url: &str, code: u32, message: &str) -> Value {
    value::map([("url", value::text(url)), ("error", outcome::error(code, message))])
}

impl Action for ForwardInternal {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        Box::pin(self.forward(scope))
    }

    fn needs(&self) -> Needs {
        Needs::INSIDE
    }
}

#[cfg(test)]
mod tests;
