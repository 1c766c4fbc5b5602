//! An exchange on one line.

use std::time::Duration;

use adit_chain::failure;
use anyhow::{Context, Result};
use http::StatusCode;
use jiff::{Timestamp, Zoned, tz::TimeZone};
use serde::Deserialize;
use serde_json::Value;

use super::paint::Paint;
use crate::{console, printable};

/// What a line needs of an exchange.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) endpoint: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) status: Option<u16>,
    start: String,
    pub(super) duration_ns: Option<u64>,
    pub(super) response_size: u64,
    pub(super) state: String,
    pub(super) error: Option<String>,
    pub(super) decided_by: Option<String>,
}

impl Row {
    /// The row of what the agent tells of an exchange.
    pub(super) fn parse(told: &Value) -> Result<Self> {
        Self::deserialize(told).context("what the agent tells of an exchange")
    }

    /// When it began, on a clock of the zone.
    pub(super) fn start(&self, zone: &TimeZone) -> Zoned {
        self.start.parse::<Timestamp>().unwrap_or_default().to_zoned(zone.clone())
    }

    /// Whether nothing more will be told of it.
    pub(super) fn is_over(&self) -> bool {
        self.state != "open"
    }

    /// The status in words; what became of it, if there is none.
    pub(super) fn outcome(&self) -> String {
        let reason = |status| {
            let status = StatusCode::from_u16(status).ok();
            status.and_then(|status| status.canonical_reason()).unwrap_or_default()
        };
        match (self.status, &self.error) {
            // It says by itself that it is a refusal.
            (Some(status), Some(error)) if error == failure::REFUSED => {
                format!("{status} {}", reason(status)).trim_end().to_owned()
            }
            (Some(status), None) => format!("{status} {}", reason(status)).trim_end().to_owned(),
            (Some(status), Some(error)) => format!("{status} {error}"),
            (None, Some(error)) => error.clone(),
            (None, None) => "open".to_owned(),
        }
    }

    /// How long it took.
    pub(super) fn took(&self) -> String {
        let took = self.duration_ns.map(Duration::from_nanos);
        took.map_or_else(|| "-".to_owned(), console::duration)
    }

    /// The line.
    pub(super) fn line(&self, zone: &TimeZone, paint: Paint) -> String {
        let time = self.start(zone).strftime("%H:%M:%S.%3f").to_string();
        let outcome = printable::line(&self.outcome()).into_owned();
        let status = paint.status(self.status, &format!("{outcome:<16}"));
        let decided = match &self.decided_by {
            Some(by) => paint.dim(&format!("  by {}", printable::line(by))),
            None => String::new(),
        };
        format!(
            "{}  {}  {:<7} {status} {:>7} {:>8}  {}{decided}",
            printable::line(&self.id),
            paint.dim(&time),
            printable::line(&self.method),
            self.took(),
            size(self.response_size),
            printable::line(&self.path),
        )
    }
}

/// A number of bytes as people say it.
pub(super) fn size(n_bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "two digits are shown")]
    let of = |unit: f64| n_bytes as f64 / unit;
    match n_bytes {
        0..1_000 => format!("{n_bytes}B"),
        1_000..1_000_000 => format!("{:.1}kB", of(1e3)),
        1_000_000..1_000_000_000 => format!("{:.1}MB", of(1e6)),
        _ => format!("{:.1}GB", of(1e9)),
    }
}
