//! Capturing under the address that the edge chose.

use std::sync::Arc;

use adit_chain::{Conn, Endpoint, Id};
use adit_inspect::capture::Store;
use adit_runtime::tap::{RequestHead, Tap, Tape};
use arc_swap::ArcSwapOption;

/// Captures the exchanges of an endpoint whose address is not known yet when its route is planned.
#[derive(Debug)]
pub(super) struct LateTap {
    store: Arc<Store>,
    /// The tap for the endpoint as the last exchange knew it.
    made: ArcSwapOption<(Arc<Endpoint>, Arc<dyn Tap>)>,
}

impl LateTap {
    pub(super) fn new(store: &Arc<Store>) -> Self {
        Self { store: Arc::clone(store), made: ArcSwapOption::empty() }
    }
}

impl Tap for LateTap {
    fn begin(&self, conn: &Arc<Conn>, id: Id, head: RequestHead<'_>) -> Option<Box<dyn Tape>> {
        let endpoint = &conn.endpoint;
        if let Some(made) = &*self.made.load()
            && Arc::ptr_eq(&made.0, endpoint)
        {
            return made.1.begin(conn, id, head);
        }
        let tap = self.store.tap(&endpoint.name, endpoint.url.trim_end_matches('/'));
        let tape = tap.begin(conn, id, head);
        self.made.store(Some(Arc::new((Arc::clone(endpoint), tap))));
        tape
    }
}
