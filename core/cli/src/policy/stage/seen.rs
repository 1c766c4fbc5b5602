//! What a policy was seen to do.

use std::collections::BTreeMap;

use adit_chain::{Body, Exchange};
use adit_wasm::{Host, LogRecord, MetricValue};
use anyhow::Result;
use http::{HeaderMap, Response, StatusCode};

use super::{Took, whole};
use crate::policy::heads::{Edit, Head};

/// What an author's own metrics are called outside.
const USER_METRICS: &str = "adit_policy_user_";

/// What a policy did with one request.
#[derive(Debug, Default)]
pub(in crate::policy) struct Seen {
    pub(in crate::policy) verdict: Verdict,
    /// What it changed in the request's head.
    pub(in crate::policy) edits: Vec<Edit>,
    /// The body that went on to the service, if it is another one.
    pub(in crate::policy) request_body_now: Option<Vec<u8>>,
    /// What became of the service's answer, if the policy looked at it.
    pub(in crate::policy) answered: Option<Answered>,
    pub(in crate::policy) logs: Vec<LogRecord>,
    /// Its own metrics, as they stand now.
    pub(in crate::policy) metrics: BTreeMap<String, f64>,
    pub(in crate::policy) request_time: Took,
    pub(in crate::policy) response_time: Option<Took>,
}

/// What it decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::policy) enum Verdict {
    Abort(String),
    /// It broke.
    Fault(String),
    #[default]
    Next,
    Reroute(String),
    Respond(Message),
}

impl Verdict {
    /// The word for it.
    pub(in crate::policy) const fn word(&self) -> &'static str {
        match self {
            Self::Abort(_) => "abort",
            Self::Fault(_) => "fault",
            Self::Next => "next",
            Self::Reroute(_) => "reroute",
            Self::Respond(_) => "respond",
        }
    }
}

/// What became of a service's answer.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::policy) enum Answered {
    /// It went on, perhaps changed.
    Passed { edits: Vec<Edit>, body: Option<Vec<u8>>, message: Message },
    /// Something else went on.
    Replaced(Message),
    /// Nothing did, and why.
    Abort(String),
    /// The policy broke.
    Fault(String),
}

impl Answered {
    /// The word for it.
    pub(in crate::policy) const fn word(&self) -> &'static str {
        match self {
            Self::Passed { .. } => "next",
            Self::Replaced(_) => "respond",
            Self::Abort(_) => "abort",
            Self::Fault(_) => "fault",
        }
    }
}

/// A response, all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::policy) struct Message {
    pub(in crate::policy) status: u16,
    pub(in crate::policy) headers: HeaderMap,
    pub(in crate::policy) body: Vec<u8>,
}

impl Message {
    pub(super) async fn of(response: Response<Body>) -> Result<Self> {
        let (parts, body) = response.into_parts();
        let body = whole(body).await?;
        Ok(Self { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    pub(in crate::policy) fn head(&self) -> Head {
        let facts = vec![("status".to_owned(), self.status.to_string())];
        Head { facts, headers: self.headers.clone() }
    }
}

/// The head of a service's answer.
pub(super) fn response_head(status: StatusCode, headers: &HeaderMap) -> Head {
    Head {
        facts: vec![("status".to_owned(), status.as_u16().to_string())],
        headers: headers.clone(),
    }
}

/// The head of the request as it stands, and what is known of the visitor.
pub(super) fn request_head(exchange: &Exchange) -> Head {
    let request = &exchange.request;
    let mut facts = vec![
        ("method".to_owned(), request.method().to_string()),
        (
            "target".to_owned(),
            request.uri().path_and_query().map_or("/", |p| p.as_str()).to_owned(),
        ),
    ];
    if let Some(authority) = request.uri().authority() {
        facts.push(("authority".to_owned(), authority.to_string()));
    }
    if let Some(identity) = &exchange.identity {
        facts.push(("identity".to_owned(), identity.subject.clone()));
    }
    facts.extend(exchange.vars.iter().map(|(name, value)| {
        (format!("var.{name}"), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }));
    Head { facts, headers: request.headers().clone() }
}

/// The policy's own metrics: series of one name are added up, histograms count.
pub(super) fn user_metrics(host: &Host) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for metric in host.services().metrics().snapshot() {
        let Some(name) = metric.name.strip_prefix(USER_METRICS) else { continue };
        let value = match metric.value {
            MetricValue::Counter(value) => value as f64,
            MetricValue::Sum(value) | MetricValue::Gauge(value) => value,
            MetricValue::Histogram { count, .. } => count as f64,
            _ => continue,
        };
        *all.entry(name.to_owned()).or_default() += value;
    }
    all
}
