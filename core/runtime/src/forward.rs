//! One connection, from accept to close.

use std::sync::Arc;

use adit_chain::Conn;
use adit_net::{Io, Rewind};

use crate::{Closed, Ended, Route, Router, Stop};

/// What all connections of one owner share.
#[derive(Clone, Debug, Default)]
pub struct ForwardCx {
    /// Shutdown.
    pub stop: Stop,
    /// Finds the route of each exchange by `Host`, at the edge. A request for another route than
    /// the one that the connection came for is misdirected (421).
    pub router: Option<Arc<dyn Router>>,
    /// Secret with which answers of this side are marked as its own, at the agent.
    pub origin: Option<Arc<str>>,
}

/// Carries one connection from accept to close: conn chain, TLS, wrappers, relay. Agent and edge
/// both end here.
pub async fn forward(conn: Arc<Conn>, io: Rewind<Io>, route: Arc<Route>, cx: &ForwardCx) -> Closed {
    let _ = (conn, io, route, cx);
    Closed::early(Ended::Refused)
}
