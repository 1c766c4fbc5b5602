//! What an exchange needs on its way, and leaves behind.

use std::sync::Arc;

use adit_chain::Conn;
use http::Request;
use http_body::Body as HttpBody;
use hyper::upgrade::OnUpgrade;

use super::{
    body::Borrowed, exchange::Shared, finish::Finish, headers::Switch, interim::Awaited,
    tape::Taped,
};
use crate::{Metrics, tap::Tap};

/// What an exchange needs on its way, and leaves behind.
pub(super) struct Way {
    pub(super) switch: Switch,
    /// The visitor's bytes after HTTP, if it asked for another protocol.
    pub(super) visitor: Option<OnUpgrade>,
    /// Lets the visitor have interim responses, if it can be sent any.
    pub(super) interim: Option<Awaited>,
    /// The pipe that the response comes from.
    pub(super) borrowed: Option<Borrowed>,
    /// Whoever wants to be told of the end.
    pub(super) finish: Option<Box<Finish>>,
    /// Who counts the bytes.
    pub(super) metrics: Option<Arc<Metrics>>,
}

impl Way {
    pub(super) const fn new() -> Self {
        let switch = Switch::No;
        let (visitor, interim, borrowed) = (None, None, None);
        Self { switch, visitor, interim, borrowed, finish: None, metrics: None }
    }

    /// The tape, if somebody watches.
    pub(super) fn taped(&mut self) -> Option<&mut Taped> {
        self.finish.as_mut().and_then(|finish| finish.taped_mut())
    }

    /// Lets a tap watch.
    pub(super) fn watch(
        &mut self,
        shared: &Shared,
        (conn, tap): (&Arc<Conn>, &dyn Tap),
        request: &Request<impl HttpBody>,
    ) {
        let taped = Taped::begin(tap, conn, request);
        self.finish = taped.map(|taped| Box::new(Finish::of_tape(shared, taped)));
    }
}
