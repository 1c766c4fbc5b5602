//! Exchanges: HTTP/1.1 and HTTP/2 from visitors, either to the upstream.
//!
//! - `conn`: a visitor's connection; `turn`, `crew`, `watch`: how its parts share a task;
//!   `switched`: what comes after HTTP on it.
//! - `nap`: HTTP/1 that is put away while nobody speaks.
//! - `sock`: the visitor's bytes; `guard`: what is refused of them.
//! - `exchange`, `send`: one request and its response; `again`: what is sent twice; `headers`, `body`,
//!   `arriving`, `whole`: their parts; `interim`: what comes before the response; `finish`: who is told
//!   of their end; `tape`, `overheard`: who watches; `way`: what goes along.
//! - `inside`: requests that handlers send to internal endpoints.
//! - `verbatim`: exchanges that pass as they are, and are only watched.
//! - `places`, `own`, `away`, `seat`, `pipe`: routes, and the pipes to their upstreams; `idle`, `fold`: pipes
//!   between exchanges.

mod again;
mod arriving;
mod away;
mod body;
mod conn;
mod crew;
mod exchange;
mod finish;
mod fold;
mod guard;
mod headers;
mod idle;
mod inside;
mod interim;
mod last_word;
mod nap;
mod overheard;
mod own;
mod pipe;
mod places;
mod seat;
mod send;
mod sock;
mod switched;
mod tape;
mod turn;
mod verbatim;
mod watch;
mod way;
mod whole;

use std::{net::SocketAddr, sync::Arc};

use adit_chain::{Conn, Endpoint, Hello, Refusal, TlsInfo, Totals};
use adit_net::{Io, Rewind, tls::ALPN_H2};
use http::{HeaderValue, header::CONNECTION};

pub(crate) use self::verbatim::{is_verbatim, serve as serve_verbatim};
use self::{
    conn::Serving,
    own::Own,
    places::Places,
    seat::Seat,
    sock::{Spoken, Traffic},
};
use crate::{Closed, Ended, ForwardCx, Limits, Live, Route, Router, Stop};

/// Who came to a listener, before it is known what for.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The visitor.
    pub client: SocketAddr,
    /// The public address that the visitor reached.
    pub server: SocketAddr,
    /// The TLS session, if one was terminated.
    pub tls: Option<TlsInfo>,
    /// What it asked for in its first TLS message, where that was looked at.
    pub hello: Option<Hello>,
    /// Where the server is that it reached, in the operator's words.
    pub region: Option<Arc<str>>,
}

impl Visitor {
    fn of(conn: &Conn) -> Self {
        Self {
            client: conn.client,
            server: conn.server,
            tls: conn.tls.get().cloned(),
            hello: conn.hello.get().cloned(),
            region: conn.region.get().cloned(),
        }
    }

    /// Its connection to another endpoint than it came for.
    fn conn(&self, endpoint: Arc<Endpoint>) -> Conn {
        let conn = Conn::new(self.client, self.server, endpoint);
        if let Some(tls) = self.tls.clone() {
            let _ = conn.tls.set(tls);
        }
        let _ = self.hello.clone().map(|hello| conn.hello.set(hello));
        let _ = self.region.clone().map(|region| conn.region.set(region));
        conn
    }

    fn speaks(&self) -> Spoken {
        let alpn = self.tls.as_ref().and_then(|tls| tls.alpn.as_deref());
        if alpn == Some(ALPN_H2) { Spoken::Http2 } else { Spoken::Http1 }
    }
}

/// Serves HTTP on a connection whose route is not known yet: it is found per exchange by `Host`,
/// and the conn chain of a route runs when the connection first asks for it.
pub async fn serve_http(
    visitor: Visitor,
    io: Rewind<Io>,
    router: Arc<dyn Router>,
    stop: &Stop,
) -> Closed {
    let traffic = Arc::new(Traffic::default());
    let spoken = visitor.speaks();
    let places = Places::by_host(router, visitor, None, Arc::clone(&traffic));
    let serving = Serving::new(places, traffic, None, &Limits::default(), stop);
    let (totals, ended) = serving.run(io, spoken).await;
    Closed { totals, ended }
}

/// Serves HTTP on a connection that its route has admitted.
pub(crate) async fn serve_route(
    conn: Arc<Conn>,
    io: Rewind<Io>,
    route: Arc<Route>,
    live: Option<Arc<Live>>,
    cx: &ForwardCx,
) -> (Totals, Ended) {
    let traffic = Arc::new(Traffic::default());
    let visitor = Visitor::of(&conn);
    let spoken = visitor.speaks();
    let limits = route.limits.clone();
    let metrics = Arc::clone(&route.metrics);
    traffic.meter(&conn, &route.chain);
    let origin = origin(&conn, cx);
    let home = Arc::new(Seat::admitted(route, conn));
    let places = match &cx.router {
        Some(router) => {
            Places::by_host(Arc::clone(router), visitor, Some(home), Arc::clone(&traffic))
        }
        None => Places::Own(Own::new(home, live, cx.routes.clone(), Arc::clone(&traffic))),
    };
    let serving = Serving::new(places, Arc::clone(&traffic), origin, &limits, &cx.stop);
    let (totals, ended) = serving.run(io, spoken).await;
    metrics.moved(traffic.unreported(totals));
    (totals, ended)
}

/// What marks answers of our own for the edge further on. A visitor whose TLS ends here speaks with
/// us, whatever carries the bytes.
fn origin(conn: &Conn, cx: &ForwardCx) -> Option<Arc<str>> {
    cx.origin.clone().filter(|_| conn.tls.get().is_none())
}

/// Answers whatever the visitor asks with one refusal, and closes.
pub(crate) async fn serve_refusal(
    conn: &Arc<Conn>,
    io: Rewind<Io>,
    mut refusal: Refusal,
    route: &Route,
    cx: &ForwardCx,
) -> Totals {
    let traffic = Arc::new(Traffic::default());
    refusal.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let spoken = Visitor::of(conn).speaks();
    let tapped = route.tap.clone().map(|tap| (Arc::clone(conn), tap));
    let places = Places::Refused(refusal, tapped);
    let serving = Serving::new(places, traffic, origin(conn, cx), &route.limits, &cx.stop);
    serving.run(io, spoken).await.0
}

#[cfg(test)]
mod tests;
