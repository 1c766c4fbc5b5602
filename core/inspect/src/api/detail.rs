//! All that there is to see of one exchange.

use std::sync::Arc;

use adit_chain::Origin;
use serde::Serialize;

use super::{
    answer::{self, Answer},
    exchanges,
    row::Row,
    service::Call,
    time,
};
use crate::{
    model::{Body, Decision, Entry, Headers, Side, Timing},
    secrets,
    view::{self, ContentKind, Field, View, raw},
};

#[derive(Serialize)]
struct Detail {
    #[serde(flatten)]
    row: Row,
    request: Message,
    response: Option<Message>,
    timing: Times,
}

/// One half of an exchange.
#[derive(Serialize)]
struct Message {
    start_line: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'static str>,
    headers: Vec<Header>,
    trailers: Vec<Header>,
    size: u64,
    kept: usize,
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<Vec<Pair>>,
    body: Seen,
}

#[derive(Serialize)]
struct Header {
    name: String,
    value: String,
    sensitive: bool,
}

#[derive(Serialize)]
struct Pair {
    name: String,
    value: String,
}

/// What a body says.
#[derive(Serialize)]
struct Seen {
    kind: &'static str,
    media_type: Option<String>,
    encodings: Vec<String>,
    decoded_size: usize,
    decoded_truncated: bool,
    decode_error: Option<String>,
    text: Option<String>,
    text_truncated: bool,
    pretty: bool,
    error: Option<Mistake>,
    fields: Vec<Part>,
    image: Option<&'static str>,
}

/// Where a body is not what it says to be.
#[derive(Serialize)]
struct Mistake {
    message: String,
    line: usize,
    column: usize,
    offset: usize,
}

#[derive(Serialize)]
struct Part {
    name: String,
    value: Option<String>,
    file_name: Option<String>,
    content_type: Option<String>,
    size: usize,
}

#[derive(Serialize)]
struct Times {
    edge_ns: Option<u64>,
    handlers_ns: Option<u64>,
    connect_ns: Option<u64>,
    first_byte_ns: Option<u64>,
    to_head_ns: Option<u64>,
    total_ns: Option<u64>,
    decisions: Vec<Decided>,
}

#[derive(Serialize)]
struct Decided {
    link: Arc<str>,
    side: &'static str,
    verdict: &'static str,
    note: Arc<str>,
    duration_ns: u64,
}

/// One exchange.
pub(super) async fn show(call: &Call<'_>, id: &str) -> Answer {
    let entry = exchanges::find(call.service, id)?;
    call.service.heavy(move || answer::json(&Detail::from(&*entry))).await?
}

impl From<&Entry> for Detail {
    fn from(entry: &Entry) -> Self {
        let request = &entry.request;
        let proto = raw::proto(request.version);
        let line = format!("{} {} {proto}", request.method, request.target);
        let mut sent = Message::of(line, &request.headers, &request.body, &request.trailers);
        let fields = view::urlencoded(request.query().unwrap_or_default().as_bytes());
        let value =
            |field: Field| Pair { name: field.name, value: field.value.unwrap_or_default() };
        sent.query = Some(fields.into_iter().map(value).collect());
        let response = entry.response.as_ref().map(|response| {
            let status = raw::status_line(response.status);
            let line = format!("{} {status}", raw::proto(response.version));
            let (headers, body) = (&response.headers, &response.body);
            let origin = match response.origin {
                Origin::Agent => "agent",
                Origin::Handler => "handler",
                Origin::Upstream => "upstream",
            };
            let message = Message::of(line, headers, body, &response.trailers);
            Message { origin: Some(origin), ..message }
        });
        let timing = Times::of(&entry.timing, &entry.decisions);
        Self { row: Row::from(entry), request: sent, response, timing }
    }
}

impl Message {
    fn of(start_line: String, headers: &Headers, body: &Body, trailers: &Option<Headers>) -> Self {
        Self {
            start_line,
            origin: None,
            headers: Header::all(headers),
            trailers: trailers.as_ref().map(Header::all).unwrap_or_default(),
            size: body.total,
            kept: body.bytes.len(),
            truncated: body.is_truncated(),
            query: None,
            body: view::look(headers, body).into(),
        }
    }
}

impl Header {
    fn all(headers: &Headers) -> Vec<Self> {
        let header = |(name, value): (&str, &[u8])| Self {
            name: name.to_owned(),
            value: String::from_utf8_lossy(value).into_owned(),
            sensitive: secrets::is_sensitive(name),
        };
        headers.iter().map(header).collect()
    }
}

impl From<View> for Seen {
    fn from(view: View) -> Self {
        let (text, is_cut, is_pretty) = match view.text {
            Some(text) => (Some(text.text), text.is_cut, text.is_pretty),
            None => (None, false, false),
        };
        let part = |field: Field| Part {
            name: field.name,
            value: field.value,
            file_name: field.file_name,
            content_type: field.content_type,
            size: field.len,
        };
        Self {
            kind: kind(view.kind),
            media_type: view.media_type,
            encodings: view.decoded.encodings,
            decoded_size: view.decoded.bytes.len(),
            decoded_truncated: view.decoded.is_cut,
            decode_error: view.decoded.error,
            text,
            text_truncated: is_cut,
            pretty: is_pretty,
            error: view.error.map(|error| Mistake {
                message: error.message,
                line: error.line,
                column: error.column,
                offset: error.offset,
            }),
            fields: view.fields.into_iter().map(part).collect(),
            image: view.image,
        }
    }
}

/// The word for a kind of content.
const fn kind(kind: ContentKind) -> &'static str {
    match kind {
        ContentKind::Binary => "binary",
        ContentKind::Empty => "empty",
        ContentKind::Form => "form",
        ContentKind::Grpc => "grpc",
        ContentKind::Html => "html",
        ContentKind::Image => "image",
        ContentKind::Json => "json",
        ContentKind::Multipart => "multipart",
        ContentKind::Text => "text",
        ContentKind::Xml => "xml",
    }
}

impl Times {
    fn of(timing: &Timing, decisions: &[Decision]) -> Self {
        let decided = |decision: &Decision| Decided {
            link: Arc::clone(&decision.link),
            side: match decision.side {
                Side::Request => "request",
                Side::Response => "response",
            },
            verdict: decision.word(),
            note: Arc::clone(&decision.note),
            duration_ns: time::nanos(decision.took),
        };
        Self {
            edge_ns: timing.edge.map(time::nanos),
            handlers_ns: timing.handlers.map(time::nanos),
            connect_ns: timing.connect.map(time::nanos),
            first_byte_ns: timing.first_byte.map(time::nanos),
            to_head_ns: timing.to_head.map(time::nanos),
            total_ns: timing.total.map(time::nanos),
            decisions: decisions.iter().map(decided).collect(),
        }
    }
}
