//! What each link decided, kept only when someone watches.

use std::{fmt::Write as _, sync::Arc, time::Duration};

/// What a link decided, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Turned the visitor away.
    Abort,
    /// Took the connection out of HTTP.
    Detach,
    /// The handler broke; the link's `on_error` decided.
    Failed,
    /// Let the request through.
    Next,
    /// Let the request through and will look at the response.
    NextThen,
    /// Sent the request to another route.
    Reroute,
    /// Answered by itself.
    Respond,
}

/// One link's part in one exchange.
#[derive(Clone, Debug)]
pub struct TraceEntry {
    /// Name of the link.
    pub link: Arc<str>,
    /// What it decided.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
    /// What the handler had to say about it, in lines; empty for most.
    pub note: String,
}

/// The record of an exchange's way through its chain. Off by default, and then it costs a branch.
#[derive(Clone, Debug, Default)]
pub struct Trace(Option<Recording>);

#[derive(Clone, Debug)]
struct Recording {
    entries: Vec<TraceEntry>,
    /// For the entry of the link that is running.
    note: String,
}

impl Trace {
    /// A trace that records.
    pub const fn recording() -> Self {
        Self(Some(Recording { entries: Vec::new(), note: String::new() }))
    }

    /// Whether anybody watches.
    pub const fn is_recording(&self) -> bool {
        self.0.is_some()
    }

    /// What was recorded, in order.
    pub fn entries(&self) -> &[TraceEntry] {
        self.0.as_ref().map_or(&[], |recording| &recording.entries)
    }

    /// Adds a line to the entry of the link that is running, if anybody watches.
    pub fn note(&mut self, text: impl std::fmt::Display) {
        if let Some(Recording { note, .. }) = &mut self.0 {
            if !note.is_empty() {
                note.push('\n');
            }
            let _ = write!(note, "{text}");
        }
    }

    pub(crate) fn record(&mut self, link: &Arc<str>, verdict: Verdict, took: Duration) {
        if let Some(Recording { entries, note }) = &mut self.0 {
            let note = std::mem::take(note);
            entries.push(TraceEntry { link: Arc::clone(link), verdict, took, note });
        }
    }
}
