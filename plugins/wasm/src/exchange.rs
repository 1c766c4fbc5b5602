//! What a policy's link holds of an exchange between its hooks: no instance, only what it may read
//! later and what the policy kept.

use std::sync::Arc;

use adit_chain::{BodyLimits, Conn, Exchange};
use http::Method;
use parking_lot::Mutex;

use crate::{
    handler::Link,
    host::{Access, Current, RequestView},
};

/// An exchange whose request has passed.
pub(crate) struct Passage {
    pub(crate) link: Arc<Link>,
    pub(crate) conn: Arc<Conn>,
    pub(crate) body_limits: BodyLimits,
    /// The head as it left this link.
    head: RequestView,
    /// What the policy kept. Its hooks may run at the same time: the last word wins.
    kept: Mutex<Option<Vec<u8>>>,
}

impl Passage {
    /// Copies what later hooks may read.
    pub(crate) fn new(link: &Arc<Link>, exchange: &mut Exchange, kept: Option<Vec<u8>>) -> Self {
        let view = RequestView::take(exchange, Access::Left, None);
        let head = view.snapshot();
        view.put_back(exchange);
        Self {
            link: Arc::clone(link),
            conn: Arc::clone(&exchange.conn),
            body_limits: exchange.body_limits,
            head,
            kept: Mutex::new(kept),
        }
    }

    pub(crate) const fn method(&self) -> &Method {
        self.head.method()
    }

    /// What a later hook's call is about.
    pub(crate) fn current(&self) -> Current {
        let mut request = self.head.snapshot();
        request.set_kept(self.kept.lock().clone());
        let conn = Some(self.link.view(&self.conn));
        Current { conn, request: Some(Box::new(request)), ..Current::default() }
    }

    /// Takes back what a hook's call kept.
    pub(crate) fn take_back(&self, current: Current) {
        if let Some(kept) = current.request.as_deref().and_then(RequestView::kept) {
            *self.kept.lock() = Some(kept.to_vec());
        }
        self.link.take_back(&self.conn, current.conn);
    }
}
