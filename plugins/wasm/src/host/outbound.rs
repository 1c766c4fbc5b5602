//! `outbound`: calls to services that the file names.

mod scripted;

use std::{
    fmt,
    time::{Duration, Instant},
};

use adit_chain::BoxFuture;
use adit_policy_rules::{Refused, limits, reply};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};

pub use self::scripted::ScriptedOutbound;
use super::{
    State,
    error::{Answer, not_granted, not_in_configure},
};
use crate::{
    bindings::adit::policy::{
        outbound::{Call, Host},
        types::{Error, ErrorKind, Field, Reply},
    },
    hook::Hook,
};

/// Header lines of an answer that a policy is given.
const MAX_LINES: usize = limits::HEAD_LINES;

/// Calls other services on behalf of policies.
pub trait Outbound: fmt::Debug + Send + Sync + 'static {
    /// Sends a request to an upstream and gathers the answer. The target is in origin form, the
    /// authority is the upstream's; redirects are answers like others. `deadline` has passed when
    /// nobody waits any more.
    ///
    /// # Errors
    /// There is no answer, or it is longer than policies are given.
    ///
    /// # Cancel safety
    /// Dropping the future gives the call up.
    fn send<'a>(
        &'a self,
        upstream: &'a str,
        request: http::Request<Bytes>,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, OutboundError>>;
}

/// A call to another service brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundError {
    /// The answer broke off, or is none.
    #[error("{0}")]
    Broken(String),
    /// It did not answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The answer's body is longer than policies are given.
    #[error("outbound body: the answer has more than {} octets", limits::OUTBOUND_BODY)]
    TooLong,
    /// It could not be reached.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
}

/// A way out that leads nowhere.
#[derive(Debug)]
pub(super) struct Nowhere;

impl Outbound for Nowhere {
    fn send<'a>(
        &'a self,
        _: &'a str,
        _: http::Request<Bytes>,
        _: Instant,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, OutboundError>> {
        let error = OutboundError::Unreachable("this program calls nobody".into());
        Box::pin(std::future::ready(Err(error)))
    }
}

impl Host for State {
    async fn send(&mut self, call: Call) -> Answer<Reply> {
        if self.phase.hook == Hook::Configure {
            return Err(not_in_configure("outbound").into());
        }
        let policy = std::sync::Arc::clone(&self.policy);
        let Some(upstream) = policy.grants().outbound.get(&call.upstream) else {
            return Err(not_granted("outbound", &call.upstream).into());
        };
        let name = call.upstream.clone();
        let within = time_for(call.timeout_ms);
        let request = request_of(call)?;
        self.phase.outbound_left = self.phase.outbound_left.checked_sub(1).ok_or_else(|| {
            let most = limits::OUTBOUND_CALLS;
            Refused::limit(format!("outbound calls: {most} were made in this phase"))
        })?;
        let Ok(_in_flight) = policy.outbound.try_acquire() else {
            let most = limits::OUTBOUND_IN_FLIGHT;
            let text = format!("outbound in flight: the policy waits for {most} calls already");
            return Err(Refused::limit(text).into());
        };
        let deadline = tokio::time::Instant::now() + within;
        let deadline = self.phase.deadline.map_or(deadline, |phase| phase.min(deadline));
        self.phase.waiting = Some("outbound");
        let sending = policy.services().outbound().send(upstream, request, deadline.into_std());
        let result = tokio::time::timeout_at(deadline, sending).await;
        self.phase.waiting = None;
        // The guest goes on, perhaps in another thread.
        self.slice.break_off();
        match result {
            Ok(Ok(response)) => Ok(reply_of(response)?),
            Ok(Err(error)) => Err(told(&name, &error)),
            Err(_elapsed) => Err(told(&name, &OutboundError::Timeout)),
        }
    }
}

/// How long a call may take; 0 leaves it to the agent.
fn time_for(timeout_ms: u32) -> Duration {
    match timeout_ms {
        0 => limits::OUTBOUND_TIME.default,
        ms => Duration::from_millis(ms.into()).min(limits::OUTBOUND_TIME.highest),
    }
}

fn request_of(call: Call) -> Result<http::Request<Bytes>, Refused> {
    let Call { method, target, headers, body, .. } = call;
    let lines = headers.iter().map(|line| (line.name.as_str(), line.value.as_slice()));
    reply::check_outbound(&method, &target, lines, body.len())?;
    let mut request = http::Request::builder().method(method.as_str()).uri(target);
    for Field { name, value } in headers {
        request = request.header(name, value);
    }
    request.body(body.into()).map_err(|error| Refused::invalid(format!("outbound: {error}")))
}

fn reply_of(response: http::Response<Bytes>) -> Result<Reply, Refused> {
    let (head, body) = response.into_parts();
    if head.headers.len() > MAX_LINES {
        return Err(Refused::limit(format!("outbound headers: more than {MAX_LINES} lines")));
    }
    if body.len() > limits::OUTBOUND_BODY {
        return Err(Refused::limit(OutboundError::TooLong.to_string()));
    }
    let field = |(name, value): (&HeaderName, &HeaderValue)| Field {
        name: name.as_str().to_owned(),
        value: value.as_bytes().to_vec(),
    };
    let headers = head.headers.iter().map(field).collect();
    Ok(Reply { status: head.status.as_u16(), headers, body: body.into() })
}

fn told(upstream: &str, error: &OutboundError) -> Error {
    let kind = match error {
        OutboundError::TooLong => ErrorKind::Limit,
        _ => ErrorKind::Unavailable,
    };
    Error { kind, message: format!("{upstream}: {error}") }
}

#[cfg(test)]
mod tests;
