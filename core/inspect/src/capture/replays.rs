//! Which exchanges repeat others. Whoever sends one again says so by the connection that it will
//! come on, and learns what it was recorded as.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use adit_chain::Id;
use parking_lot::Mutex;

use super::Store;
use crate::model::Source;

/// The replays that are under way, by their connections.
#[derive(Debug, Default)]
pub(super) struct Replays {
    /// So that exchanges need not ask when there are none.
    n_open: AtomicUsize,
    open: Mutex<HashMap<Id, Replay>>,
}

#[derive(Debug)]
struct Replay {
    of: Id,
    recorded: Option<Id>,
}

/// A replay that is under way, until this is dropped.
#[derive(Debug)]
pub struct Replaying {
    store: Arc<Store>,
    conn: Id,
}

impl Store {
    /// What comes on a connection repeats an exchange.
    pub fn replaying(self: &Arc<Self>, conn: Id, of: Id) -> Replaying {
        let replays = &self.replays;
        replays.open.lock().insert(conn, Replay { of, recorded: None });
        replays.n_open.fetch_add(1, Relaxed);
        Replaying { store: Arc::clone(self), conn }
    }
}

impl Replaying {
    /// What it was recorded as, once its head has passed the tap.
    pub fn recorded(&self) -> Option<Id> {
        self.store.replays.open.lock().get(&self.conn).and_then(|replay| replay.recorded)
    }
}

impl Drop for Replaying {
    fn drop(&mut self) {
        let replays = &self.store.replays;
        replays.open.lock().remove(&self.conn);
        replays.n_open.fetch_sub(1, Relaxed);
    }
}

impl Replays {
    /// Where an exchange comes from.
    pub(super) fn source(&self, conn: Id, id: Id) -> Source {
        if self.n_open.load(Relaxed) == 0 {
            return Source::Visitor;
        }
        match self.open.lock().get_mut(&conn) {
            Some(replay) => {
                replay.recorded = Some(id);
                Source::Replay { of: replay.of }
            }
            None => Source::Visitor,
        }
    }
}
