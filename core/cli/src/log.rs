//! The log: one record a line, in the three formats that scripts and people read.
//!
//! ```text
//! t=2026-09-10T05:55:46+0100 lvl=info msg="client session established" obj=tunnels.session
//! ```
//!
//! Records are written by a thread of their own behind a bounded queue that drops when it is full,
//! so that a pipe which nobody reads never stalls traffic.

mod format;
mod reader;

use std::{fs::OpenOptions, io, os::unix::fs::OpenOptionsExt};

use adit_config::{
    config::{Log, LogTarget},
    file::{LogFormat, LogLevel},
};
use anyhow::{Context, Result};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    layer::{Context as LayerContext, Layer, SubscriberExt},
    util::SubscriberInitExt,
};

use self::format::{Line, Record};
pub(crate) use self::reader::Reader;
use crate::console;

/// Records that wait for the writer; at a few hundred bytes each, a reader may pause for a second
/// under load before the first is lost.
const QUEUED_RECORDS: usize = 4096;

/// What a log is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Nobody asked for one: it tells a person what needs attention, beside the error block that
    /// ends a command. What the block says, it does not.
    Attention,
    /// The whole story, for whoever asked for it.
    Record,
}

/// Keeps the writer alive; dropping it writes what is queued, for at most a second.
#[derive(Debug, Default)]
pub struct LogGuard {
    writer: Option<WorkerGuard>,
    reader: Option<Reader>,
}

impl LogGuard {
    /// Writes what is queued; who reads it, if a program does.
    pub(crate) fn end(self) -> Option<Reader> {
        drop(self.writer);
        self.reader
    }
}

/// Starts the log for the rest of the process.
///
/// # Errors
/// The file cannot be opened, or a log was started before.
pub fn start(settings: &Log, purpose: Purpose) -> Result<LogGuard> {
    let Some((layer, guard)) = layer(settings, purpose)? else { return Ok(LogGuard::default()) };
    tracing_subscriber::registry().with(layer).try_init().context("the log was started twice")?;
    Ok(guard)
}

/// What formats records and what writes them; `None` where they go nowhere.
fn layer(settings: &Log, purpose: Purpose) -> Result<Option<(RecordLayer, LogGuard)>> {
    use std::io::IsTerminal;
    type Sink = (Box<dyn io::Write + Send>, bool, Option<Reader>);
    let (sink, colour, reader): Sink = match &settings.target {
        LogTarget::Off => return Ok(None),
        LogTarget::Stdout => {
            let out = io::stdout();
            let (colour, reader) = (out.is_terminal(), Reader::of(&out));
            (Box::new(out), colour, reader)
        }
        LogTarget::Stderr => {
            let out = io::stderr();
            let (colour, reader) = (out.is_terminal(), Reader::of(&out));
            (Box::new(out), colour, reader)
        }
        LogTarget::File(path) => {
            let file = OpenOptions::new().append(true).create(true).mode(0o644).open(&path.value);
            let file = file.with_context(|| {
                format!("{}: cannot open the log file {}", path.place, path.value.display())
            })?;
            (Box::new(file), false, None)
        }
    };
    let builder = NonBlockingBuilder::default().buffered_lines_limit(QUEUED_RECORDS).lossy(true);
    let (writer, guard) = builder.thread_name("log").finish(sink);
    let line = match settings.format {
        LogFormat::Json => Line::Json,
        LogFormat::Term if colour && !is_plain() => Line::Colour,
        LogFormat::Logfmt | LogFormat::Term => Line::Logfmt,
    };
    let layer = RecordLayer { writer, line, level: settings.level, purpose };
    Ok(Some((layer, LogGuard { writer: Some(guard), reader })))
}

/// Whether nobody wants colours. Fact: so says any text in `NO_COLOR` (no-color.org).
pub(crate) fn is_plain() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|text| !text.is_empty())
}

/// Formats the events of our own crates and hands them to the writer.
struct RecordLayer {
    writer: NonBlocking,
    line: Line,
    level: LogLevel,
    purpose: Purpose,
}

impl RecordLayer {
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let least = match self.level {
            LogLevel::Debug => Level::DEBUG,
            LogLevel::Info => Level::INFO,
            LogLevel::Warn => Level::WARN,
            LogLevel::Error => Level::ERROR,
            LogLevel::Crit => return metadata.target() == CRIT,
        };
        let target = metadata.target();
        let is_ours = target.starts_with("adit") || target == POLICY;
        is_ours && *metadata.level() <= least
    }
}

/// Target of what policies write themselves.
const POLICY: &str = "policy";

/// Target of the records that precede the end of the process, which `tracing` has no level for.
pub(crate) const CRIT: &str = "adit::crit";

impl<S: Subscriber> Layer<S> for RecordLayer {
    fn enabled(&self, metadata: &Metadata<'_>, _: LayerContext<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        use io::{IsTerminal, Write};
        let mut record = Record::new(event.metadata());
        event.record(&mut record);
        if self.purpose == Purpose::Attention && record.is_told_anyway() {
            return;
        }
        // Nothing may be written across the console; it says so itself.
        if self.purpose == Purpose::Attention
            && io::stderr().is_terminal()
            && console::notice(record.remark())
        {
            return;
        }
        // The queue drops when it is full; there is nobody to tell.
        let _ = self.writer.clone().write_all(record.line(self.line).as_bytes());
    }
}

#[cfg(test)]
mod tests;
