//! `adit inspect tail`.

use std::collections::VecDeque;

use anyhow::{Context, Result, bail};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{
    args::TailArgs,
    client::Api,
    paint::{self, Paint},
    row::Row,
};
use crate::{output, printable, signals::Signals};

/// Longest event.
///
/// Reason: a row is a head's first line and some numbers; the list of endpoints may be long.
const MAX_EVENT: usize = 8 * 1024 * 1024;

/// Exchanges that were printed and may be told once more.
///
/// Reason: they end in another order than they began, and each is told a few times.
const REMEMBERED: usize = 4096;

pub(super) async fn run(api: &Api, args: &TailArgs) -> Result<()> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    tokio::select! {
        biased;
        _ = signals.next() => Ok(()),
        done = follow(api, args) => done,
    }
}

async fn follow(api: &Api, args: &TailArgs) -> Result<()> {
    let (zone, paint) = (TimeZone::system(), Paint::here());
    let mut events = Events { body: api.stream("/api/events").await?, read: Vec::new() };
    let mut printed: VecDeque<String> = VecDeque::new();
    while let Some(Event { kind, data }) = events.next().await? {
        match kind.as_str() {
            "exchange" => {
                let told = serde_json::from_str(&data).context("an event of the agent")?;
                let row = Row::parse(&told)?;
                // One that was switched to another protocol may go on for hours.
                let is_told = row.is_over() || row.status == Some(101);
                if !is_told || !matches(args, &row) || printed.contains(&row.id) {
                    continue;
                }
                if args.json {
                    paint::line(printable::json(&told))?;
                } else {
                    paint::line(row.line(&zone, paint))?;
                }
                printed.push_back(row.id);
                printed.drain(..printed.len().saturating_sub(REMEMBERED));
            }
            "lost" => {
                #[derive(Deserialize)]
                struct Lost {
                    n: u64,
                }
                let lost: Lost = serde_json::from_str(&data).context("an event of the agent")?;
                output::error(&format!("{} changes came too fast and are missing here", lost.n));
            }
            _ => {}
        }
    }
    Ok(())
}

fn matches(args: &TailArgs, row: &Row) -> bool {
    let has = |part: &String| row.path.to_lowercase().contains(&part.to_lowercase());
    args.endpoint.as_ref().is_none_or(|endpoint| row.endpoint == *endpoint)
        && args.path.as_ref().is_none_or(has)
        && args.method.as_ref().is_none_or(|method| row.method.eq_ignore_ascii_case(method))
        && args.status.is_none_or(|wanted| {
            row.status.is_some_and(|status| (wanted.from..=wanted.to).contains(&status))
        })
}

/// Server-sent events.
struct Events {
    body: Incoming,
    read: Vec<u8>,
}

struct Event {
    kind: String,
    data: String,
}

impl Events {
    /// The next one; `None` when the agent has ended.
    async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(end) = self.read.windows(2).position(|end| end == b"\n\n") {
                let text: Vec<u8> = self.read.drain(..end + 2).collect();
                let event = Event::parse(&String::from_utf8_lossy(&text));
                if !event.kind.is_empty() {
                    return Ok(Some(event));
                }
                continue;
            }
            if self.read.len() > MAX_EVENT {
                bail!("an event of the agent is too long");
            }
            match self.body.frame().await {
                None => return Ok(None),
                // The agent has ended in the middle of its answer, as it does.
                Some(Err(_)) => return Ok(None),
                Some(Ok(frame)) => self.read.extend(frame.into_data().unwrap_or_default()),
            }
        }
    }
}

impl Event {
    fn parse(text: &str) -> Self {
        let (mut kind, mut data) = (String::new(), String::new());
        for line in text.lines() {
            if let Some(value) = line.strip_prefix("event:") {
                value.trim_start().clone_into(&mut kind);
            } else if let Some(value) = line.strip_prefix("data:") {
                if !data.is_empty() {
                    data.push('\n');
                }
                data.push_str(value.strip_prefix(' ').unwrap_or(value));
            }
        }
        Self { kind, data }
    }
}
