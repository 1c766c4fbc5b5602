//! Connections that a handler leads to an internal endpoint.

use std::sync::Arc;

use adit_chain::{
    BoxFuture, Conn, Connected, ErrorCode, InsideUrl, Nearby, Needs, Protocol, Refusal, TlsMode,
    Totals, code,
};
use adit_net::{Io, Rewind};
use http::StatusCode;
use tracing::debug;

use crate::{Ended, ForwardCx, Neighbours, Route, TlsDefault, forward};

/// How often a visitor may be led from endpoint to endpoint.
///
/// Reason: a front, and a few specialised endpoints behind it; more is a circle.
pub(crate) const MAX_FORWARDS: u8 = 5;

/// How a connection came to a route.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Came {
    /// From how many other endpoints.
    n_hops: u8,
    /// Its TLS ended at one of them.
    is_plain: bool,
}

/// The way from a connection to other endpoints.
#[derive(Debug)]
struct Near {
    neighbours: Option<Arc<dyn Neighbours>>,
    n_hops: u8,
}

impl Nearby for Near {
    fn find(&self, to: &InsideUrl) -> Result<(), Refusal> {
        find(self.neighbours.as_deref(), to, self.n_hops).map(drop)
    }
}

impl Came {
    /// Shows handlers that care the way to other endpoints.
    pub(crate) fn attach(self, conn: &Conn, route: &Route) {
        if route.chain.needs().contains(Needs::INSIDE) {
            let neighbours = route.neighbours.clone();
            let _ = conn.nearby.set(Arc::new(Near { neighbours, n_hops: self.n_hops }));
        }
    }

    /// Who ends the visitor's TLS at a route that wants it so. `None`: it cannot be had, for
    /// nobody was asked for a certificate where it ended.
    pub(crate) fn tls(self, wanted: Option<TlsMode>) -> Option<Option<TlsMode>> {
        match wanted {
            Some(TlsMode::Mutual(_)) if self.is_plain => None,
            Some(TlsMode::Here(_) | TlsMode::Pass) if self.is_plain => Some(None),
            wanted => Some(wanted),
        }
    }
}

/// Leads a connection to another endpoint: past its handlers, to its upstream.
pub(crate) fn divert<'a>(
    conn: &'a Arc<Conn>,
    io: Rewind<Io>,
    (route, came): (&'a Arc<Route>, Came),
    to: InsideUrl,
    connected: &'a mut Connected,
    cx: &'a ForwardCx,
) -> BoxFuture<'a, (Totals, Ended)> {
    Box::pin(async move {
        let target = match find(route.neighbours.as_deref(), &to, came.n_hops) {
            Ok(target) => target,
            Err(refusal) => {
                debug!(id = %conn.id, %to, err = %refusal, "a connection leads nowhere");
                io.inner().reset_on_drop();
                return (Totals::default(), Ended::UpstreamFailed);
            }
        };
        let mode = if came.is_plain { None } else { ends_here(connected, route) };
        let is_plain = came.is_plain || mode.is_some();
        let mut io = match forward::settle_tls(conn, io, mode, cx).await {
            Ok(io) => io,
            Err(ended) => return (Totals::default(), ended),
        };
        if connected.has_wraps() {
            io = Rewind::new(Io::other(connected.wrap(Box::new(io))));
        }
        let there = Arc::new(conn.moved(Arc::clone(&target.endpoint)));
        let came = Came { n_hops: came.n_hops + 1, is_plain };
        let closed = forward::run(there, io, target, None, cx, came).await;
        route.metrics.moved(closed.totals);
        (closed.totals, closed.ended)
    })
}

/// TLS that ends before the connection goes on. What the endpoint would do only when it speaks
/// HTTP itself is left to whoever takes its place.
fn ends_here(connected: &Connected, route: &Route) -> Option<TlsMode> {
    match (connected.tls(), &route.tls) {
        (Some(TlsMode::Pass), _) => None,
        (Some(mode), _) => Some(mode.clone()),
        (None, TlsDefault::Here(config)) if route.endpoint.protocol == Protocol::Tls => {
            Some(TlsMode::Here(Arc::clone(config)))
        }
        (None, _) => None,
    }
}

#[expect(clippy::result_large_err, reason = "refusals are rare, and moved once")]
fn find(
    neighbours: Option<&dyn Neighbours>,
    to: &InsideUrl,
    n_hops: u8,
) -> Result<Arc<Route>, Refusal> {
    if n_hops >= MAX_FORWARDS {
        return Err(forwarded_too_often());
    }
    let route = internal(neighbours, to)?;
    if to.protocol().is_http() {
        let message = format!("The endpoint {to} takes requests and no connections.");
        return Err(Refusal::new(StatusCode::NOT_FOUND, message).with_code(code::ENDPOINT_OFFLINE));
    }
    Ok(route)
}

/// The route of an internal endpoint.
///
/// # Errors
/// There is none.
#[expect(clippy::result_large_err, reason = "refusals are rare, and moved once")]
pub(crate) fn internal(
    neighbours: Option<&dyn Neighbours>,
    to: &InsideUrl,
) -> Result<Arc<Route>, Refusal> {
    let found = neighbours.and_then(|neighbours| neighbours.internal(to));
    found.filter(|route| route.endpoint.protocol == to.protocol()).ok_or_else(|| {
        Refusal::new(StatusCode::NOT_FOUND, format!("The endpoint {to} is offline."))
            .with_code(code::ENDPOINT_OFFLINE)
    })
}

/// What a visitor is told who was led in a circle.
pub(crate) fn forwarded_too_often() -> Refusal {
    let message =
        format!("The visitor was led from endpoint to endpoint more than {MAX_FORWARDS} times.");
    Refusal::new(StatusCode::LOOP_DETECTED, message).with_code(ErrorCode(3501))
}

#[cfg(test)]
#[path = "divert_tests.rs"]
pub(crate) mod tests;
