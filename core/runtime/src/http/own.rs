//! The seat of a connection whose endpoint is known: on the endpoint's own route, or on what takes
//! that one's place.

use std::sync::Arc;

use adit_chain::{Conn, Refusal, Totals};
use arc_swap::ArcSwap;
use http::HeaderValue;
use tokio::time::Instant;

use super::{
    away::Away,
    crew::Crew,
    places::Tapped,
    seat::{Seat, Terms},
    sock::Traffic,
};
use crate::{Ended, Live, Route, Routes, TlsDefault, host_of};

pub(super) struct Own {
    home: ArcSwap<Seat>,
    live: Option<Arc<Live>>,
    routes: Option<Arc<dyn Routes>>,
    traffic: Arc<Traffic>,
}

impl Own {
    pub(super) fn new(
        home: Arc<Seat>,
        live: Option<Arc<Live>>,
        routes: Option<Arc<dyn Routes>>,
        traffic: Arc<Traffic>,
    ) -> Self {
        Self { home: ArcSwap::new(home), live, routes, traffic }
    }

    /// Whether an exchange is for the name that the connection came for.
    pub(super) fn is_for(&self, host: Option<&HeaderValue>) -> bool {
        is_for(&self.home.load().conn, host)
    }

    /// The seat for an exchange that begins.
    pub(super) async fn seat(&self) -> Result<Arc<Seat>, Refusal> {
        if let Some(seat) = self.settled() {
            return Ok(seat);
        }
        Box::pin(self.replace()).await
    }

    /// Who watches the exchanges: whoever the endpoint's route of now wants.
    pub(super) fn tapped(&self) -> Option<Tapped> {
        let home = self.home.load();
        let tap = match &self.live {
            Some(live) => live.tap(),
            None => home.route.tap.clone(),
        };
        Some((Arc::clone(&home.conn), tap?))
    }

    /// The seat, unless its route has been replaced.
    fn settled(&self) -> Option<Arc<Seat>> {
        let home = self.home.load();
        let is_current = self.live.as_ref().is_none_or(|live| live.is(&home.route));
        is_current.then(|| Arc::clone(&home))
    }

    /// Moves to the route that took the place of the one before.
    async fn replace(&self) -> Result<Arc<Seat>, Refusal> {
        let old = self.home.load_full();
        let Some(live) = &self.live else { return Ok(old) };
        let seat = self.ask(live.route(), &old, Terms::Replaced).await?;
        // Exchanges of an HTTP/2 visitor may have asked at once.
        let now = self.home.load_full();
        if !Arc::ptr_eq(&now, &old) {
            seat.close(self.traffic.totals(), Ended::Done).await;
            return Ok(now);
        }
        self.home.store(Arc::clone(&seat));
        old.close(self.traffic.totals(), Ended::Done).await;
        Ok(seat)
    }

    /// The seat of an endpoint that a handler named; `None` if exchanges cannot be sent there.
    pub(super) async fn named(
        &self,
        name: &str,
        away: &Away,
    ) -> Result<Option<Arc<Seat>>, Refusal> {
        let route = self.routes.as_ref().and_then(|routes| routes.named(name));
        let Some(route) = route.filter(|route| takes_exchanges(route)) else { return Ok(None) };
        let home = self.home.load_full();
        if Arc::ptr_eq(&home.route, &route) {
            return Ok(Some(home));
        }
        away.seat(route, &home.conn, &self.traffic).await.map(Some)
    }

    async fn ask(
        &self,
        route: Arc<Route>,
        home: &Seat,
        terms: Terms,
    ) -> Result<Arc<Seat>, Refusal> {
        let conn = home.conn.moved(Arc::clone(&route.endpoint));
        let before = self.traffic.totals();
        Ok(Arc::new(Seat::ask(route, Arc::new(conn), before, terms).await?))
    }

    pub(super) fn look_after(&self, now: Instant, crew: &Crew, traffic: &Traffic) {
        self.home.load().look_after(now, crew, traffic);
    }

    /// The connection is over.
    pub(super) async fn close(&self, totals: Totals, ended: Ended) {
        self.home.load_full().close(totals, ended).await;
    }
}

/// Whether an exchange on a connection is for the name that its TLS session was opened for.
///
/// Reason: a visitor with HTTP/2 asks for every name that a certificate is good for on the
/// connection that it has (RFC 9113, 9.1.1), and a wildcard is good for other endpoints too. With
/// HTTP/1.1 only somebody does so who wants to reach one endpoint under the conditions of another.
/// HTTP/1.0 may name no host, and then means the one that it has reached.
pub(super) fn is_for(conn: &Conn, host: Option<&HeaderValue>) -> bool {
    let name = conn.tls.get().and_then(|tls| tls.sni.as_deref());
    let (Some(name), Some(host)) = (name, host) else { return true };
    host.to_str().is_ok_and(|host| host_of(host).eq_ignore_ascii_case(name))
}

/// Whether there is HTTP to be had of a route.
pub(super) fn takes_exchanges(route: &Route) -> bool {
    route.endpoint.protocol.is_http() && !matches!(route.tls, TlsDefault::Pass)
}
