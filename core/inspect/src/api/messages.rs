//! WebSocket frames and gRPC messages of one exchange.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Serialize;

use super::{
    answer::{self, Answer},
    error::ApiError,
    exchanges,
    limits::{MAX_PAGE, PAGE},
    service::Call,
    time,
};
use crate::model::{Kind, Message, Party};

#[derive(Serialize)]
struct List {
    messages: Vec<Row>,
    more: bool,
    total: u64,
    first: Option<u64>,
}

#[derive(Serialize)]
struct Row {
    n: u64,
    from: &'static str,
    kind: &'static str,
    code: Option<u16>,
    at_ns: u64,
    size: u64,
    truncated: bool,
    compressed: bool,
    text: Option<String>,
    base64: Option<String>,
}

/// Those after a number, oldest first.
pub(super) fn list(call: &Call<'_>, id: &str) -> Answer {
    let query = call.query();
    query.only(&["after", "limit"])?;
    let after = query.parsed::<u64>("after")?.unwrap_or(0);
    let limit = query.parsed::<usize>("limit")?.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(ApiError::malformed(format!("parameter \"limit\": not in 1..={MAX_PAGE}")));
    }
    let entry = exchanges::find(call.service, id)?;
    let Some(messages) = &entry.messages else {
        return answer::json(&List { messages: Vec::new(), more: false, total: 0, first: None });
    };
    let first = messages.after(0, 1).first().map(|message| message.seq);
    let mut found = messages.after(after, limit + 1);
    let more = found.len() > limit;
    found.truncate(limit);
    let messages_shown = found.iter().map(Row::from).collect();
    answer::json(&List { messages: messages_shown, more, total: messages.total(), first })
}

impl From<&Message> for Row {
    fn from(message: &Message) -> Self {
        let (kind, code) = match message.kind {
            Kind::Binary => ("binary", None),
            Kind::Close { code } => ("close", code),
            Kind::Grpc => ("grpc", None),
            Kind::Invalid => ("invalid", None),
            Kind::Ping => ("ping", None),
            Kind::Pong => ("pong", None),
            Kind::Text => ("text", None),
        };
        let is_truncated = (message.excerpt.len() as u64) < message.len;
        let text = match message.kind {
            Kind::Text if !message.is_compressed => Some(text(&message.excerpt)),
            _ => None,
        };
        let base64 = text.is_none().then(|| BASE64_STANDARD.encode(&message.excerpt));
        Self {
            n: message.seq,
            from: match message.from {
                Party::Upstream => "server",
                Party::Visitor => "client",
            },
            kind,
            code,
            at_ns: time::nanos(message.at),
            size: message.len,
            truncated: is_truncated,
            compressed: message.is_compressed,
            text,
            base64,
        }
    }
}

/// Text; a character that was cut at the end of the excerpt is left out.
fn text(excerpt: &[u8]) -> String {
    match std::str::from_utf8(excerpt) {
        Ok(text) => text.to_owned(),
        Err(error) if error.error_len().is_none() => {
            let whole = excerpt.get(..error.valid_up_to()).unwrap_or_default();
            String::from_utf8_lossy(whole).into_owned()
        }
        Err(_) => String::from_utf8_lossy(excerpt).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_was_cut_is_left_out_and_what_is_no_text_is_marked() {
        assert_eq!(text("aä".as_bytes()), "aä");
        assert_eq!(text(&"aä".as_bytes()[..2]), "a");
        assert_eq!(text(b"a\xffb"), "a\u{fffd}b");
    }
}
