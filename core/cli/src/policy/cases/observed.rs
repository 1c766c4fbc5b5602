//! From what was seen on the stage to what the cases compare.

use adit_policy_sdk::{
    Reply,
    testing::{self, ChunkVerdict, Edits, Exchange, Verdict as Decided, Visible},
};
use adit_wasm::{Hook, Metric, lab::PieceVerdict};

use crate::policy::{
    heads::Edit,
    stage::{Answered, Message, Seen, USER_METRICS, Verdict, number},
};

/// An exchange that took place.
pub(super) fn exchange(seen: Seen) -> Exchange {
    let verdict = match &seen.verdict {
        Verdict::Abort(why) | Verdict::Fault(why) => Decided::Abort(why.clone()),
        Verdict::Next => Decided::Next,
        Verdict::Reroute(to) => Decided::Reroute(to.clone()),
        Verdict::Respond(message) => Decided::Respond(reply(message)),
    };
    let mut exchange = Exchange::new(verdict);
    exchange.edits = edits(&seen.edits, seen.request_body_now);
    let reason = |hook: Hook| {
        let found = seen.reasons.iter().find(|(of, _)| *of == hook);
        found.map(|(_, why)| why.clone()).unwrap_or_default()
    };
    let of = |hook: Hook| {
        let pieces = seen.pieces.iter().filter(move |(of, _)| *of == hook);
        pieces.map(|(_, verdict)| chunk(verdict, &|| reason(hook))).collect()
    };
    exchange.request_chunks = of(Hook::RequestChunk);
    exchange.response_chunks = of(Hook::ResponseChunk);
    if seen.is_cut {
        exchange.cut = Some(reason(Hook::RequestChunk));
    }
    if let Verdict::Respond(message) = &seen.verdict {
        exchange.response = Some(visible(message));
    }
    match seen.answered {
        None => {}
        Some(Answered::Passed { edits: changed, body, message }) => {
            exchange.response_verdict = Some(Decided::Next);
            exchange.response_edits = edits(&changed, body);
            exchange.response = Some(visible(&message));
        }
        Some(Answered::Replaced(message)) => {
            exchange.response_verdict = Some(Decided::Respond(reply(&message)));
            exchange.response = Some(visible(&message));
        }
        Some(Answered::Cut) => {
            exchange.response_verdict = Some(Decided::Next);
            exchange.cut = Some(reason(Hook::ResponseChunk));
        }
        Some(Answered::Abort(why) | Answered::Fault(why)) => {
            exchange.response_verdict = Some(Decided::Abort(why));
        }
    }
    exchange
}

/// An answer to a piece.
pub(super) fn chunk(verdict: &PieceVerdict, reason: &dyn Fn() -> String) -> ChunkVerdict {
    match verdict {
        PieceVerdict::Pass => ChunkVerdict::Pass,
        PieceVerdict::Replace(bytes) => ChunkVerdict::Replace(bytes.to_vec()),
        PieceVerdict::Detach => ChunkVerdict::Detach,
        _ => ChunkVerdict::Abort(reason()),
    }
}

/// Metrics by their own names.
pub(super) fn metrics(all: &[Metric]) -> Vec<testing::Metric> {
    let own = all.iter().filter_map(|metric| {
        let name = metric.name.strip_prefix(USER_METRICS)?.to_owned();
        let mut labels = metric.labels.clone();
        labels.retain(|(label, _)| label != "policy");
        labels.sort();
        Some(testing::Metric { name, labels, value: number(&metric.value)? })
    });
    own.collect()
}

fn edits(edits: &[Edit], body: Option<Vec<u8>>) -> Edits {
    let mut all = Edits::default();
    for edit in edits {
        match edit {
            Edit::Fact { name, after: Some(after), .. } => {
                let after = after.clone();
                match name.as_str() {
                    "method" => all.method = Some(after),
                    "target" => all.target = Some(after),
                    "authority" => all.authority = Some(after),
                    "identity" => all.identity = Some(after),
                    "status" => all.status = after.parse().ok(),
                    name => {
                        if let Some(var) = name.strip_prefix("var.") {
                            all.vars.insert(var.to_owned(), after);
                        }
                    }
                }
            }
            Edit::Fact { .. } => {}
            Edit::Header { name, after, .. } if after.is_empty() => all.removed.push(name.clone()),
            Edit::Header { name, after, .. } => {
                // The authority of a request without one of its own.
                if name == "host" {
                    all.authority = after.first().cloned();
                }
                all.set.insert(name.clone(), after.clone());
            }
        }
    }
    all.body = body;
    all
}

fn reply(message: &Message) -> Reply {
    let Visible { status, headers, body } = visible(message);
    Reply { status, headers, body }
}

fn visible(message: &Message) -> Visible {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), value.as_bytes().to_vec())
    };
    Visible {
        status: message.status,
        headers: message.headers.iter().map(line).collect(),
        body: message.body.clone(),
    }
}
