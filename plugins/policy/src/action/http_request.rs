//! `http-request`: asks a server, and leaves its answer for the rules that follow.
//!
//! ```text
//! attempt: request ─ redirect ─ redirect ─▶ answer       all of it within one timeout
//!    └─ failed, or 4xx, or 5xx: once more, if the condition for it is true, at most 3 times
//! ```
//!
//! Internal endpoints answer as they answer visitors who are led to them. Other servers are asked
//! only where the operator allows it, and only at addresses that the operator allows.

mod ask;
mod asked;
mod exchange;
mod retry;

use std::{sync::Arc, time::Duration};

use adit_builtin::framing::is_framing;
use adit_chain::{BoxFuture, Needs};
use cel::Value;
use http::{Method, StatusCode};
use tokio::time::{Instant, timeout_at};

use self::{
    ask::{Answered, Asker},
    asked::Asked,
    exchange::Record,
    retry::RetryCondition,
};
use super::{
    Action, BuildCx, Done, Failure, Kind,
    on_error::{OnFailure, Trouble},
};
use crate::{
    expr::Template,
    fields::{Fields, HeaderTemplates},
    phase::Phase,
    problem::code,
    scope::Scope,
    services::{Fetch, Reach},
};

pub(super) const KIND: Kind = Kind {
    name: "http-request",
    namespace: NAMESPACE,
    phases: &[Phase::HttpRequest, Phase::HttpResponse],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "http_request";

// Fact: the limits, and the default of the timeout, are the documented ones.
const MAX_HEADERS: usize = 10;
const MAX_QUERY: usize = 32;
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 8192;
const MAX_REDIRECTS: i64 = 5;
const TIMEOUTS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(3);

/// Fact: the codes for a query parameter's key and value that are too long.
const KEY_LEN: u32 = 2245;
const VALUE_LEN: u32 = 2246;
/// Fact: the code for too many query parameters.
const N_QUERY: u32 = 2244;

/// There was no answer in time.
const TIMED_OUT: u32 = 3602;

fn build(fields: &mut Fields<'_>, cx: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let url = fields.required("url", Fields::template);
    let methods = ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"];
    let methods = methods.map(|name| (name, Method::from_bytes(name.as_bytes()).ok()));
    let method = fields.choice("method", &methods).flatten().unwrap_or(Method::GET);
    let query = query(fields);
    let headers = fields.headers("headers", MAX_HEADERS).unwrap_or_else(HeaderTemplates::none);
    for name in headers.names().filter(|name| is_framing(name)).cloned().collect::<Vec<_>>() {
        let message = format!("{name} belongs to one connection and cannot be set");
        fields.error_in(&["headers", name.as_str()], code::NOT_FOR_USERS, message);
    }
    let mut body = fields.template("body");
    if body.is_some() && !matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        let message = format!("is not sent: {method} requests have no body");
        fields.warn("body", code::FIELD_VALUE, message);
        body = None;
    }
    let max_redirects = fields.int("max_redirects", 0..=MAX_REDIRECTS).unwrap_or(0);
    let timeout = fields.duration("timeout", TIMEOUTS).unwrap_or(TIMEOUT);
    let retry = RetryCondition::read(fields, cx.phase);
    let on_error = OnFailure::read(fields, OnFailure::Continue);
    Some(Box::new(HttpRequest {
        url: url?,
        method,
        query: query?,
        headers,
        body,
        max_redirects: usize::try_from(max_redirects).unwrap_or(0),
        timeout,
        retry,
        on_error,
        fetch: cx.services.fetch.clone(),
        reach: cx.services.reach,
    }))
}

/// The parameters that the URL gets; `None` if something is wrong with them.
fn query(fields: &mut Fields<'_>) -> Option<Vec<(String, Template)>> {
    if !fields.has("query_params") {
        return Some(Vec::new());
    }
    let n = fields.map.get("query_params").and_then(|list| list.as_array()).map_or(0, Vec::len);
    if n > MAX_QUERY {
        let message = format!("must have at most {MAX_QUERY} entries");
        fields.error("query_params", N_QUERY, message);
    }
    fields.objects("query_params", 0..=n.max(1), |param| {
        let key = param.required("key", Fields::string);
        let value = param.required("value", Fields::template);
        let key_len = key.as_deref().map_or(0, |key| key.chars().count());
        if key_len > MAX_KEY {
            param.error("key", KEY_LEN, format!("must have at most {MAX_KEY} characters"));
        }
        let literal = value.as_ref().and_then(Template::literal);
        if literal.is_some_and(|value| value.chars().count() > MAX_VALUE) {
            param.error("value", VALUE_LEN, format!("must have at most {MAX_VALUE} characters"));
        }
        key.zip(value)
    })
}

#[derive(Debug)]
struct HttpRequest {
    url: Template,
    method: Method,
    query: Vec<(String, Template)>,
    headers: HeaderTemplates,
    body: Option<Template>,
    max_redirects: usize,
    /// For all attempts together.
    timeout: Duration,
    retry: Option<RetryCondition>,
    on_error: OnFailure,
    fetch: Option<Arc<dyn Fetch>>,
    reach: Reach,
}

impl HttpRequest {
    async fn ask(&self, scope: &mut Scope) -> Result<Done, Failure> {
        let mut record = Record::default();
        let trouble = self.try_to_ask(scope, &mut record).await.err();
        let result: Value = record.to_value(trouble.as_ref());
        scope.set_result(NAMESPACE, result);
        let Some(trouble) = trouble else { return Ok(Done::Next) };
        let (id, code, err) = (scope.id, trouble.code(), trouble.message());
        tracing::info!(obj = "policy", %id, code, err, "http-request failed");
        scope.note(|| format!("http-request: {err}"));
        match self.on_error {
            OnFailure::Continue if !trouble.closes() => Ok(Done::Next),
            OnFailure::Continue | OnFailure::Halt => Ok(Done::Refuse(trouble.into_refusal())),
        }
    }

    // A scope is borrowed as if it were changed: its bodies cannot be shared between threads.
    async fn try_to_ask(&self, scope: &mut Scope, record: &mut Record) -> Result<(), Trouble> {
        let asked = Asked::new(self, scope)?;
        record.asked(&asked);
        let deadline = Instant::now() + self.timeout;
        let attempts = self.attempts(scope, asked, deadline, record);
        match timeout_at(deadline, attempts).await {
            Ok(result) => result,
            Err(_) => {
                let message = format!("There was no answer within {:?}.", self.timeout);
                Err(Trouble::new(StatusCode::GATEWAY_TIMEOUT, TIMED_OUT, message))
            }
        }
    }

    async fn attempts(
        &self,
        scope: &mut Scope,
        asked: Asked,
        deadline: Instant,
        record: &mut Record,
    ) -> Result<(), Trouble> {
        let asker = Asker {
            inside: scope.inside.clone(),
            fetch: self.fetch.clone(),
            reach: self.reach,
            max_redirects: self.max_redirects,
            deadline,
        };
        loop {
            let began = Instant::now();
            let answered: Result<Answered, Trouble> = asker.ask(asked.clone()).await;
            let is_fine = answered.as_ref().is_ok_and(|answer| answer.status.as_u16() < 400);
            record.answered(answered, began.elapsed());
            let wants_more =
                !is_fine && self.retry.as_ref().is_some_and(|retry| retry.is_met(scope, record));
            if !wants_more {
                return record.last();
            }
        }
    }
}

impl Action for HttpRequest {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        Box::pin(self.ask(scope))
    }

    fn needs(&self) -> Needs {
        Needs::INSIDE
    }
}

#[cfg(test)]
mod tests;
