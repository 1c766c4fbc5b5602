//! An exchange as one row of a list.

use std::sync::Arc;

use adit_chain::Verdict;
use http::StatusCode;
use serde::Serialize;

use super::time;
use crate::{
    model::{Decision, Entry, Side, Source, State},
    view::raw,
};

/// One row.
#[derive(Serialize)]
pub(super) struct Row {
    id: String,
    endpoint: Arc<str>,
    method: String,
    host: String,
    path: Arc<str>,
    proto: &'static str,
    status: Option<u16>,
    start: String,
    duration_ns: Option<u64>,
    request_size: u64,
    response_size: u64,
    content_type: Option<String>,
    remote_addr: Option<String>,
    kind: &'static str,
    n_messages: u64,
    state: &'static str,
    error: Option<&'static str>,
    decided_by: Option<Arc<str>>,
    replay_of: Option<String>,
    imported: bool,
}

impl From<&Entry> for Row {
    fn from(entry: &Entry) -> Self {
        let (request, response) = (&entry.request, entry.response.as_ref());
        let (state, error) = match entry.state {
            State::Done => ("done", None),
            State::Failed(reason) => ("failed", Some(reason)),
            State::Open => ("open", None),
        };
        let content_type = response.and_then(|response| response.headers.text("content-type"));
        Self {
            id: entry.id.to_string(),
            endpoint: Arc::clone(&entry.endpoint),
            method: request.method.to_string(),
            host: request.headers.text("host").unwrap_or_default().to_owned(),
            path: Arc::clone(&request.target),
            proto: raw::proto(request.version),
            status: entry.status().map(|status| status.as_u16()),
            start: time::precise(entry.started),
            duration_ns: entry.timing.total.map(time::nanos),
            request_size: request.body.total,
            response_size: entry.response_len(),
            content_type: content_type.map(str::to_owned),
            remote_addr: entry.client.map(|client| client.ip().to_string()),
            kind: kind(entry),
            n_messages: entry.messages.as_ref().map_or(0, |messages| messages.total()),
            state,
            error,
            decided_by: decided_by(&entry.decisions),
            replay_of: match entry.source {
                Source::Replay { of } => Some(of.to_string()),
                _ => None,
            },
            imported: entry.source == Source::Import,
        }
    }
}

fn kind(entry: &Entry) -> &'static str {
    let is_grpc = |value: &str| value.starts_with("application/grpc");
    if entry.status() == Some(StatusCode::SWITCHING_PROTOCOLS) && entry.messages.is_some() {
        "websocket"
    } else if entry.request.headers.text("content-type").is_some_and(is_grpc) {
        "grpc"
    } else {
        "http"
    }
}

/// The handler that kept the request from the upstream.
fn decided_by(decisions: &[Decision]) -> Option<Arc<str>> {
    let decides = |decision: &&Decision| {
        decision.side == Side::Request
            && matches!(decision.verdict, Verdict::Abort | Verdict::Failed | Verdict::Respond)
    };
    decisions.iter().rev().find(decides).map(|decision| Arc::clone(&decision.link))
}
