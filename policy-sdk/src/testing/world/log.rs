//! Log records, kept for the test.

use adit_policy_rules::{limits, observe, rate};

use super::ask;
use crate::bindings::imports::adit::policy::log::Level;

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

/// What was logged, and how much more may be.
#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) level: Level,
    pub(crate) records: Vec<LogRecord>,
    pub(crate) quota: rate::Bucket,
}

pub(crate) fn enabled(at: Level) -> bool {
    ask(|world| at >= world.log.level)
}

pub(crate) fn write(at: Level, message: &str, extra: &[(String, String)]) {
    ask(|world| {
        let quota = rate::Quota { burst: limits::LOG_PER_SECOND, per_ms: 1_000 };
        let now = world.monotonic_ns;
        if at < world.log.level || !world.log.quota.take(now, quota, 1).allowed {
            return;
        }
        let kept = observe::record(message, extra);
        let (message, extra) = (kept.message.to_owned(), kept.extra.to_vec());
        world.log.records.push(LogRecord { level: at, message, extra });
    });
}
