//! Reading an archive.

mod messages;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use adit_chain::{Id, Origin};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Method, StatusCode, Uri, Version};
use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    capture::MAX_BODY,
    model::{Body, Entry, Headers, Message, Request, Response, Source, State, Timing},
};

/// Entries that are read of one archive.
///
/// Reason: more than the store holds would only push each other out.
const MAX_ENTRIES: usize = 100_000;

/// What an archive says.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// Its entries, the oldest first, with ids of their own in that order.
    pub entries: Vec<Entry>,
    /// What was said in those that have messages.
    pub messages: BTreeMap<Id, Vec<Message>>,
    /// How many make no sense: no method, no address, no status that there is.
    pub skipped: usize,
}

/// An archive cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("this is no HTTP archive")]
pub struct ImportError(#[from] serde_json::Error);

/// Reads an archive of this or another program. Bodies are cut as those that pass are.
///
/// # Errors
/// It is not JSON, or not an archive.
pub fn import(archive: &[u8]) -> Result<Imported, ImportError> {
    let Archive { log } = serde_json::from_slice(archive)?;
    let mut imported = Imported::default();
    let mut all = Vec::new();
    for value in log.entries {
        let read = serde_json::from_value::<HarEntry>(value).ok();
        let read = read.filter(|_| all.len() < MAX_ENTRIES).and_then(|mut har| {
            let said = std::mem::take(&mut har.messages);
            let entry = entry(har)?;
            let said = messages::read(said, entry.started);
            Some((entry, said))
        });
        match read {
            Some(read) => all.push(read),
            None => imported.skipped += 1,
        }
    }
    all.sort_by_key(|(entry, _)| entry.started);
    for (mut entry, said) in all {
        entry.id = Id::next();
        if !said.is_empty() {
            imported.messages.insert(entry.id, said);
        }
        imported.entries.push(entry);
    }
    Ok(imported)
}

#[derive(Deserialize)]
struct Archive {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarEntry {
    started_date_time: Option<String>,
    #[serde(default)]
    time: f64,
    request: HarRequest,
    response: HarResponse,
    #[serde(default)]
    timings: Timings,
    #[serde(default, rename = "_adit")]
    own: Own,
    #[serde(default, rename = "_webSocketMessages")]
    messages: Vec<messages::HarMessage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarRequest {
    method: String,
    url: String,
    #[serde(default)]
    http_version: String,
    #[serde(default)]
    headers: Vec<Pair>,
    post_data: Option<Content>,
    #[serde(rename = "_trailers")]
    trailers: Option<Vec<Pair>>,
    #[serde(default)]
    body_size: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarResponse {
    status: u16,
    #[serde(default)]
    http_version: String,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    content: Content,
    #[serde(rename = "_trailers")]
    trailers: Option<Vec<Pair>>,
    #[serde(default)]
    body_size: i64,
}

#[derive(Default, Deserialize)]
struct Content {
    text: Option<String>,
    encoding: Option<String>,
    #[serde(rename = "_encoded")]
    encoded: Option<String>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Default, Deserialize)]
struct Timings {
    blocked: Option<f64>,
    connect: Option<f64>,
    receive: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Own {
    edge: Option<f64>,
    endpoint: Option<String>,
    url: Option<String>,
    client: Option<std::net::SocketAddr>,
    origin: Option<String>,
    failure: Option<String>,
}

fn entry(har: HarEntry) -> Option<Entry> {
    let uri: Uri = har.request.url.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let url = format!("{scheme}://{authority}");
    let method = Method::from_bytes(har.request.method.as_bytes()).ok()?;
    let started = har.started_date_time.and_then(|text| text.parse::<Timestamp>().ok());
    let trailers = |pairs: Option<Vec<Pair>>| pairs.map(|pairs| headers(&pairs));
    let (request_headers, request_body) = message(
        &har.request.headers,
        har.request.post_data.unwrap_or_default(),
        har.request.body_size,
    );
    let response = match har.response.status {
        0 => None,
        status => Some(response(StatusCode::from_u16(status).ok()?, har.response, &har.own)),
    };
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    Some(Entry {
        id: Id::next(),
        source: Source::Import,
        endpoint: har.own.endpoint.unwrap_or_else(|| authority.to_string()).into(),
        url: har.own.url.filter(|own| *own == url).unwrap_or(url).into(),
        client: har.own.client,
        started: started.map_or_else(std::time::SystemTime::now, Into::into),
        request: Request {
            method,
            target: target.into(),
            version: version(&har.request.http_version),
            headers: request_headers,
            body: request_body,
            trailers: trailers(har.request.trailers),
        },
        response,
        decisions: Arc::default(),
        timing: timing(har.time, &har.timings, har.own.edge),
        state: har.own.failure.as_deref().map_or(State::Done, failed),
        messages: None,
    })
}

fn response(status: StatusCode, har: HarResponse, own: &Own) -> Response {
    let (headers, body) = message(&har.headers, har.content, har.body_size);
    let version = version(&har.http_version);
    let origins = [Origin::Agent, Origin::Handler, Origin::Upstream];
    let said = own.origin.as_deref();
    let origin = origins.into_iter().find(|one| said == Some(super::export::origin(*one)));
    let (origin, trailers) = (origin.unwrap_or_default(), har.trailers.map(|t| self::headers(&t)));
    Response { status, version, origin, headers, body, trailers }
}

/// Headers and body, as they were transferred if that is known.
fn message(pairs: &[Pair], content: Content, size: i64) -> (Headers, Body) {
    let octets = |text: &str| BASE64_STANDARD.decode(text).ok();
    let encoded = content.encoded.as_deref().and_then(octets);
    let has_encodings = encoded.is_some();
    let is_base64 = content.encoding.is_some_and(|encoding| encoding == "base64");
    let text = content.text.unwrap_or_default();
    let mut bytes = match encoded {
        Some(encoded) => encoded,
        None if is_base64 => octets(&text).unwrap_or_else(|| text.into_bytes()),
        None => text.into_bytes(),
    };
    let mut headers = headers(pairs);
    let loses_encoding =
        headers.get("content-encoding").is_some() && !has_encodings && !bytes.is_empty();
    if loses_encoding {
        let left =
            headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-encoding"));
        headers = Headers::collect(left);
    }
    let total = if loses_encoding { 0 } else { u64::try_from(size).unwrap_or(0) };
    let total = total.max(bytes.len() as u64);
    bytes.truncate(MAX_BODY);
    let bytes: Bytes = bytes.into_boxed_slice().into();
    (headers, Body { bytes, total })
}

/// HTTP/2 has its first line among the headers; the names there begin with a colon.
fn headers(pairs: &[Pair]) -> Headers {
    let pairs = pairs.iter().filter(|pair| !pair.name.starts_with(':'));
    Headers::collect(pairs.map(|pair| (pair.name.as_str(), pair.value.as_bytes())))
}

fn version(text: &str) -> Version {
    match text.to_ascii_lowercase().as_str() {
        "http/1.0" => Version::HTTP_10,
        "http/2" | "http/2.0" | "h2" => Version::HTTP_2,
        "http/3" | "http/3.0" | "h3" => Version::HTTP_3,
        _ => Version::HTTP_11,
    }
}

fn timing(time: f64, timings: &Timings, edge: Option<f64>) -> Timing {
    let part = |millis: Option<f64>| {
        let millis = millis.filter(|millis| *millis >= 0.0)?;
        Duration::try_from_secs_f64(millis / 1e3).ok()
    };
    let (total, handlers, connect) =
        (part(Some(time)), part(timings.blocked), part(timings.connect));
    let receive = part(timings.receive).unwrap_or_default();
    let to_head = total.map(|total| total.saturating_sub(receive));
    let before = handlers.unwrap_or_default() + connect.unwrap_or_default();
    let first_byte = to_head.map(|to_head| to_head.saturating_sub(before));
    Timing { edge: part(edge), handlers, connect, first_byte, to_head, total }
}

fn failed(failure: &str) -> State {
    use adit_chain::failure::{
        AGENT_GONE, BAD_RESPONSE, CUT, HANDLER_FAILED, REFUSED, RESET, TIMEOUT,
        UPSTREAM_UNREACHABLE,
    };
    let known = [
        AGENT_GONE,
        BAD_RESPONSE,
        CUT,
        HANDLER_FAILED,
        REFUSED,
        RESET,
        TIMEOUT,
        UPSTREAM_UNREACHABLE,
    ];
    State::Failed(known.into_iter().find(|known| *known == failure).unwrap_or(BAD_RESPONSE))
}
