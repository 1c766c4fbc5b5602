//! Log records that a test wants to see.

use std::{fmt, sync::Arc};

use parking_lot::Mutex;

use crate::bindings::adit::policy::log::Level as Asked;

/// Records that are kept until somebody takes them; more are forgotten.
const MAX_KEPT: usize = 10_000;

/// How much a log record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Each step.
    Trace,
    /// For the author.
    Debug,
    /// Worth knowing.
    Info,
    /// Something may be wrong.
    Warn,
    /// Something is wrong.
    Error,
}

impl From<Asked> for Level {
    fn from(level: Asked) -> Self {
        match level {
            Asked::Trace => Self::Trace,
            Asked::Debug => Self::Debug,
            Asked::Info => Self::Info,
            Asked::Warn => Self::Warn,
            Asked::Error => Self::Error,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// What a policy logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// How much it matters.
    pub level: Level,
    /// What it says.
    pub message: String,
    /// What belongs to it, by name.
    pub extra: Vec<(String, String)>,
}

/// Keeps what policies log, at every level. Clones share what they keep.
#[derive(Clone, Debug, Default)]
pub struct LogCapture(Arc<Mutex<Vec<LogRecord>>>);

impl LogCapture {
    /// What was logged since this was last asked, in order.
    pub fn take(&self) -> Vec<LogRecord> {
        std::mem::take(&mut self.0.lock())
    }

    pub(super) fn push(&self, record: LogRecord) {
        let mut records = self.0.lock();
        if records.len() < MAX_KEPT {
            records.push(record);
        }
    }
}
