//! One connection, from accept to close.

use std::sync::Arc;

use adit_chain::{Conn, Connected, End, Hello, Refusal, TlsMode, Totals};
use adit_net::{Io, Rewind, hello, limits::CLIENT_HELLO_DEADLINE};
use tokio::time::timeout;
use tracing::debug;

use crate::{
    Closed, Ended, Leg, Live, Metrics, PassthroughTls, Relay, Route, Router, Routes, Stop,
    TlsDefault, UpstreamError,
    divert::{Came, divert},
    http,
    limits::TELL,
    relay::relay_until,
    tls,
};

/// What all connections of one owner share.
#[derive(Clone, Debug, Default)]
pub struct ForwardCx {
    /// Shutdown.
    pub stop: Stop,
    /// Finds the route of each exchange by `Host`, at the edge. A request for another route than
    /// the one that the connection came for is misdirected (421).
    pub router: Option<Arc<dyn Router>>,
    /// Finds the routes that handlers send exchanges to, at the agent.
    pub routes: Option<Arc<dyn Routes>>,
    /// Secret with which answers of this side are marked as its own, at the agent.
    pub origin: Option<Arc<str>>,
}

/// Carries one connection from accept to close: conn chain, TLS, wrappers, relay. Agent and edge
/// both end here.
///
/// # Cancel safety
/// Dropping the future drops the connection; handlers are not told of its end then.
pub fn forward(
    conn: Arc<Conn>,
    io: Rewind<Io>,
    route: Arc<Route>,
    cx: &ForwardCx,
) -> impl Future<Output = Closed> + Send {
    run(conn, io, route, None, cx, Came::default())
}

/// As [`forward`], where the route may be replaced meanwhile; `route` is what `live` held when the
/// connection came.
pub fn forward_live(
    conn: Arc<Conn>,
    io: Rewind<Io>,
    route: Arc<Route>,
    live: Arc<Live>,
    cx: &ForwardCx,
) -> impl Future<Output = Closed> + Send {
    run(conn, io, route, Some(live), cx, Came::default())
}

pub(crate) async fn run(
    conn: Arc<Conn>,
    io: Rewind<Io>,
    route: Arc<Route>,
    live: Option<Arc<Live>>,
    cx: &ForwardCx,
    came: Came,
) -> Closed {
    let mut open = Open::new(&conn, &route);
    let mut connected = Connected::default();
    came.attach(&conn, &route);
    let (totals, ended) = match route.chain.connect(&conn, &mut connected).await {
        Ok(()) => match connected.take_divert() {
            None => Box::pin(carry(&conn, io, (route, came), live, &mut connected, cx)).await,
            Some(to) => divert(&conn, io, (&route, came), to, &mut connected, cx).await,
        },
        Err(refusal) => {
            let totals = Box::pin(turn_away(&conn, io, &route, refusal, cx)).await;
            open.metrics.moved(totals);
            (totals, Ended::Refused)
        }
    };
    open.totals = totals;
    drop(open);
    tell(connected, &conn, totals, ended).await;
    Closed { totals, ended }
}

/// Tells the handlers that a connection is over. They have little time, and none where the grace of
/// a shutdown is over too.
pub(crate) async fn tell(connected: Connected, conn: &Conn, totals: Totals, ended: Ended) {
    if connected.has_closers() && ended != Ended::Cut {
        let end = End { totals, took: conn.started.elapsed(), failure: ended.failure() };
        // Who does not listen in time has not heard it.
        let _ = timeout(TELL, connected.close(end)).await;
    }
}

/// Counts the connection for as long as it is open, even if it is dropped on the way.
struct Open<'a> {
    conn: &'a Conn,
    metrics: Arc<Metrics>,
    totals: Totals,
}

impl<'a> Open<'a> {
    fn new(conn: &'a Conn, route: &Route) -> Self {
        let metrics = Arc::clone(&route.metrics);
        metrics.opened();
        Self { conn, metrics, totals: Totals::default() }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.metrics.closed(self.conn.started.elapsed(), self.totals);
    }
}

