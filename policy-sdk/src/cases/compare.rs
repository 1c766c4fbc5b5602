//! What was expected against what came.

use std::fmt::Debug;

use serde_json::Value;

use super::expect::{ChunkName, Expect, ExpectReply, ExpectResponse, VerdictName};
use super::run::{Connected, Observed};
use super::schema::{AdmissionName, Lines};
use crate::testing::{Admission, ChunkVerdict, Edits, Exchange, Metric, Verdict};

/// Everything in which they differ.
pub(super) fn observed(expect: &Expect, observed: &Observed) -> Vec<String> {
    let mut texts = Vec::new();
    match (observed, &expect.fault) {
        (Observed::Fault(text), Some(part)) => contains("fault", part, Some(text), &mut texts),
        (Observed::Fault(text), None) => texts.push(format!("fault: {text}")),
        (_, Some(part)) => texts.push(format!("fault: expected {part:?}, there was none")),
        (Observed::Exchange(exchange), None) => of_exchange(expect, exchange, &mut texts),
        (Observed::Connection(connected), None) => of_connection(expect, connected, &mut texts),
    }
    texts
}

fn of_exchange(expect: &Expect, exchange: &Exchange, texts: &mut Vec<String>) {
    if let Some(name) = expect.verdict {
        equal("verdict", &name, &name_of(&exchange.verdict), texts);
    }
    let edits = &exchange.edits;
    edited("", &expect.set, &expect.removed, edits, texts);
    for name in &expect.untouched {
        let name = name.to_ascii_lowercase();
        if edits.set.contains_key(&name) || edits.removed.contains(&name) {
            texts.push(format!("untouched: {name} was changed"));
        }
    }
    option("method", &expect.method, &edits.method, texts);
    option("target", &expect.target, &edits.target, texts);
    option("authority", &expect.authority, &edits.authority, texts);
    option("identity", &expect.identity, &edits.identity, texts);
    for (name, value) in &expect.vars {
        option(&format!("vars: {name}"), &Some(value), &edits.vars.get(name), texts);
    }
    let body = edits.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned());
    option("body", &expect.body, &body, texts);
    if let Some(reply) = &expect.reply {
        of_reply(reply, exchange, texts);
    }
    let (rerouted, aborted) = match (&exchange.verdict, &exchange.cut) {
        (Verdict::Reroute(to), _) => (Some(to.clone()), None),
        (Verdict::Abort(reason), _) | (_, Some(reason)) => (None, Some(reason.clone())),
        _ => match &exchange.response_verdict {
            Some(Verdict::Abort(reason)) => (None, Some(reason.clone())),
            _ => (None, None),
        },
    };
    option("reroute", &expect.reroute, &rerouted, texts);
    if let Some(part) = &expect.abort {
        contains("abort", part, aborted.as_deref(), texts);
    }
    chunks("chunks", expect.chunks.as_deref(), &exchange.request_chunks, texts);
    if let Some(response) = &expect.response {
        of_response(response, exchange, texts);
    }
}

fn of_reply(expect: &ExpectReply, exchange: &Exchange, texts: &mut Vec<String>) {
    let ((Verdict::Respond(reply), _) | (_, Some(Verdict::Respond(reply)))) =
        (&exchange.verdict, &exchange.response_verdict)
    else {
        texts.push(format!("reply: there was none, the verdict was {:?}", exchange.verdict));
        return;
    };
    option("reply: status", &expect.status, &Some(reply.status), texts);
    for (name, values) in expect.headers.by_name() {
        let lines = reply.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(&name));
        let lines = lines.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        equal(&format!("reply: {name}"), &values, &lines.collect::<Vec<_>>(), texts);
    }
    bodies("reply", expect.body.as_ref(), expect.json.as_ref(), &reply.body, texts);
}

fn of_response(expect: &ExpectResponse, exchange: &Exchange, texts: &mut Vec<String>) {
    if let Some(name) = expect.verdict {
        let came = exchange.response_verdict.as_ref().map(name_of);
        option("response: verdict", &Some(name), &came, texts);
    }
    edited("response: ", &expect.set, &expect.removed, &exchange.response_edits, texts);
    let status = exchange.response.as_ref().map(|response| response.status);
    option("response: status", &expect.status, &status, texts);
    let body = exchange.response.as_ref().map_or(&[][..], |response| &response.body);
    bodies("response", expect.body.as_ref(), expect.json.as_ref(), body, texts);
    let came = &exchange.response_chunks;
    chunks("response: chunks", expect.chunks.as_deref(), came, texts);
}

