//! Which route an exchange is for, and what the connection keeps for it.

use std::sync::Arc;

use adit_chain::{Conn, Refusal, Totals};
use http::HeaderValue;
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::time::Instant;

use super::{
    Visitor,
    away::Away,
    crew::Crew,
    own::Own,
    seat::{Seat, Terms},
    sock::Traffic,
};
use crate::{Ended, Route, Router, limits::MAX_SEATS, tap::Tap};

/// The seats of one visitor's connection.
pub(super) enum Places {
    /// The endpoint is known; `Host` can only be wrong.
    Own(Own),
    /// The route of each exchange is found by `Host`.
    ByHost(Box<ByHost>),
    /// Every exchange is refused, and a tap may want to see it.
    Refused(Refusal, Option<Tapped>),
}

/// A connection, and who watches the exchanges on it.
pub(super) type Tapped = (Arc<Conn>, Arc<dyn Tap>);

/// Seats that are taken as the visitor asks for them.
pub(super) struct ByHost {
    router: Arc<dyn Router>,
    visitor: Visitor,
    /// The seat that the connection came for, where SNI said so.
    home: Option<Arc<Seat>>,
    traffic: Arc<Traffic>,
    taken: Mutex<SmallVec<[Arc<Seat>; 1]>>,
    last: Mutex<Option<Last>>,
}

/// The answer to the last question, for as long as the router says the same.
struct Last {
    generation: u64,
    /// A copy: the header itself is a slice of the buffer that its request was read into.
    host: Box<[u8]>,
    seat: Arc<Seat>,
}

impl Places {
    pub(super) fn by_host(
        router: Arc<dyn Router>,
        visitor: Visitor,
        home: Option<Arc<Seat>>,
        traffic: Arc<Traffic>,
    ) -> Self {
        let (taken, last) = (Mutex::default(), Mutex::default());
        Self::ByHost(Box::new(ByHost { router, visitor, home, traffic, taken, last }))
    }

    /// The seat for an exchange.
    pub(super) async fn seat(&self, host: Option<&HeaderValue>) -> Result<Arc<Seat>, Refusal> {
        match self {
            Self::Own(own) if own.is_for(host) => own.seat().await,
            Self::Own(_) => Err(Refusal::misdirected()),
            Self::ByHost(places) => match places.remembered(host) {
                Some(seat) => Ok(seat),
                None => places.ask(host).await,
            },
            Self::Refused(refusal, _) => Err(refusal.clone()),
        }
    }

    /// Who watches the exchanges, if that is known before they have a seat.
    pub(super) fn tapped(&self) -> Option<Tapped> {
        match self {
            Self::Own(own) => own.tapped(),
            Self::ByHost(_) => None,
            Self::Refused(_, tapped) => tapped.clone(),
        }
    }

    /// The seat of a route that a handler named; `None` if there is no such route.
    pub(super) async fn named(
        &self,
        name: &str,
        away: &Away,
    ) -> Result<Option<Arc<Seat>>, Refusal> {
        match self {
            Self::ByHost(places) => places.sit(places.router.route(name)?).await.map(Some),
            Self::Own(own) => own.named(name, away).await,
            Self::Refused(..) => Ok(None),
        }
    }

    /// Looks after the pipes between exchanges; called now and then.
    pub(super) fn look_after(&self, now: Instant, crew: &Crew, traffic: &Traffic) {
        match self {
            Self::Own(own) => own.look_after(now, crew, traffic),
            Self::ByHost(places) => {
                for seat in places.taken.lock().iter().chain(&places.home) {
                    seat.look_after(now, crew, traffic);
                }
            }
            Self::Refused(..) => {}
        }
    }

    /// The connection is over.
    pub(super) async fn close(&self, totals: Totals, ended: Ended) {
        match self {
            Self::Own(own) => own.close(totals, ended).await,
            Self::ByHost(places) => {
                places.last.lock().take();
                let taken = std::mem::take(&mut *places.taken.lock());
                for seat in taken.iter().chain(&places.home) {
                    seat.close(totals, ended).await;
                }
            }
            Self::Refused(..) => {}
        }
    }
}

impl ByHost {
    fn remembered(&self, host: Option<&HeaderValue>) -> Option<Arc<Seat>> {
        let generation = self.router.generation()?;
        let last = self.last.lock();
        let last = last.as_ref().filter(|last| last.generation == generation)?;
        (*host?.as_bytes() == *last.host).then(|| Arc::clone(&last.seat))
    }

    async fn ask(&self, host: Option<&HeaderValue>) -> Result<Arc<Seat>, Refusal> {
        // Asked before the route: a change in between makes the answer stale and not the number.
        let generation = self.router.generation();
        let authority = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
        let route = match self.router.route(authority) {
            Ok(route) => route,
            Err(_) => {
                self.router.returning(authority).await;
                self.router.route(authority)?
            }
        };
        if let Some(home) = &self.home
            && home.route.endpoint.url != route.endpoint.url
        {
            return Err(Refusal::misdirected());
        }
        let seat = self.sit(route).await?;
        if let (Some(generation), Some(host)) = (generation, host) {
            let host = host.as_bytes().into();
            let last = Last { generation, host, seat: Arc::clone(&seat) };
            *self.last.lock() = Some(last);
        }
        Ok(seat)
    }

    async fn sit(&self, route: Arc<Route>) -> Result<Arc<Seat>, Refusal> {
        if let Some(seat) = self.find(&route) {
            return Ok(seat);
        }
        let conn = self.visitor.conn(Arc::clone(&route.endpoint));
        self.traffic.meter(&conn, &route.chain);
        let before = self.traffic.totals();
        let seat =
            Arc::new(Seat::ask(Arc::clone(&route), Arc::new(conn), before, Terms::Shared).await?);
        // An HTTP/2 visitor may have asked twice at once.
        if let Some(first) = self.find(&route) {
            seat.close(before, Ended::Done).await;
            return Ok(first);
        }
        let evicted = {
            let mut taken = self.taken.lock();
            taken.push(Arc::clone(&seat));
            (taken.len() > MAX_SEATS).then(|| taken.remove(0))
        };
        if let Some(evicted) = evicted {
            evicted.close(self.traffic.totals(), Ended::Done).await;
        }
        Ok(seat)
    }

    fn find(&self, route: &Arc<Route>) -> Option<Arc<Seat>> {
        let taken = self.taken.lock();
        let mut all = self.home.iter().chain(taken.iter());
        all.find(|seat| Arc::ptr_eq(&seat.route, route)).map(Arc::clone)
    }
}
