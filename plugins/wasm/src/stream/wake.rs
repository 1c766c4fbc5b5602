//! Wakes whoever waits for an answer, whichever way it is about.

use std::{
    sync::Arc,
    task::{Wake, Waker},
};

use parking_lot::Mutex;

use crate::pieces::Way;

/// The tasks that poll either way.
#[derive(Debug, Default)]
pub(super) struct Both {
    way_in: Mutex<Option<Waker>>,
    way_out: Mutex<Option<Waker>>,
}

impl Both {
    pub(super) fn register(&self, way: Way, waker: &Waker) {
        let mut slot = self.slot(way).lock();
        match &mut *slot {
            Some(old) => old.clone_from(waker),
            None => *slot = Some(waker.clone()),
        }
    }

    /// Wakes whoever polls the other way.
    pub(super) fn wake_other(&self, way: Way) {
        let other = if way == Way::ToUpstream { Way::ToClient } else { Way::ToUpstream };
        let waker = self.slot(other).lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn slot(&self, way: Way) -> &Mutex<Option<Waker>> {
        if way == Way::ToUpstream { &self.way_in } else { &self.way_out }
    }
}

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_other(Way::ToUpstream);
        self.wake_other(Way::ToClient);
    }
}
