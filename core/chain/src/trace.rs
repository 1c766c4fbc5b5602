//! What each link decided, kept only when someone watches.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use http::Response;
use parking_lot::Mutex;

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

/// The way of an exchange on which a link did its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the upstream.
    Request,
    /// Back to the visitor.
    Response,
}

/// One link's part in one exchange.
#[derive(Clone, Debug)]
pub struct TraceEntry {
    /// Name of the link.
    pub link: Arc<str>,
    /// On which way.
    pub way: Way,
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

    pub(crate) fn record(&mut self, link: &Arc<str>, way: Way, verdict: Verdict, took: Duration) {
        if let Some(Recording { entries, note }) = &mut self.0 {
            let note = std::mem::take(note);
            entries.push(TraceEntry { link: Arc::clone(link), way, verdict, took, note });
        }
    }
}

/// Where the response side of a handler notes things: it has no exchange at hand. It travels with
/// the response, and is there only while somebody watches.
#[derive(Clone, Debug, Default)]
pub struct Notes(Option<Arc<Mutex<String>>>);

impl Notes {
    /// Notes of whoever is shown this response.
    pub fn of<B>(response: &Response<B>) -> Self {
        response.extensions().get().cloned().unwrap_or_default()
    }

    /// Whether anybody watches.
    pub const fn are_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Adds a line to the entry of the handler, if anybody watches.
    pub fn note(&self, text: impl std::fmt::Display) {
        if let Some(notes) = &self.0 {
            let mut notes = notes.lock();
            if !notes.is_empty() {
                notes.push('\n');
            }
            let _ = write!(notes, "{text}");
        }
    }

    /// Attaches empty notes to a response, if anybody watches.
    pub(crate) fn attach<B>(trace: &Trace, response: &mut Response<B>) -> Self {
        let notes = Self(trace.is_recording().then(Arc::default));
        if notes.are_wanted() {
            response.extensions_mut().insert(notes.clone());
        }
        notes
    }

    /// Takes what was noted over into the entry that is recorded next.
    pub(crate) fn move_to(self, trace: &mut Trace) {
        if let Some(notes) = self.0
            && !notes.lock().is_empty()
        {
            trace.note(&*notes.lock());
        }
    }
}
