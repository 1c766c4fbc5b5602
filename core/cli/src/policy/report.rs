//! How one request through a policy reads.

use std::{fmt::Write, time::Duration};

use adit_wasm::{Hook, lab::PieceVerdict};
use serde_json::{Value, json};

use super::{
    heads,
    stage::{Answered, Message, Seen, Verdict},
    text::{row, size},
};

/// Longest part of a body that is shown, in bytes.
const SHOWN: usize = 2048;

/// What people read.
pub(super) fn text(seen: &Seen) -> String {
    let mut out = String::new();
    let word = seen.verdict.word();
    match &seen.verdict {
        Verdict::Next => row(&mut out, "verdict", word),
        Verdict::Abort(why) | Verdict::Fault(why) => {
            row(&mut out, "verdict", format!("{word}: {why}"));
        }
        Verdict::Reroute(to) => row(&mut out, "verdict", format!("{word} to {to}")),
        Verdict::Respond(reply) => {
            row(&mut out, "verdict", format!("{word} {}", status(reply.status)));
            message(&mut out, "reply", reply);
        }
    }
    if !seen.edits.is_empty() {
        let _ = write!(out, "request\n{}", heads::diff(&seen.edits, "  "));
    }
    if let Some(body) = &seen.request_body_now {
        row(&mut out, "", format!("the body became {}", size(body.len())));
        quote(&mut out, body);
    }
    if seen.is_cut {
        row(&mut out, "", "the request's body was cut off on its way");
    }
    pieces(&mut out, &seen.pieces);
    if let Some(answered) = &seen.answered {
        answer(&mut out, answered);
    }
    for backtrace in seen.faults.iter().filter_map(|fault| fault.backtrace.as_ref()) {
        let _ = writeln!(out, "backtrace");
        for line in backtrace.lines() {
            let _ = writeln!(out, "  {line}");
        }
    }
    for record in &seen.logs {
        let extra: String =
            record.extra.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        row(&mut out, "log", format!("{}: {}{extra}", record.level, record.message));
    }
    for (name, value) in &seen.metrics {
        row(&mut out, "metric", format!("{name} = {value}"));
    }
    let mut time =
        format!("{} cpu, {} wall", us(seen.request_time.cpu), us(seen.request_time.wall));
    if let Some(took) = seen.response_time {
        let _ = write!(time, "; response {} cpu, {} wall", us(took.cpu), us(took.wall));
    }
    row(&mut out, "time", time);
    out
}

/// `pieces    pass, replace (12 B)`.
fn pieces(out: &mut String, pieces: &[(Hook, PieceVerdict)]) {
    if pieces.is_empty() {
        return;
    }
    let words = pieces.iter().map(|(_, verdict)| match verdict {
        PieceVerdict::Replace(bytes) => format!("replace ({})", size(bytes.len())),
        other => format!("{other:?}").to_lowercase(),
    });
    row(out, "pieces", words.collect::<Vec<_>>().join(", "));
}

fn answer(out: &mut String, answered: &Answered) {
    let word = answered.word();
    match answered {
        Answered::Passed { edits, body, .. } => {
            row(out, "response", if edits.is_empty() { "unchanged" } else { word });
            out.push_str(&heads::diff(edits, "  "));
            if let Some(body) = body {
                row(out, "", format!("the body became {}", size(body.len())));
                quote(out, body);
            }
        }
        Answered::Replaced(reply) => {
            row(out, "response", format!("{word} {}", status(reply.status)));
            message(out, "reply", reply);
        }
        Answered::Cut => row(out, "response", word),
        Answered::Abort(why) | Answered::Fault(why) => {
            row(out, "response", format!("{word}: {why}"));
        }
    }
}

fn message(out: &mut String, word: &str, message: &Message) {
    let _ = writeln!(out, "{word}");
    for (name, value) in &message.headers {
        let _ = writeln!(out, "  {name}: {}", heads::text(value.as_bytes()));
    }
    quote(out, &message.body);
}

/// A body, indented and cut.
fn quote(out: &mut String, body: &[u8]) {
    let shown = body.get(..SHOWN).unwrap_or(body);
    for line in heads::text(shown).lines() {
        let _ = writeln!(out, "  | {line}");
    }
    if shown.len() < body.len() {
        let _ = writeln!(out, "  | … {} more", size(body.len() - shown.len()));
    }
}

/// `429 Too Many Requests`.
fn status(code: u16) -> String {
    http::StatusCode::from_u16(code).map_or_else(|_| code.to_string(), |status| status.to_string())
}

/// A time in the unit that policies are measured in.
pub(super) fn us(time: Duration) -> String {
    let us = time.as_secs_f64() * 1e6;
    match us {
        0.0..100.0 => format!("{us:.1} µs"),
        100.0..10_000.0 => format!("{us:.0} µs"),
        _ => format!("{:.1} ms", us / 1e3),
    }
}

/// What programs read.
pub(super) fn json(seen: &Seen) -> Value {
    let verdict = match &seen.verdict {
        Verdict::Next => json!({ "verdict": "next" }),
        Verdict::Abort(why) => json!({ "verdict": "abort", "reason": why }),
        Verdict::Fault(why) => json!({ "verdict": "fault", "reason": why }),
        Verdict::Reroute(to) => json!({ "verdict": "reroute", "to": to }),
        Verdict::Respond(reply) => json!({ "verdict": "respond", "reply": message_json(reply) }),
    };
    let mut all = verdict;
    all["edits"] = heads::json(&seen.edits);
    if let Some(body) = &seen.request_body_now {
        all["body"] = json!(String::from_utf8_lossy(body));
    }
    all["response"] = match &seen.answered {
        None => Value::Null,
        Some(Answered::Passed { edits, message, .. }) => {
            json!({ "verdict": "next", "edits": heads::json(edits), "now": message_json(message) })
        }
        Some(Answered::Replaced(reply)) => {
            json!({ "verdict": "respond", "reply": message_json(reply) })
        }
        Some(Answered::Cut) => json!({ "verdict": "cut" }),
        Some(Answered::Abort(why)) => json!({ "verdict": "abort", "reason": why }),
        Some(Answered::Fault(why)) => json!({ "verdict": "fault", "reason": why }),
    };
    let log = |record: &adit_wasm::LogRecord| {
        json!({
            "level": record.level.to_string(),
            "message": record.message,
            "extra": record.extra,
        })
    };
    let call = |call: &adit_wasm::lab::Call| json!({ "hook": call.hook.as_str(), "us": call.took.as_secs_f64() * 1e6 });
    all["calls"] = seen.calls.iter().map(call).collect();
    all["log"] = seen.logs.iter().map(log).collect();
    all["metrics"] = json!(seen.metrics);
    all["cpu_us"] = json!(seen.request_time.cpu.as_secs_f64() * 1e6);
    all["wall_us"] = json!(seen.request_time.wall.as_secs_f64() * 1e6);
    if let Some(took) = seen.response_time {
        all["response_cpu_us"] = json!(took.cpu.as_secs_f64() * 1e6);
        all["response_wall_us"] = json!(took.wall.as_secs_f64() * 1e6);
    }
    all
}

fn message_json(message: &Message) -> Value {
    let headers: Vec<_> = message
        .headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), heads::text(value.as_bytes())]))
        .collect();
    json!({
        "status": message.status,
        "headers": headers,
        "body": String::from_utf8_lossy(&message.body),
    })
}
