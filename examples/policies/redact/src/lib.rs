//! Masks card numbers and secret fields in what a service answers, and in lines that it is sent.
//!
//! What cannot be looked at does not pass: a document that is too long, or compressed although
//! nobody asked for that, becomes a 502. A mask that sometimes slips is worse than none.

mod mask;

use adit_policy_sdk::prelude::*;

use mask::Mask;

/// What stands behind the policy's name in a `handlers:` list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Fields of JSON documents whose values nobody is to see, in any case of letters.
    fields: Vec<String>,
    /// Whether digits that are a card number are masked wherever they stand.
    cards: bool,
    /// Longest document that is looked at as a whole, in octets.
    max_body: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { fields: Vec::new(), cards: true, max_body: 1024 * 1024 }
    }
}

/// Longest line of a stream, in octets. It is kept with the exchange, which has room for 16 KiB.
const MAX_LINE: usize = 15 * 1024;

struct Redact {
    mask: Mask,
    max_body: u32,
}

#[policy]
impl Redact {
    fn configure(config: Config) -> Self {
        let Config { fields, cards, max_body } = config;
        Self { mask: Mask::new(&fields, cards), max_body }
    }

    fn on_request(&mut self, _: &Connection, req: &mut Request) {
        // We read text: nobody is to compress it, or to send a part of it.
        req.remove_header("accept-encoding");
        req.remove_header("range");
        if Kind::of(req.header("content-type")) == Kind::Lines && req.has_body() {
            req.watch_body();
        }
    }

    fn on_request_chunk(
        &mut self,
        req: &Request,
        chunk: &[u8],
        last: bool,
    ) -> Result<ChunkVerdict> {
        let verdict = self.lines(req, chunk, last)?;
        if last {
            // The answer may be a stream too: it starts with nothing.
            req.keep_bytes(b"")?;
        }
        Ok(verdict)
    }

    fn on_response(&mut self, _: &Request, resp: &mut Response) -> Result<(), Reply> {
        let kind = Kind::of(resp.header("content-type"));
        if kind == Kind::Other || !resp.has_body() {
            return Ok(());
        }
        let coding = resp.header("content-encoding").unwrap_or_default();
        if !coding.is_empty() && !coding.eq_ignore_ascii_case("identity") {
            return Err(unreadable("it is compressed"));
        }
        match kind {
            Kind::Lines => resp.watch_body(),
            Kind::Whole | Kind::Other => resp.await_body(self.max_body),
        }
        Ok(())
    }

    fn on_response_body(
        &mut self,
        _: &Request,
        _: &mut Response,
        body: Vec<u8>,
        complete: bool,
    ) -> Result<BodyVerdict, Reply> {
        if !complete {
            return Err(unreadable("it is too long"));
        }
        Ok(match self.mask.document(&body) {
            Some(masked) => BodyVerdict::Replace(masked),
            None => BodyVerdict::Next,
        })
    }

    fn on_response_chunk(
        &mut self,
        req: &Request,
        _: &Response,
        chunk: &[u8],
        last: bool,
    ) -> Result<ChunkVerdict> {
        self.lines(req, chunk, last)
    }
}

impl Redact {
    /// Pieces end anywhere; lines are masked when they have come to their end.
    fn lines(&self, req: &Request, chunk: &[u8], last: bool) -> Result<ChunkVerdict> {
        let mut text = req.kept_bytes().unwrap_or_default();
        text.extend_from_slice(chunk);
        let end = match last {
            true => text.len(),
            false => text.iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1),
        };
        let rest = text.split_off(end);
        if rest.len() > MAX_LINE {
            return Ok(ChunkVerdict::abort(format!("a line is longer than {MAX_LINE} octets")));
        }
        req.keep_bytes(&rest)?;
        let lines = text.split_inclusive(|octet| *octet == b'\n');
        Ok(ChunkVerdict::Replace(lines.flat_map(|line| self.mask.line(line)).collect()))
    }
}

fn unreadable(why: &str) -> Reply {
    log::warn!("an answer cannot be masked: {why}");
    Reply::new(502).text("the answer cannot be shown\n")
}

/// How a body is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Documents, at once.
    Whole,
    /// Streams of events or of documents, line by line as they come.
    Lines,
    /// Pictures and the like: not at all.
    Other,
}

impl Kind {
    fn of(content_type: Option<String>) -> Self {
        let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
        let name = content_type.split(';').next().unwrap_or_default().trim();
        match name {
            "text/event-stream" | "application/x-ndjson" | "application/jsonl" => Self::Lines,
            "application/json" => Self::Whole,
            _ if name.ends_with("+json") || name.starts_with("text/") => Self::Whole,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests;
