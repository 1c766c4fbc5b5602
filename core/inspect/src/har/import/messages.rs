//! The messages of an exchange in an archive: a field that browsers write too.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::Deserialize;

use crate::model::{Kind, MAX_EXCERPT, MAX_MESSAGES, Message, Party};

#[derive(Deserialize)]
pub(super) struct HarMessage {
    #[serde(rename = "type")]
    from: String,
    /// Seconds since 1970.
    time: f64,
    opcode: u8,
    data: String,
    #[serde(rename = "_size")]
    size: Option<u64>,
    #[serde(rename = "_kind")]
    kind: Option<String>,
    #[serde(rename = "_code")]
    code: Option<u16>,
    #[serde(default, rename = "_compressed")]
    is_compressed: bool,
}

/// Reads what was said, the newest of it; what makes no sense is left out.
pub(super) fn read(said: Vec<HarMessage>, started: SystemTime) -> Vec<Message> {
    let started = started.duration_since(UNIX_EPOCH).unwrap_or_default();
    let first = said.len().saturating_sub(MAX_MESSAGES);
    said.into_iter().skip(first).filter_map(|one| message(one, started)).collect()
}

fn message(har: HarMessage, started: Duration) -> Option<Message> {
    let from = match &*har.from {
        "send" => Party::Visitor,
        "receive" => Party::Upstream,
        _ => return None,
    };
    let kind = match (har.opcode, har.kind.as_deref()) {
        (1, _) => Kind::Text,
        (2, Some("grpc")) => Kind::Grpc,
        (2, Some("invalid")) => Kind::Invalid,
        (2, _) => Kind::Binary,
        (8, _) => Kind::Close { code: har.code },
        (9, _) => Kind::Ping,
        (10, _) => Kind::Pong,
        _ => return None,
    };
    let data = match kind {
        Kind::Text if !har.is_compressed => har.data.into_bytes(),
        _ => BASE64_STANDARD.decode(&har.data).ok()?,
    };
    let at = Duration::try_from_secs_f64(har.time).ok()?.saturating_sub(started);
    let len = har.size.unwrap_or(0).max(data.len() as u64);
    let excerpt = Bytes::copy_from_slice(&data[..data.len().min(MAX_EXCERPT)]);
    Some(Message { seq: 0, from, kind, at, is_compressed: har.is_compressed, len, excerpt })
}
