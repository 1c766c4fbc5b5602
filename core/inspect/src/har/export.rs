//! Writing an archive.

use std::{sync::Arc, time::Duration};

use adit_chain::Origin;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use crate::{
    model::{Body, Entry, Headers, Kind, Message, Party, Source, State},
    secrets::{MASK, Secrets, is_sensitive},
    view::{MAX_DECODED, decode, media_type, raw, urlencoded},
};

/// Messages of one exchange that are written.
///
/// Reason: as many as are kept.
const MAX_MESSAGES: usize = crate::model::MAX_MESSAGES;

/// An archive of entries, piece by piece: all of it at once may be many times what the store holds.
pub fn pieces(entries: Vec<Arc<Entry>>, secrets: Secrets) -> impl Iterator<Item = String> {
    let version = env!("CARGO_PKG_VERSION");
    let creator = json!({ "name": "adit", "version": version });
    let head = format!("{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"entries\":[");
    let entries = entries.into_iter().enumerate().map(move |(i, written)| {
        let separator = if i == 0 { "\n" } else { ",\n" };
        format!("{separator}{}", entry(&written, secrets))
    });
    std::iter::once(head).chain(entries).chain(std::iter::once("\n]}}\n".to_owned()))
}

fn entry(entry: &Entry, secrets: Secrets) -> Value {
    let timings = timings(entry);
    let time: f64 = timings.values().filter_map(Value::as_f64).filter(|ms| *ms > 0.0).sum();
    let mut written = json!({
        "startedDateTime": time_of(entry.started),
        "time": time,
        "request": request(entry, secrets),
        "response": response(entry, secrets),
        "cache": {},
        "timings": timings,
        "_adit": own(entry),
    });
    if let Some(client) = entry.client {
        written["connection"] = client.port().to_string().into();
    }
    if let Some(messages) = &entry.messages {
        let all = messages.after(0, MAX_MESSAGES);
        let started = seconds(entry.started);
        written["_webSocketMessages"] = all.iter().map(|one| message(one, started)).collect();
    }
    written
}

/// What an archive has no place for.
fn own(entry: &Entry) -> Value {
    let decision = |decision: &crate::model::Decision| {
        json!({
            "link": &*decision.link,
            "side": match decision.side {
                crate::model::Side::Request => "request",
                crate::model::Side::Response => "response",
            },
            "verdict": decision.word(),
            "took": millis(decision.took),
            "note": &*decision.note,
        })
    };
    json!({
        "id": entry.id.to_string(),
        "endpoint": &*entry.endpoint,
        "url": &*entry.url,
        "edge": entry.timing.edge.map(millis),
        "client": entry.client,
        "replay_of": match entry.source {
            Source::Replay { of } => Some(of.to_string()),
            Source::Import | Source::Visitor => None,
        },
        "failure": match entry.state {
            State::Failed(failure) => Some(failure),
            State::Done | State::Open => None,
        },
        "origin": entry.response.as_ref().map(|response| origin(response.origin)),
        "decisions": entry.decisions.iter().map(decision).collect::<Vec<_>>(),
    })
}

pub(super) const fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Agent => "agent",
        Origin::Handler => "handler",
        Origin::Upstream => "upstream",
    }
}

fn request(entry: &Entry, secrets: Secrets) -> Value {
    let request = &entry.request;
    let query = request.query().map(|query| urlencoded(query.as_bytes())).unwrap_or_default();
    let query = query.into_iter().map(|field| json!({ "name": field.name, "value": field.value }));
    let mut written = json!({
        "method": request.method.as_str(),
        "url": format!("{}{}", entry.url, request.target),
        "httpVersion": raw::proto(request.version),
        "cookies": cookies(&request.headers, secrets),
        "headers": headers(&request.headers, secrets),
        "queryString": query.collect::<Vec<_>>(),
        "headersSize": -1,
        "bodySize": request.body.total,
    });
    if request.body.total > 0 {
        let mut data = content(&request.headers, &request.body);
        if media_type(&request.headers).as_deref() == Some("application/x-www-form-urlencoded") {
            let fields = urlencoded(&request.body.bytes);
            let param = |field: crate::view::Field| json!({ "name": field.name, "value": field.value.unwrap_or_default() });
            data.insert("params".into(), fields.into_iter().map(param).collect());
        }
        data.remove("size");
        written["postData"] = data.into();
    }
    add_trailers(&mut written, request.trailers.as_ref(), secrets);
    written
}

fn response(entry: &Entry, secrets: Secrets) -> Value {
    let Some(response) = &entry.response else {
        // As browsers write what was not answered.
        return json!({
            "status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [],
            "content": { "size": 0, "mimeType": "x-unknown" }, "redirectURL": "",
            "headersSize": -1, "bodySize": -1,
        });
    };
    let mut written = json!({
        "status": response.status.as_u16(),
        "statusText": response.status.canonical_reason().unwrap_or_default(),
        "httpVersion": raw::proto(response.version),
        "cookies": cookies_that_are_set(&response.headers, secrets),
        "headers": headers(&response.headers, secrets),
        "content": content(&response.headers, &response.body),
        "redirectURL": response.headers.text("location").unwrap_or_default(),
        "headersSize": -1,
        "bodySize": response.body.total,
    });
    add_trailers(&mut written, response.trailers.as_ref(), secrets);
    written
}

