//! The internal endpoints of one account, for the handlers of its other endpoints.

use std::sync::{Arc, Weak};

use adit_chain::InsideUrl;
use adit_runtime::{Neighbours, Route};

use crate::table::Routes;

/// The internal endpoints of one account. The table leads to the routes that hold this.
#[derive(Debug)]
struct OfAccount {
    routes: Weak<Routes>,
    account: Arc<str>,
}

/// The internal endpoints of an account.
pub(crate) fn of(routes: &Arc<Routes>, account: &Arc<str>) -> Arc<dyn Neighbours> {
    Arc::new(OfAccount { routes: Arc::downgrade(routes), account: Arc::clone(account) })
}

impl Neighbours for OfAccount {
    fn internal(&self, url: &InsideUrl) -> Option<Arc<Route>> {
        self.routes.upgrade()?.internal(&self.account, url)?.pick()
    }
}
