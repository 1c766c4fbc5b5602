//! The seats of a connection whose endpoint is known: on the endpoint's own route, on what takes that
//! one's place, and on the routes that handlers send exchanges to.

use std::sync::Arc;

use adit_chain::{Refusal, Totals};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    crew::Crew,
    places::Tapped,
    seat::{Seat, Terms},
    sock::Traffic,
};
use crate::{Ended, Live, Route, Routes, TlsDefault, limits::MAX_SEATS};

pub(super) struct Own {
    home: ArcSwap<Seat>,
    live: Option<Arc<Live>>,
    routes: Option<Arc<dyn Routes>>,
    traffic: Arc<Traffic>,
    /// Where handlers sent exchanges, the least recent first.
    away: Mutex<Vec<Arc<Seat>>>,
}

impl Own {
    pub(super) fn new(
        home: Arc<Seat>,
        live: Option<Arc<Live>>,
        routes: Option<Arc<dyn Routes>>,
        traffic: Arc<Traffic>,
    ) -> Self {
        let (home, away) = (ArcSwap::new(home), Mutex::default());
        Self { home, live, routes, traffic, away }
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
    pub(super) async fn named(&self, name: &str) -> Result<Option<Arc<Seat>>, Refusal> {
        let route = self.routes.as_ref().and_then(|routes| routes.named(name));
        let Some(route) = route.filter(|route| takes_exchanges(route)) else { return Ok(None) };
        let home = self.home.load_full();
        if Arc::ptr_eq(&home.route, &route) {
            return Ok(Some(home));
        }
        if let Some(seat) = self.find(&route) {
            return Ok(Some(seat));
        }
        let seat = Box::pin(self.ask(route, &home, Terms::Rerouted)).await?;
        if let Some(first) = self.find(&seat.route) {
            seat.close(self.traffic.totals(), Ended::Done).await;
            return Ok(Some(first));
        }
        for left in self.keep(Arc::clone(&seat)) {
            left.close(self.traffic.totals(), Ended::Done).await;
        }
        Ok(Some(seat))
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

    fn find(&self, route: &Arc<Route>) -> Option<Arc<Seat>> {
        let away = self.away.lock();
        away.iter().find(|seat| Arc::ptr_eq(&seat.route, route)).map(Arc::clone)
    }

    /// Keeps a seat, and returns those that have to go for it: on a route that it replaces, or one
    /// too many.
    fn keep(&self, seat: Arc<Seat>) -> Vec<Arc<Seat>> {
        let mut away = self.away.lock();
        let name = &seat.route.endpoint.name;
        let mut gone: Vec<_> = away.extract_if(.., |s| s.route.endpoint.name == *name).collect();
        away.push(seat);
        if away.len() > MAX_SEATS {
            gone.push(away.remove(0));
        }
        gone
    }

    pub(super) fn look_after(&self, now: Instant, crew: &Crew, traffic: &Traffic) {
        self.home.load().look_after(now, crew, traffic);
        for seat in &*self.away.lock() {
            seat.look_after(now, crew, traffic);
        }
    }

    /// The connection is over.
    pub(super) async fn close(&self, totals: Totals, ended: Ended) {
        let away = std::mem::take(&mut *self.away.lock());
        for seat in away {
            seat.close(totals, ended).await;
        }
        self.home.load_full().close(totals, ended).await;
    }
}

/// Whether there is HTTP to be had of a route.
fn takes_exchanges(route: &Route) -> bool {
    route.endpoint.protocol.is_http() && !matches!(route.tls, TlsDefault::Pass)
}