fn add_trailers(message: &mut Value, trailers: Option<&Headers>, secrets: Secrets) {
    if let Some(trailers) = trailers {
        message["_trailers"] = headers(trailers, secrets).into();
    }
}

fn headers(headers: &Headers, secrets: Secrets) -> Vec<Value> {
    let header = |(name, value)| json!({ "name": name, "value": secrets.show(name, value) });
    headers.iter().map(header).collect()
}

fn cookies(headers: &Headers, secrets: Secrets) -> Vec<Value> {
    let values = headers.get_all("cookie").map(String::from_utf8_lossy);
    let texts: Vec<_> = values.collect();
    texts.iter().flat_map(|text| text.split(';')).filter_map(|pair| cookie(pair, secrets)).collect()
}

fn cookies_that_are_set(headers: &Headers, secrets: Secrets) -> Vec<Value> {
    let values = headers.get_all("set-cookie").map(String::from_utf8_lossy);
    values.filter_map(|text| cookie(text.split(';').next()?, secrets)).collect()
}

fn cookie(pair: &str, secrets: Secrets) -> Option<Value> {
    let (name, value) = pair.trim().split_once('=')?;
    let is_masked = secrets == Secrets::Mask && is_sensitive("cookie");
    Some(json!({ "name": name, "value": if is_masked { MASK } else { value } }))
}

fn content(headers: &Headers, body: &Body) -> Map<String, Value> {
    let decoded = decode(headers, body, MAX_DECODED);
    let mime = headers.text("content-type").unwrap_or("application/octet-stream");
    let mut content = Map::new();
    content.insert("size".into(), decoded.bytes.len().into());
    content.insert("mimeType".into(), mime.into());
    match std::str::from_utf8(&decoded.bytes) {
        Ok(text) => content.insert("text".into(), text.into()),
        Err(_) => {
            content.insert("encoding".into(), "base64".into());
            content.insert("text".into(), BASE64_STANDARD.encode(&decoded.bytes).into())
        }
    };
    if decoded.bytes != body.bytes {
        content.insert("_encoded".into(), BASE64_STANDARD.encode(&body.bytes).into());
    }
    if body.is_truncated() {
        content.insert("comment".into(), "the body was cut".into());
    }
    content
}

/// In milliseconds; -1 for what did not happen or is not known. They add up to the whole.
fn timings(entry: &Entry) -> Map<String, Value> {
    let timing = &entry.timing;
    let total = timing.total.or(timing.to_head).unwrap_or_default();
    let to_head = timing.to_head.unwrap_or(total);
    let before = timing.handlers.unwrap_or_default() + timing.connect.unwrap_or_default();
    let part =
        |part: Option<Duration>| part.map_or_else(|| (-1).into(), |part| millis(part).into());
    let mut timings = Map::new();
    timings.insert("blocked".into(), part(timing.handlers));
    timings.insert("dns".into(), (-1).into());
    timings.insert("connect".into(), part(timing.connect));
    timings.insert("ssl".into(), (-1).into());
    timings.insert("send".into(), 0.into());
    timings.insert("wait".into(), millis(to_head.saturating_sub(before)).into());
    timings.insert("receive".into(), millis(total.saturating_sub(to_head)).into());
    timings
}

fn millis(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}

/// As browsers write it.
fn message(message: &Message, started: f64) -> Value {
    let opcode = match message.kind {
        Kind::Text => 1,
        Kind::Close { .. } => 8,
        Kind::Ping => 9,
        Kind::Pong => 10,
        Kind::Binary | Kind::Grpc | Kind::Invalid => 2,
    };
    let is_text = message.kind == Kind::Text && !message.is_compressed;
    let text = std::str::from_utf8(&message.excerpt).ok().filter(|_| is_text);
    let data = text.map_or_else(|| BASE64_STANDARD.encode(&message.excerpt), str::to_owned);
    let mut written = json!({
        "type": if message.from == Party::Visitor { "send" } else { "receive" },
        "time": started + message.at.as_secs_f64(),
        "opcode": opcode,
        "data": data,
        "_size": message.len,
    });
    match message.kind {
        Kind::Close { code: Some(code) } => written["_code"] = code.into(),
        Kind::Grpc => written["_kind"] = "grpc".into(),
        Kind::Invalid => written["_kind"] = "invalid".into(),
        _ => {}
    }
    if message.is_compressed {
        written["_compressed"] = true.into();
    }
    written
}

fn seconds(time: std::time::SystemTime) -> f64 {
    time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn time_of(time: std::time::SystemTime) -> String {
    let stamp = Timestamp::try_from(time).unwrap_or_default();
    stamp.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
