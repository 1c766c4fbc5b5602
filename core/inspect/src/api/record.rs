//! The pair of records that each request leaves.

use std::time::Instant;

use adit_chain::Id;
use http::StatusCode;
use tracing::{info, warn};

use super::error::ApiError;

/// Characters of a path in a record.
///
/// Reason: what is longer helps nobody who reads a log.
const MAX_PATH: usize = 256;

/// A request under way. Dropped early, because the client left, it is recorded as ended without a
/// status.
pub(super) struct Record {
    path: String,
    id: Id,
    began: Instant,
    status: Option<StatusCode>,
}

impl Record {
    /// A request begins.
    pub(super) fn start(path: &str) -> Self {
        let path: String = path.chars().take(MAX_PATH).collect();
        let id = Id::next();
        info!(pg = path, id = %id, "start");
        Self { path, id, began: Instant::now(), status: None }
    }

    /// It goes wrong.
    pub(super) fn failed(&self, error: &ApiError) {
        warn!(pg = self.path, id = %self.id, err = error.cause(), "{}", error.message());
    }

    /// It is answered.
    pub(super) fn end(mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // Not with the sign for micro: some readers of logs take nothing but ASCII.
        let dur = format!("{:.3}ms", self.began.elapsed().as_secs_f64() * 1000.0);
        let status = self.status.map(|status| status.as_u16());
        info!(pg = self.path, id = %self.id, status, dur, "end");
    }
}