/// A connection that was let in. Where it speaks HTTP here, nothing holds its route any longer than
/// it is that of the endpoint.
async fn carry(
    conn: &Arc<Conn>,
    mut io: Rewind<Io>,
    (route, came): (Arc<Route>, Came),
    live: Option<Arc<Live>>,
    connected: &mut Connected,
    cx: &ForwardCx,
) -> (Totals, Ended) {
    let wanted = connected.tls().cloned().or_else(|| by_default(&route.tls));
    let Some(mode) = came.tls(wanted) else {
        debug!(id = %conn.id, "no certificate was asked for where TLS ended");
        io.inner().reset_on_drop();
        return (Totals::default(), Ended::TlsFailed);
    };
    let passthrough = match mode {
        Some(TlsMode::Pass) => PassthroughTls::Yes,
        Some(TlsMode::Here(_) | TlsMode::Mutual(_)) | None => PassthroughTls::No,
    };
    if matches!(mode, Some(TlsMode::Here(_) | TlsMode::Mutual(_)))
        && !route.chain.links().is_empty()
    {
        look(conn, &mut io, cx).await;
    }
    io = match settle_tls(conn, io, mode, cx).await {
        Ok(io) => io,
        Err(ended) => return (Totals::default(), ended),
    };
    if connected.has_wraps() {
        io = Rewind::new(Io::other(connected.wrap(Box::new(io))));
    }
    if route.relay == Relay::Http && passthrough == PassthroughTls::No {
        if http::is_verbatim(conn, &route, cx) {
            return http::serve_verbatim(Arc::clone(conn), io, route, live, cx).await;
        }
        http::serve_route(Arc::clone(conn), io, route, live, cx).await
    } else {
        let (totals, ended) = raw(conn, io, &route, passthrough, cx).await;
        route.metrics.moved(totals);
        (totals, ended)
    }
}

/// Notes for the handlers what a visitor's first TLS message asks for. The edge has done so already.
/// Whoever sends none is refused by the handshake.
async fn look(conn: &Conn, io: &mut Rewind<Io>, cx: &ForwardCx) {
    if conn.hello.get().is_some() {
        return;
    }
    let looked = tokio::select! {
        biased;
        () = cx.stop.cut.cancelled() => return,
        looked = hello::peek(io, CLIENT_HELLO_DEADLINE) => looked,
    };
    if let Ok(looked) = looked {
        let ja4 = hello::ja4(io.prefix()).unwrap_or_default();
        let _ = conn.hello.set(Hello { sni: looked.server_name, ja4 });
    }
}

fn by_default(tls: &TlsDefault) -> Option<TlsMode> {
    match tls {
        TlsDefault::None => None,
        TlsDefault::Here(config) => Some(TlsMode::Here(Arc::clone(config))),
        TlsDefault::Pass => Some(TlsMode::Pass),
    }
}

/// Terminates TLS if that is for this side to do.
pub(crate) async fn settle_tls(
    conn: &Conn,
    io: Rewind<Io>,
    mode: Option<TlsMode>,
    cx: &ForwardCx,
) -> Result<Rewind<Io>, Ended> {
    let Some(TlsMode::Here(config) | TlsMode::Mutual(config)) = mode else { return Ok(io) };
    let handshake = tls::terminate(io, config);
    let (io, info) = tokio::select! {
        biased;
        () = cx.stop.cut.cancelled() => return Err(Ended::Cut),
        result = handshake => result.map_err(|error| {
            tls::refused::tell(conn, &error);
            Ended::TlsFailed
        })?,
    };
    let _ = conn.tls.set(info);
    Ok(Rewind::new(io))
}

/// Bytes, as they are.
async fn raw(
    conn: &Arc<Conn>,
    io: Rewind<Io>,
    route: &Arc<Route>,
    passthrough: PassthroughTls,
    cx: &ForwardCx,
) -> (Totals, Ended) {
    let cut = &cx.stop.cut;
    let after = route.limits.connect_timeout;
    let connecting = timeout(after, route.upstream.connect(conn, passthrough));
    let result = tokio::select! {
        biased;
        () = cut.cancelled() => return (Totals::default(), Ended::Cut),
        result = connecting => result.unwrap_or_else(|_| {
            Err(UpstreamError::Timeout { address: route.endpoint.upstream.clone(), after })
        }),
    };
    match result {
        Ok(Leg { io: upstream, .. }) => relay_until(io, upstream, cut).await,
        Err(error) => {
            debug!(id = %conn.id, %error, "no connection to the upstream");
            if route.endpoint.protocol.is_http() && passthrough == PassthroughTls::No {
                let refusal = error.to_refusal();
                let answering = http::serve_refusal(conn, io, refusal, route, cx);
                return (answering.await, Ended::UpstreamFailed);
            }
            io.inner().reset_on_drop();
            (Totals::default(), Ended::UpstreamFailed)
        }
    }
}

/// A connection that was not let in. On an HTTP endpoint it is told why, in HTTP.
async fn turn_away(
    conn: &Arc<Conn>,
    io: Rewind<Io>,
    route: &Route,
    refusal: Refusal,
    cx: &ForwardCx,
) -> Totals {
    let mode = by_default(&route.tls);
    let is_passed = matches!(mode, Some(TlsMode::Pass));
    // Only an edge in front of us can close the visitor's connection, and is asked to in HTTP.
    let is_ours = cx.origin.is_none() || mode.is_some();
    if (refusal.close && is_ours) || is_passed || !route.endpoint.protocol.is_http() {
        return Totals::default();
    }
    match settle_tls(conn, io, mode, cx).await {
        Ok(io) => http::serve_refusal(conn, io, refusal, route, cx).await,
        Err(_) => Totals::default(),
    }
}
