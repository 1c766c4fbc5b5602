//! Telling of changes: whoever is slow loses some and is told how many; nobody waits.

use adit_chain::Id;
use tokio::sync::broadcast::{self, error::RecvError};

use crate::model::Change;

/// Changes that a receiver may be behind.
///
/// Reason: a burst of requests between two looks of a browser; each costs a few words.
const MAX_BEHIND: usize = 4 * 1024;

/// Receives changes.
#[derive(Debug)]
pub struct Changes(broadcast::Receiver<Change>);

impl Changes {
    /// The next one; `None` once the store is gone.
    ///
    /// # Cancel safety
    /// Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Change> {
        match self.0.recv().await {
            Ok(change) => Some(change),
            Err(RecvError::Lagged(n)) => Some(Change::Lost(n)),
            Err(RecvError::Closed) => None,
        }
    }
}

/// Tells of changes.
#[derive(Debug)]
pub(super) struct Notices(broadcast::Sender<Change>);

impl Default for Notices {
    fn default() -> Self {
        Self(broadcast::Sender::new(MAX_BEHIND))
    }
}

impl Notices {
    pub(super) fn subscribe(&self) -> Changes {
        Changes(self.0.subscribe())
    }

    pub(super) fn tell(&self, change: Change) {
        if self.0.receiver_count() > 0 {
            let _ = self.0.send(change);
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
