//! `adit inspect show`.

mod side;

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use self::side::Side;
use super::{
    args::ShowArgs,
    client::{Api, exchange, with_query},
    paint::{self, Paint},
    row::Row,
};
use crate::{console, printable};

/// Messages of an exchange that are shown.
///
/// Reason: it is the most that the agent gives at once; `--json` of the API has the others.
const MAX_MESSAGES: usize = 1000;

/// What stands for a secret.
const MASK: &str = "***";

#[derive(Deserialize)]
struct Shown {
    request: Side,
    response: Option<Side>,
    timing: Timing,
    remote_addr: Option<String>,
    n_messages: u64,
}

#[derive(Deserialize)]
struct Timing {
    edge_ns: Option<u64>,
    handlers_ns: Option<u64>,
    connect_ns: Option<u64>,
    first_byte_ns: Option<u64>,
    to_head_ns: Option<u64>,
    total_ns: Option<u64>,
    decisions: Vec<Decision>,
}

#[derive(Deserialize)]
struct Decision {
    link: String,
    side: String,
    verdict: String,
    note: String,
    duration_ns: u64,
}

#[derive(Deserialize)]
struct Messages {
    messages: Vec<Message>,
    total: u64,
}

#[derive(Deserialize)]
struct Message {
    from: String,
    kind: String,
    size: u64,
    text: Option<String>,
}

/// The halves of an exchange that are asked for.
#[derive(Clone, Copy)]
struct Halves {
    request: bool,
    response: bool,
}

pub(super) async fn run(api: &Api, args: &ShowArgs) -> Result<()> {
    let path = exchange(api, &args.id).await?;
    let mut told: Value = api.get(&path).await?;
    if !args.include_secrets {
        mask(&mut told);
    }
    let halves = Halves { request: !args.response, response: !args.request };
    if args.json {
        return json(told, halves);
    }
    let row = Row::parse(&told)?;
    let shown = Shown::deserialize(&told).context("what the agent tells of an exchange")?;
    if args.raw {
        return raw(api, &path, &shown, halves).await;
    }
    let paint = Paint::here();
    if halves.request && halves.response {
        summary(&row, &shown, paint)?;
    }
    if halves.request {
        side::print(&shown.request, paint)?;
    }
    if halves.response {
        match &shown.response {
            Some(response) => side::print(response, paint)?,
            None => paint::line(paint.red(&printable::line(&row.outcome())))?,
        }
        messages(api, &path, shown.n_messages, paint).await?;
    }
    Ok(())
}

/// Hides what the agent says is secret.
fn mask(told: &mut Value) {
    for (side, kind) in
        ["request", "response"].into_iter().flat_map(|side| [(side, "headers"), (side, "trailers")])
    {
        for header in told[side][kind].as_array_mut().into_iter().flatten() {
            if header["sensitive"] == true {
                header["value"] = MASK.into();
            }
        }
    }
}

fn json(mut told: Value, halves: Halves) -> Result<()> {
    match halves {
        Halves { response: false, .. } => told = told["request"].take(),
        Halves { request: false, .. } => told = told["response"].take(),
        _ => {}
    }
    paint::line(printable::json(&told))
}

/// As it was transferred, as far as it was kept; on a terminal, harmless.
async fn raw(api: &Api, path: &str, shown: &Shown, halves: Halves) -> Result<()> {
    let request = halves.request.then_some(("request", &shown.request));
    let response = shown.response.as_ref().filter(|_| halves.response).map(|r| ("response", r));
    for (name, side) in request.into_iter().chain(response) {
        let mut whole = side.head().into_bytes();
        let body = match side.kept {
            0 => Bytes::new(),
            _ => api.bytes(&format!("{path}/{name}/body")).await?,
        };
        whole.extend_from_slice(&body);
        if paint::is_terminal() {
            let text = String::from_utf8_lossy(&whole).replace("\r\n", "\n");
            paint::line(printable::lines(&text))?;
        } else {
            paint::bytes(&whole)?;
        }
    }
    Ok(())
}

fn summary(row: &Row, shown: &Shown, paint: Paint) -> Result<()> {
    let time = row.start(&TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S.%3f %Z").to_string();
    let from = shown.remote_addr.as_deref().unwrap_or("nobody");
    paint::line(format_args!(
        "{}  {time}  from {}  at {}",
        printable::line(&row.id),
        printable::line(from),
        printable::line(&row.endpoint),
    ))?;
    let timing = &shown.timing;
    let took = |ns: Option<u64>| ns.map(|ns| console::duration(Duration::from_nanos(ns)));
    let body =
        timing.total_ns.zip(timing.to_head_ns).map(|(total, head)| total.saturating_sub(head));
    let parts = [
        ("total", timing.total_ns),
        ("edge", timing.edge_ns),
        ("handlers", timing.handlers_ns),
        ("connect", timing.connect_ns),
        ("first byte", timing.first_byte_ns),
        ("body", body),
    ];
    let parts: Vec<_> =
        parts.into_iter().filter_map(|(name, ns)| Some(format!("{name} {}", took(ns)?))).collect();
    if !parts.is_empty() {
        paint::line(paint.dim(&parts.join(", ")))?;
    }
    for decision in &timing.decisions {
        let Decision { link, side, verdict, note, duration_ns } = decision;
        let took = console::duration(Duration::from_nanos(*duration_ns));
        let note = printable::line(&note.replace('\n', "; ")).into_owned();
        let text = format!(
            "{:<20} {:<9} {:<10} {took:>7}  {note}",
            printable::line(link),
            printable::line(side),
            printable::line(verdict),
        );
        paint::line(text.trim_end())?;
    }
    paint::line("")
}

async fn messages(api: &Api, path: &str, n_messages: u64, paint: Paint) -> Result<()> {
    if n_messages == 0 {
        return Ok(());
    }
    let query = [("limit", MAX_MESSAGES.to_string())];
    let told: Messages = api.get(&with_query(&format!("{path}/messages"), &query)).await?;
    for Message { from, kind, size, text } in &told.messages {
        let text = text.as_deref().unwrap_or_default();
        let head = format!("{:<7} {kind:<7} {size:>7}B", printable::line(from));
        let text = format!("{}  {}", paint.dim(&head), printable::line(text));
        paint::line(text.trim_end())?;
    }
    let missing = told.total.saturating_sub(told.messages.len() as u64);
    if missing > 0 {
        paint::line(paint.dim(&format!("and {missing} more messages")))?;
    }
    Ok(())
}