fn of_connection(expect: &Expect, connected: &Connected, texts: &mut Vec<String>) {
    let (name, mut reason) = match &connected.admission {
        Admission::Accept => (AdmissionName::Accept, None),
        Admission::Refuse(reason) => (AdmissionName::Refuse, Some(reason.as_str())),
    };
    option("admission", &expect.admission, &Some(name), texts);
    chunks("chunks", expect.chunks.as_deref(), &connected.chunks, texts);
    if let Some(ChunkVerdict::Abort(text)) = connected.chunks.last() {
        reason = reason.or(Some(text));
    }
    if let Some(part) = &expect.abort {
        contains("abort", part, reason, texts);
    }
    let text = |octets: &[u8]| Some(String::from_utf8_lossy(octets).into_owned());
    option("to_upstream", &expect.to_upstream, &text(&connected.to_upstream), texts);
    option("to_client", &expect.to_client, &text(&connected.to_client), texts);
}

/// Each expected part stands in another record, in order.
pub(super) fn logs(expect: &Expect, logs: &[String], texts: &mut Vec<String>) {
    let mut records = logs.iter();
    for part in &expect.log {
        if !records.any(|record| record.contains(part)) {
            texts.push(format!("log: expected {part:?}, there was {logs:?}"));
        }
    }
}

pub(super) fn metrics(expect: &Expect, metrics: &[Metric], texts: &mut Vec<String>) {
    for (written, value) in &expect.metrics {
        let (name, mut labels) = labels_of(written);
        labels.sort();
        let metric = metrics.iter().find(|m| m.name == name && m.labels == labels);
        let came = metric.map(|metric| metric.value);
        option(&format!("metrics: {written}"), &Some(*value), &came, texts);
    }
}

/// `name{label=value,…}`.
fn labels_of(written: &str) -> (&str, Vec<(String, String)>) {
    let Some((name, labels)) = written.split_once('{') else { return (written, Vec::new()) };
    let labels = labels.trim_end_matches('}').split(',').filter_map(|pair| pair.split_once('='));
    let plain = |text: &str| text.trim().trim_matches('"').to_owned();
    (name, labels.map(|(label, value)| (plain(label), plain(value))).collect())
}

fn edited(of: &str, set: &Lines, removed: &[String], edits: &Edits, texts: &mut Vec<String>) {
    for (name, values) in set.by_name() {
        option(&format!("{of}set: {name}"), &Some(&values), &edits.set.get(&name), texts);
    }
    for name in removed {
        if !edits.removed.contains(&name.to_ascii_lowercase()) {
            texts.push(format!("{of}removed: {name} was not"));
        }
    }
}

fn bodies(
    of: &str,
    text: Option<&String>,
    json: Option<&Value>,
    came: &[u8],
    texts: &mut Vec<String>,
) {
    if let Some(text) = text {
        equal(&format!("{of}: body"), text, &String::from_utf8_lossy(came).into_owned(), texts);
    }
    if let Some(json) = json {
        match serde_json::from_slice::<Value>(came) {
            Ok(came) => equal(&format!("{of}: json"), json, &came, texts),
            Err(error) => texts.push(format!("{of}: json: {error}")),
        }
    }
}

fn chunks(
    what: &str,
    expected: Option<&[ChunkName]>,
    came: &[ChunkVerdict],
    texts: &mut Vec<String>,
) {
    let Some(expected) = expected else { return };
    let names = came.iter().map(|verdict| match verdict {
        ChunkVerdict::Pass => ChunkName::Pass,
        ChunkVerdict::Replace(_) => ChunkName::Replace,
        ChunkVerdict::Detach => ChunkName::Detach,
        ChunkVerdict::Abort(_) => ChunkName::Abort,
    });
    equal(what, expected, &names.collect::<Vec<_>>()[..], texts);
}

fn name_of(verdict: &Verdict) -> VerdictName {
    match verdict {
        Verdict::Next => VerdictName::Next,
        Verdict::Respond(_) => VerdictName::Respond,
        Verdict::Reroute(_) => VerdictName::Reroute,
        Verdict::Abort(_) => VerdictName::Abort,
    }
}

fn equal<T: PartialEq + Debug + ?Sized>(
    what: &str,
    expected: &T,
    came: &T,
    texts: &mut Vec<String>,
) {
    if expected != came {
        texts.push(format!("{what}: expected {expected:?}, there was {came:?}"));
    }
}

fn option<T: PartialEq + Debug>(
    what: &str,
    expected: &Option<T>,
    came: &Option<T>,
    texts: &mut Vec<String>,
) {
    match (expected, came) {
        (None, _) => {}
        (Some(expected), Some(came)) => equal(what, expected, came, texts),
        (Some(expected), None) => {
            texts.push(format!("{what}: expected {expected:?}, there was nothing"));
        }
    }
}

fn contains(what: &str, part: &str, came: Option<&str>, texts: &mut Vec<String>) {
    match came {
        Some(text) if text.contains(part) => {}
        Some(text) => texts.push(format!("{what}: expected {part:?}, there was {text:?}")),
        None => texts.push(format!("{what}: expected {part:?}, there was nothing")),
    }
}
