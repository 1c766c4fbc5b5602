//! What time it is.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The calendar. Tests turn it forward.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    ahead: AtomicU64,
}

impl Clock {
    /// What time it is.
    pub(crate) fn now(&self) -> SystemTime {
        SystemTime::now() + Duration::from_secs(self.ahead.load(Relaxed))
    }

    /// Lets time pass.
    #[cfg(test)]
    pub(crate) fn advance(&self, by: Duration) {
        self.ahead.fetch_add(by.as_secs(), Relaxed);
    }
}

/// How long ago something was; nothing for what is still to come.
pub(crate) fn since(then: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or_default()
}

/// Whole seconds since 1970.
pub(crate) fn seconds(at: SystemTime) -> u64 {
    since(UNIX_EPOCH, at).as_secs()
}
