//! An exchange once more: sent again, as it was or changed; as a command line; beside another one.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    answer::{self, Answer},
    error::ApiError,
    exchanges, input,
    row::Row,
    service::{Call, Service},
};
use crate::{
    curl,
    diff::{self, BodyDiff, Change},
    replay::{self, Changes, ReplayError},
    secrets::{self, Secrets},
};

/// What is to be different.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    method: Option<String>,
    path: Option<String>,
    headers: Option<Vec<Header>>,
    trailers: Option<Vec<Header>>,
    body_base64: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    name: String,
    value: String,
}

#[derive(Serialize)]
struct Sent {
    id: String,
    uri: String,
}

/// Sends an exchange again.
pub(super) async fn replay(call: Call<'_>, id: &str) -> Answer {
    let wanted: Wanted = input::object(&call.body)?;
    let pairs = |headers: Vec<Header>| headers.into_iter().map(|h| (h.name, h.value)).collect();
    let decode = |text: String| match BASE64_STANDARD.decode(text) {
        Ok(bytes) => Ok(Bytes::from(bytes)),
        Err(error) => Err(ApiError::malformed(format!("body_base64: {error}"))),
    };
    let changes = Changes {
        method: wanted.method,
        path: wanted.path,
        headers: wanted.headers.map(pairs),
        trailers: wanted.trailers.map(pairs),
        body: wanted.body_base64.map(decode).transpose()?,
    };
    let id = repeat(call.service, id, None, changes).await?;
    answer::created(&Sent { uri: format!("/api/exchanges/{id}"), id })
}

/// Sends an exchange again, to another endpoint if one is named, and says which one came of it.
pub(super) async fn repeat(
    service: &Service,
    id: &str,
    to: Option<&str>,
    changes: Changes,
) -> Result<String, ApiError> {
    let mut entry = exchanges::find(service, id)?;
    if let Some(name) = to {
        let found = service.control().endpoint(name);
        let endpoint = found.ok_or_else(|| ApiError::no_endpoint(name))?;
        Arc::make_mut(&mut entry).endpoint = endpoint.name.into();
    }
    let request = replay::request(&entry, changes)?;
    let Some(replayer) = service.replayer() else {
        return Err(ReplayError::NoEndpoint { endpoint: entry.endpoint.to_string() }.into());
    };
    let sending = async move { replayer.replay(&entry, request).await };
    Ok(service.whole(sending).await??.to_string())
}

impl From<ReplayError> for ApiError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Invalid { .. } => Self::malformed(error),
            ReplayError::Unanswered { .. } => {
                Self::cannot_replay(StatusCode::BAD_GATEWAY, error.to_string())
            }
            _ => Self::cannot_replay(StatusCode::CONFLICT, error.to_string()),
        }
    }
}

/// The request as a command line.
pub(super) fn command(call: &Call<'_>, id: &str) -> Answer {
    let query = call.query();
    query.only(&["secrets"])?;
    let secrets = secrets_of(query.word("secrets", &["mask", "include"])?);
    let entry = exchanges::find(call.service, id)?;
    let text = curl::command(&entry, secrets);
    Ok(answer::captured(answer::text(StatusCode::OK, text)))
}

/// What a parameter says of secrets.
pub(super) fn secrets_of(word: &str) -> Secrets {
    if word == "include" { Secrets::Include } else { Secrets::Mask }
}

#[derive(Serialize)]
struct Both {
    left: Row,
    right: Row,
    request: Half,
    response: Option<Half>,
}

#[derive(Serialize)]
struct Half {
    start_line: Lines,
    headers: Vec<HeaderRow>,
    body: BodyRow,
}

#[derive(Serialize)]
struct Lines {
    left: String,
    right: String,
    same: bool,
}

#[derive(Serialize)]
struct HeaderRow {
    sensitive: bool,
    name: String,
    left: Option<String>,
    right: Option<String>,
    change: &'static str,
}

#[derive(Serialize)]
struct BodyRow {
    kind: &'static str,
    pretty: bool,
    left_size: u64,
    right_size: u64,
    hunks: Vec<Hunk>,
}

#[derive(Serialize)]
struct Hunk {
    lines: Vec<LineRow>,
}

#[derive(Serialize)]
struct LineRow {
    change: &'static str,
    left: Option<usize>,
    right: Option<usize>,
    text: String,
}

/// Two exchanges side by side.
pub(super) async fn compare(call: &Call<'_>) -> Answer {
    let query = call.query();
    query.only(&["left", "right"])?;
    let side = |name| {
        let id = query.text(name);
        id.ok_or_else(|| ApiError::malformed(format!("parameter {name:?} is missing")))
    };
    let left = exchanges::find(call.service, side("left")?)?;
    let right = exchanges::find(call.service, side("right")?)?;
    let comparing = move || {
        let found = diff::diff(&left, &right);
        let sizes = (left.request.body.total, right.request.body.total);
        let response_sizes = (left.response_len(), right.response_len());
        answer::json(&Both {
            left: Row::from(&*left),
            right: Row::from(&*right),
            request: Half::of(found.request, sizes),
            response: found.response.map(|side| Half::of(side, response_sizes)),
        })
    };
    call.service.heavy(comparing).await?
}

impl Half {
    fn of(side: diff::SideDiff, (left_size, right_size): (u64, u64)) -> Self {
        let header = |header: diff::HeaderDiff| HeaderRow {
            sensitive: secrets::is_sensitive(&header.name),
            name: header.name,
            left: header.left,
            right: header.right,
            change: word(header.change),
        };
        let line = |line: diff::Line| LineRow {
            change: word(line.change),
            left: line.left,
            right: line.right,
            text: line.text,
        };
        let hunk = |lines: Vec<diff::Line>| Hunk { lines: lines.into_iter().map(line).collect() };
        let (kind, pretty, hunks) = match side.body {
            BodyDiff::Binary => ("binary", false, Vec::new()),
            BodyDiff::Same => ("same", false, Vec::new()),
            BodyDiff::Text { is_pretty, hunks } => ("text", is_pretty, hunks),
            BodyDiff::TooLarge => ("too_large", false, Vec::new()),
        };
        let hunks = hunks.into_iter().map(hunk).collect();
        Self {
            start_line: Lines { same: side.left == side.right, left: side.left, right: side.right },
            headers: side.headers.into_iter().map(header).collect(),
            body: BodyRow { kind, pretty, left_size, right_size, hunks },
        }
    }
}

const fn word(change: Change) -> &'static str {
    match change {
        Change::Added => "added",
        Change::Changed => "changed",
        Change::Removed => "removed",
        Change::Same => "same",
    }
}
