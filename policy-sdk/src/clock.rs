//! Time. The standard library's clocks panic in a component; these do not.

use std::time::Duration;

use crate::backend::clock;

/// The time since the start of 1970, read at the call.
pub fn now() -> Duration {
    Duration::from_nanos(clock::now())
}

/// Whole seconds since the start of 1970, as tokens and cookies have them.
pub fn unix_seconds() -> u64 {
    now().as_secs()
}

/// Time since some moment in the past, which never runs backwards: for measuring.
pub fn monotonic() -> Duration {
    Duration::from_nanos(clock::monotonic())
}
