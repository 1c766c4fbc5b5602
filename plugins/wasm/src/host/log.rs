//! `log`: a policy's records, in the agent's log or in a test's hands.

mod capture;
#[cfg(test)]
mod emitted;

use std::fmt;

use adit_policy_rules::{limits, observe, rate};
use parking_lot::Mutex;
use tracing::Level as Severity;

pub use self::capture::{Level, LogCapture, LogRecord};
use super::State;
use crate::bindings::adit::policy::log::{Host, Level as Asked};

/// Records of one policy: so many a second, and what was dropped is told with the next.
#[derive(Debug, Default)]
pub(super) struct Quota(Mutex<(rate::Bucket, u64)>);

impl Quota {
    /// Whether one more record may be written, and how many were dropped since the last one.
    fn admit(&self, now: u64) -> Option<u64> {
        let quota = rate::Quota { burst: limits::LOG_PER_SECOND, per_ms: 1_000 };
        let (bucket, dropped) = &mut *self.0.lock();
        if bucket.take(now, quota, 1).allowed {
            Some(std::mem::take(dropped))
        } else {
            *dropped += 1;
            None
        }
    }
}

impl Host for State {
    fn enabled(&mut self, at: Asked) -> bool {
        self.policy.services().capture().is_some() || is_enabled(at.into())
    }

    fn write(&mut self, at: Asked, message: String, extra: Vec<(String, String)>) {
        let level = Level::from(at);
        let services = self.policy.services();
        let capture = services.capture();
        if capture.is_none() && !is_enabled(level) {
            return;
        }
        let Some(dropped) = self.policy.log.admit(services.clock().monotonic()) else {
            self.policy.metrics().dropped_log();
            return;
        };
        let record = observe::record(&message, &extra);
        let exchange = self.current.request.as_ref().map(|request| request.id);
        let conn = self.current.conn.as_ref().map(|conn| conn.conn());
        let endpoint = conn.map(|conn| conn.endpoint.name.as_str());
        if let Some(capture) = capture {
            let pairs = record.extra.to_vec();
            capture.push(LogRecord { level, message: record.message.to_owned(), extra: pairs });
        }
        let message = services.redact(record.message);
        let pairs = Pairs { pairs: record.extra, dropped }.to_string();
        emit(level, self.policy.name(), endpoint, exchange, &message, &services.redact(&pairs));
    }
}

fn is_enabled(level: Level) -> bool {
    match level {
        Level::Trace => tracing::enabled!(target: "policy", Severity::TRACE),
        Level::Debug => tracing::enabled!(target: "policy", Severity::DEBUG),
        Level::Info => tracing::enabled!(target: "policy", Severity::INFO),
        Level::Warn => tracing::enabled!(target: "policy", Severity::WARN),
        Level::Error => tracing::enabled!(target: "policy", Severity::ERROR),
    }
}

fn emit(
    level: Level,
    policy: &str,
    endpoint: Option<&str>,
    exchange: Option<u64>,
    message: &str,
    extra: &str,
) {
    let exchange = exchange.map(|id| format!("{id:016x}"));
    let exchange = exchange.as_deref();
    let extra = (!extra.is_empty()).then_some(extra);
    macro_rules! event {
        ($severity:expr) => {
            tracing::event!(
                target: "policy", $severity, policy, endpoint, exchange, extra, "{message}"
            )
        };
    }
    match level {
        Level::Trace => event!(Severity::TRACE),
        Level::Debug => event!(Severity::DEBUG),
        Level::Info => event!(Severity::INFO),
        Level::Warn => event!(Severity::WARN),
        Level::Error => event!(Severity::ERROR),
    }
}

/// The extra pairs in one line: `name=value other="a b"`.
struct Pairs<'a> {
    pairs: &'a [(String, String)],
    dropped: u64,
}

impl fmt::Display for Pairs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for (name, value) in self.pairs {
            let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '"' && c != '=';
            let name: String = name.chars().filter(|c| is_plain(*c)).collect();
            if !value.is_empty() && value.chars().all(is_plain) {
                write!(f, "{gap}{name}={value}")?;
            } else {
                write!(f, "{gap}{name}={value:?}")?;
            }
            gap = " ";
        }
        match self.dropped {
            0 => Ok(()),
            n => write!(f, "{gap}dropped_before={n}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_has_so_many_records_a_second_and_the_next_tells_what_was_dropped() {
        let quota = Quota::default();
        let second = 1_000_000_000;
        for _ in 0..limits::LOG_PER_SECOND {
            assert_eq!(quota.admit(second), Some(0));
        }
        for _ in 0..3 {
            assert_eq!(quota.admit(second), None);
        }
        assert_eq!(quota.admit(second + second / 100), Some(3));
        assert_eq!(quota.admit(second + second / 100), None);
    }

    #[test]
    fn pairs_cannot_forge_other_pairs() {
        let pairs = [
            ("user".to_owned(), "ann".to_owned()),
            ("na me=x".to_owned(), "a b\n\"c\" level=error".to_owned()),
            ("empty".to_owned(), String::new()),
        ];
        let text = Pairs { pairs: &pairs, dropped: 2 }.to_string();
        let expected = r#"user=ann namex="a b\n\"c\" level=error" empty="" dropped_before=2"#;
        assert_eq!(text, expected);
    }
}
