//! What a policy can ask of the agent: one module for each interface that it may import, and the
//! values that these work on.
//!
//! ```text
//! State (one per instance)
//! ├─ Current      what the running call is about: connection, request, response, outcome
//! ├─ Phase        quotas of the running call, and which hook it is
//! └─ Shared       one per policy: name, grants resolved to buckets, quotas of log and metrics
//!    └─ Services  one per process: buckets, metrics, clock, randomness, way out; outlives reloads
//! ```
//!
//! Guests hold handles, but never see more than what [`Current`] has at that moment: a handle's
//! number says nothing, so one that is forged or kept leads nowhere else.

mod agent;
mod clock;
mod conn;
mod crypto;
mod edit;
mod error;
mod headers;
mod hot;
mod kv;
mod linker;
mod log;
mod metrics;
mod outbound;
mod outcome;
mod random;
mod rate;
mod request;
mod response;
mod secrets;
mod services;
mod shared;
mod state;
#[cfg(test)]
mod testing;

pub use self::{
    clock::{Clock, ManualClock},
    edit::Edit,
    log::{Level, LogCapture, LogRecord},
    metrics::{Metric, MetricValue, Metrics, PolicyMetrics},
    outbound::{Outbound, OutboundError, ScriptedOutbound},
    services::{Services, ServicesBuilder},
};
pub(crate) use self::{
    conn::ConnView,
    linker::add_to_linker,
    outcome::OutcomeView,
    request::{Access, BodyWish, RequestView},
    response::ResponseView,
    shared::Shared,
    state::{Current, Phase, State},
};

/// Marks handles of the connection.
#[derive(Debug)]
pub enum Connection {}

/// Marks handles of the request.
#[derive(Debug)]
pub enum Request {}

/// Marks handles of the response.
#[derive(Debug)]
pub enum Response {}

/// Marks handles of the outcome.
#[derive(Debug)]
pub enum Outcome {}

#[cfg(test)]
mod tests;
