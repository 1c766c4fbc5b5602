//! What a policy was seen to do.

use std::collections::BTreeMap;

use adit_chain::{Body, Exchange};
use adit_wasm::{
    Fault, Hook, LogRecord, Metric, MetricValue,
    lab::{Call, Lab, PieceVerdict},
};
use anyhow::Result;
use http::{HeaderMap, Response, StatusCode};

use super::{Took, is_request_side, whole};
use crate::policy::heads::{Edit, Head};

/// What an author's own metrics are called outside.
pub(in crate::policy) const USER_METRICS: &str = "adit_policy_user_";

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
    /// The request's body was cut off on its way.
    pub(in crate::policy) is_cut: bool,
    /// What it decided about pieces.
    pub(in crate::policy) pieces: Vec<(Hook, PieceVerdict)>,
    /// Why it broke off.
    pub(in crate::policy) reasons: Vec<(Hook, String)>,
    /// How it broke.
    pub(in crate::policy) faults: Vec<Fault>,
    /// Calls that it answered.
    pub(in crate::policy) calls: Vec<Call>,
}

impl Seen {
    /// Takes in what the lab heard meanwhile.
    pub(super) fn hear(&mut self, lab: &Lab) {
        (self.calls, self.faults) = lab.observed();
        let heard = lab.heard();
        (self.pieces, self.reasons) = (heard.pieces, heard.reasons);
        let reason = |is_request: bool| {
            let of_side = |hook: Hook| is_request_side(hook) == is_request;
            self.reasons.iter().find(|(hook, _)| of_side(*hook)).map(|(_, why)| why.clone())
        };
        let fault = |is_request: bool| {
            let of_side = |fault: &&Fault| is_request_side(fault.hook) == is_request;
            self.faults.iter().find(of_side).map(ToString::to_string)
        };
        match &mut self.verdict {
            Verdict::Abort(why) => *why = reason(true).unwrap_or_default(),
            Verdict::Fault(why) => *why = fault(true).unwrap_or_default(),
            _ => {}
        }
        match &mut self.answered {
            Some(Answered::Abort(why)) => *why = reason(false).unwrap_or_default(),
            Some(Answered::Fault(why)) => *why = fault(false).unwrap_or_default(),
            _ => {}
        }
    }
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
    /// Its body broke off on its way.
    Cut,
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
            Self::Cut => "cut off",
            Self::Fault(_) => "fault",
        }
    }

    /// What the visitor got.
    pub(in crate::policy) const fn message(&self) -> Option<&Message> {
        match self {
            Self::Passed { message, .. } | Self::Replaced(message) => Some(message),
            Self::Abort(_) | Self::Cut | Self::Fault(_) => None,
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
pub(in crate::policy) fn request_head(exchange: &Exchange) -> Head {
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
pub(super) fn user_metrics(metrics: &[Metric]) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for metric in metrics {
        let Some(name) = metric.name.strip_prefix(USER_METRICS) else { continue };
        let Some(value) = number(&metric.value) else { continue };
        *all.entry(name.to_owned()).or_default() += value;
    }
    all
}

/// A metric's value as one number; a histogram's is how often something was observed.
pub(in crate::policy) fn number(value: &MetricValue) -> Option<f64> {
    match value {
        MetricValue::Counter(value) => Some(*value as f64),
        MetricValue::Sum(value) | MetricValue::Gauge(value) => Some(*value),
        MetricValue::Histogram { count, .. } => Some(*count as f64),
        _ => None,
    }
}
