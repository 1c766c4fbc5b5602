//! The endpoints of a session, and how handlers of one send to another.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use adit_chain::InsideUrl;
use adit_runtime::{Neighbours, Route};
use parking_lot::RwLock;

use crate::bound::Bound;

/// What internal names end with.
const SUFFIX: &str = ".internal";

/// The endpoints of a session, by the id that the edge gave them.
#[derive(Default)]
pub(crate) struct Table(RwLock<HashMap<String, Arc<Bound>>>);

impl Table {
    /// The endpoints, however they stand.
    pub(crate) fn all(&self) -> Vec<Arc<Bound>> {
        self.0.read().values().cloned().collect()
    }

    /// The endpoint with this id.
    pub(crate) fn by_id(&self, id: &str) -> Option<Arc<Bound>> {
        self.0.read().get(id).cloned()
    }

    /// The endpoint with this name.
    pub(crate) fn by_name(&self, name: &str) -> Option<Arc<Bound>> {
        self.0.read().values().find(|bound| *bound.name == *name).cloned()
    }

    /// Those that are reached at a URL.
    fn by_url(&self, url: &str) -> Vec<Arc<Bound>> {
        self.0.read().values().filter(|bound| *bound.url() == *url).cloned().collect()
    }

    pub(crate) fn insert(&self, id: String, bound: Arc<Bound>) {
        self.0.write().insert(id, bound);
    }

    pub(crate) fn remove(&self, id: &str) -> Option<Arc<Bound>> {
        self.0.write().remove(id)
    }

    /// The endpoints, for handlers.
    pub(crate) fn neighbours(self: &Arc<Self>) -> Arc<dyn Neighbours> {
        Arc::new(OfSession { table: Arc::downgrade(self), turn: AtomicUsize::new(0) })
    }
}

/// The endpoints of the session, for handlers of one of them. The table leads to the routes that
/// hold this.
struct OfSession {
    table: Weak<Table>,
    turn: AtomicUsize,
}

impl Neighbours for OfSession {
    /// Those with the URL take turns, if there are several. Where the edge gave an endpoint another
    /// address, its name does: `https://web.internal` is the endpoint called `web`, too.
    fn internal(&self, url: &InsideUrl) -> Option<Arc<Route>> {
        let table = self.table.upgrade()?;
        for host in url.candidates() {
            let mut found = table.by_url(&url.at(&host));
            if !found.is_empty() {
                found.sort_by_key(|bound| bound.id());
                let turn = self.turn.fetch_add(1, Relaxed) % found.len();
                return found.get(turn).map(|bound| bound.live.route());
            }
        }
        let name = url.host().strip_suffix(SUFFIX)?;
        table.by_name(name).map(|bound| bound.live.route())
    }
}

impl fmt::Debug for OfSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfSession")
    }
}
