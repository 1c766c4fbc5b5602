//! `redirect`: sends a visitor to another URL.

use adit_chain::{Body, BoxFuture, Origin};
use http::{HeaderValue, Response, StatusCode, header::LOCATION};
use url::Url;

use super::{
    Action, BuildCx, Done, Failure, Kind,
    rewriting::{self, Rewriting},
};
use crate::{
    fields::{Fields, HeaderTemplates},
    phase::Phase,
    scope::Scope,
};

pub(super) const KIND: Kind = Kind {
    name: "redirect",
    namespace: NAMESPACE,
    phases: &[Phase::HttpRequest],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "redirect";

/// Fact: the documented limit.
const MAX_HEADERS: usize = 10;

fn build(fields: &mut Fields<'_>, _: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let rewriting = Rewriting::read(fields);
    let status = fields.int("status_code", 300..=399);
    let status = status.and_then(|status| StatusCode::from_u16(u16::try_from(status).ok()?).ok());
    let status = status.unwrap_or(StatusCode::FOUND);
    let headers = fields.headers("headers", MAX_HEADERS).unwrap_or_else(HeaderTemplates::none);
    Some(Box::new(Redirect { rewriting: rewriting?, status, headers }))
}

#[derive(Debug)]
struct Redirect {
    rewriting: Rewriting,
    status: StatusCode,
    headers: HeaderTemplates,
}

impl Redirect {
    fn decide(&self, scope: &mut Scope) -> Result<Done, Failure> {
        let rewritten = self.rewriting.apply(scope)?;
        let before = &rewritten.before;
        let location = match &rewritten.after {
            Some(after) if after != before => absolute(before, after)?,
            _ => None,
        };
        let Some(location) = location else {
            scope.set_result(NAMESPACE, rewritten.result(before));
            return Ok(Done::Next);
        };
        scope.set_result(NAMESPACE, rewritten.result(location.as_str()));
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = self.status;
        self.headers.set(response.headers_mut(), scope)?;
        let location = HeaderValue::try_from(location.as_str())
            .map_err(|error| Failure::new(Failure::GENERAL, error.to_string()))?;
        response.headers_mut().insert(LOCATION, location);
        Origin::Handler.mark(&mut response);
        Ok(Done::Answer(response))
    }
}

/// A URL as a visitor at another one understands it, with whatever cannot stand in one escaped.
/// `None`: it leads where the visitor is.
fn absolute(base: &str, url: &str) -> Result<Option<Url>, Failure> {
    let base = Url::parse(base).map_err(|error| {
        Failure::new(Failure::GENERAL, format!("the URL of the request: {error}"))
    })?;
    let url = base.join(url);
    let url =
        url.map_err(|error| Failure::new(Failure::GENERAL, format!("no URL came out: {error}")))?;
    Ok((url != base).then_some(url))
}

impl Action for Redirect {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        let done = self.decide(scope);
        if let Err(failure) = &done {
            scope.set_result(NAMESPACE, rewriting::failed(failure));
        }
        Box::pin(std::future::ready(done))
    }
}

#[cfg(test)]
mod tests;
