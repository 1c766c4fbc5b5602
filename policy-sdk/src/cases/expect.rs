//! What must come of a step.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::schema::{AdmissionName, Lines};

/// What must come of a step. What is not named is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// What the request side decided.
    pub verdict: Option<VerdictName>,
    /// Headers of the request that were changed, with all their lines now.
    pub set: Lines,
    /// Headers of the request that are gone.
    pub removed: Vec<String>,
    /// Headers of the request that are as they were.
    pub untouched: Vec<String>,
    /// The new method.
    pub method: Option<String>,
    /// The new target.
    pub target: Option<String>,
    /// The new authority.
    pub authority: Option<String>,
    /// The identity that was set.
    pub identity: Option<String>,
    /// Variables that were set.
    pub vars: BTreeMap<String, String>,
    /// The new body of the request.
    pub body: Option<String>,
    /// The policy's own reply.
    pub reply: Option<ExpectReply>,
    /// The endpoint that the exchange was handed to.
    pub reroute: Option<String>,
    /// Part of the reason of `abort`, or of why a connection was refused or cut.
    pub abort: Option<String>,
    /// What the response side did.
    pub response: Option<ExpectResponse>,
    /// Parts of log records, each in another one, in order.
    pub log: Vec<String>,
    /// Values of metrics now: `name` or `name{label=value,…}`.
    pub metrics: BTreeMap<String, f64>,
    /// Answer to the connection.
    pub admission: Option<AdmissionName>,
    /// Answers to the pieces of the connection, or of the request's body.
    pub chunks: Option<Vec<ChunkName>>,
    /// What reached the upstream of a raw connection.
    pub to_upstream: Option<String>,
    /// What reached the visitor of a raw connection.
    pub to_client: Option<String>,
    /// Part of the text of a fault. Without it, a fault fails the case.
    pub fault: Option<String>,
}

/// A verdict by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "nothing to add")]
pub enum VerdictName {
    Next,
    Respond,
    Reroute,
    Abort,
}

/// An answer to a piece by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "nothing to add")]
pub enum ChunkName {
    Pass,
    Replace,
    Detach,
    Abort,
}

/// The policy's own reply, in place of the request or of the response.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectReply {
    /// Its status.
    pub status: Option<u16>,
    /// Headers that it has, with all their lines.
    pub headers: Lines,
    /// Its body.
    pub body: Option<String>,
    /// Its body as a JSON document.
    pub json: Option<Value>,
}

/// What the response side did, and what the visitor got.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectResponse {
    /// What it decided.
    pub verdict: Option<VerdictName>,
    /// The status that the visitor got.
    pub status: Option<u16>,
    /// Headers that were changed, with all their lines now.
    pub set: Lines,
    /// Headers that are gone.
    pub removed: Vec<String>,
    /// The body that the visitor got.
    pub body: Option<String>,
    /// The body that the visitor got, as a JSON document.
    pub json: Option<Value>,
    /// Answers to the pieces of the body.
    pub chunks: Option<Vec<ChunkName>>,
}
