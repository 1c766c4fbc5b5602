//! Requests of our own, through the route of an endpoint.

use std::sync::Arc;

use adit_chain::Conn;
use adit_net::{Io, Rewind};
use tokio::io::DuplexStream;

use crate::{Closed, ForwardCx, Route, http};

/// Bytes that wait between whoever asks and the route.
const PIPE: usize = 64 * 1024;

/// A connection of our own to a route that speaks HTTP/1.1 on it, whatever visitors speak: the end
/// to write requests to, and what serves them. Nobody has to be let in, and there is no TLS;
/// handlers see the exchanges, and whoever watches the route does.
///
/// # Cancel safety
/// Dropping the future drops the connection.
pub fn visit(
    conn: Arc<Conn>,
    route: Arc<Route>,
    cx: ForwardCx,
) -> (DuplexStream, impl Future<Output = Closed> + Send) {
    let (ours, theirs) = tokio::io::duplex(PIPE);
    let serving = async move {
        let io = Rewind::new(Io::other(theirs));
        let (totals, ended) = http::serve_route(conn, io, route, None, &cx).await;
        Closed { totals, ended }
    };
    (ours, serving)
}
