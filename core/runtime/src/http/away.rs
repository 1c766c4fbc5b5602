//! The seats of a connection on the routes that handlers send exchanges to.

use std::sync::Arc;

use adit_chain::{Conn, Refusal, Totals};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    crew::Crew,
    seat::{Seat, Terms},
    sock::Traffic,
};
use crate::{Ended, Route, limits::MAX_SEATS};

/// Where handlers sent exchanges, the least recent first.
#[derive(Default)]
pub(super) struct Away(Mutex<Vec<Arc<Seat>>>);

impl Away {
    /// A seat on a route, for a connection that came to another endpoint.
    pub(super) async fn seat(
        &self,
        route: Arc<Route>,
        conn: &Conn,
        traffic: &Traffic,
    ) -> Result<Arc<Seat>, Refusal> {
        if let Some(seat) = self.find(&route) {
            return Ok(seat);
        }
        let conn = Arc::new(conn.moved(Arc::clone(&route.endpoint)));
        let before = traffic.totals();
        let seat = Arc::new(Box::pin(Seat::ask(route, conn, before, Terms::Rerouted)).await?);
        // Exchanges of an HTTP/2 visitor may have asked at once.
        if let Some(first) = self.find(&seat.route) {
            seat.close(traffic.totals(), Ended::Done).await;
            return Ok(first);
        }
        for left in self.keep(Arc::clone(&seat)) {
            left.close(traffic.totals(), Ended::Done).await;
        }
        Ok(seat)
    }

    fn find(&self, route: &Arc<Route>) -> Option<Arc<Seat>> {
        let seats = self.0.lock();
        seats.iter().find(|seat| Arc::ptr_eq(&seat.route, route)).map(Arc::clone)
    }

    /// Keeps a seat, and returns those that have to go for it: on a route that it replaces, or one
    /// too many.
    fn keep(&self, seat: Arc<Seat>) -> Vec<Arc<Seat>> {
        let mut seats = self.0.lock();
        let name = &seat.route.endpoint.name;
        let mut gone: Vec<_> = seats.extract_if(.., |s| s.route.endpoint.name == *name).collect();
        seats.push(seat);
        if seats.len() > MAX_SEATS {
            gone.push(seats.remove(0));
        }
        gone
    }

    /// Looks after the pipes between exchanges.
    pub(super) fn look_after(&self, now: Instant, crew: &Crew, traffic: &Traffic) {
        for seat in &*self.0.lock() {
            seat.look_after(now, crew, traffic);
        }
    }

    /// The connection is over.
    pub(super) async fn close(&self, totals: Totals, ended: Ended) {
        let seats = std::mem::take(&mut *self.0.lock());
        for seat in seats {
            seat.close(totals, ended).await;
        }
    }
}
