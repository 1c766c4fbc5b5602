//! Telling of changes: whoever is slow loses some and is told how many; nobody waits.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use adit_chain::Id;
use tokio::sync::broadcast::{self, error::RecvError};

use crate::model::Change;

/// Changes that a receiver may be behind.
///
/// Reason: a burst of requests between two looks of a browser; each costs a few words.
const MAX_BEHIND: usize = 4 * 1024;

/// Receives changes.
#[derive(Debug)]
pub struct Changes {
    changes: broadcast::Receiver<Change>,
    n_receivers: Arc<AtomicUsize>,
}

impl Changes {
    /// The next one; `None` once the store is gone.
    ///
    /// # Cancel safety
    /// Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Change> {
        match self.changes.recv().await {
            Ok(change) => Some(change),
            Err(RecvError::Lagged(n)) => Some(Change::Lost(n)),
            Err(RecvError::Closed) => None,
        }
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.n_receivers.fetch_sub(1, Relaxed);
    }
}

/// Tells of changes.
#[derive(Debug)]
pub(super) struct Notices {
    changes: broadcast::Sender<Change>,
    /// To be asked without a lock: mostly there is nobody.
    n_receivers: Arc<AtomicUsize>,
}

impl Default for Notices {
    fn default() -> Self {
        Self { changes: broadcast::Sender::new(MAX_BEHIND), n_receivers: Arc::default() }
    }
}

impl Notices {
    pub(super) fn subscribe(&self) -> Changes {
        let n_receivers = Arc::clone(&self.n_receivers);
        n_receivers.fetch_add(1, Relaxed);
        Changes { changes: self.changes.subscribe(), n_receivers }
    }

    pub(super) fn tell(&self, change: Change) {
        if self.n_receivers.load(Relaxed) > 0 {
            let _ = self.changes.send(change);
        }
    }
}

impl Change {
    /// The entry that it is about, if it is about one.
    pub const fn id(self) -> Option<Id> {
        match self {
            Self::Added(id) | Self::Updated(id) | Self::Evicted(id) => Some(id),
            Self::Cleared | Self::Lost(_) => None,
        }
    }
}
