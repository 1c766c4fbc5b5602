//! What happened, told afterwards.

use std::time::Duration;

use crate::backend;

/// How an exchange or a connection ended.
#[derive(Clone, Copy)]
pub struct Outcome<'a>(pub(crate) &'a backend::Outcome);

impl Outcome<'_> {
    /// Status that the visitor got; `None` for raw connections and when no response was sent.
    pub fn status(&self) -> Option<u16> {
        self.0.status()
    }

    /// From its start to its end.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.0.duration_ns())
    }

    /// Octets that went to the upstream.
    pub fn octets_to_upstream(&self) -> u64 {
        self.0.octets_to_upstream()
    }

    /// Octets that went to the visitor.
    pub fn octets_to_client(&self) -> u64 {
        self.0.octets_to_client()
    }

    /// Short machine-readable reason, when it failed.
    pub fn failure(&self) -> Option<String> {
        self.0.failure()
    }
}
