//! What a visitor's connection keeps for each route that it asked for.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use adit_chain::{Conn, Connected, Refusal, TlsMode, Totals};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    crew::Crew,
    headers::WhoCame,
    idle::{Found, Idle},
    pipe::Pipe,
    sock::Traffic,
};
use crate::{Ended, Route, forward::tell};

/// A route, admitted for one visitor's connection.
pub(super) struct Seat {
    pub(super) route: Arc<Route>,
    pub(super) conn: Arc<Conn>,
    pub(super) who: WhoCame,
    /// Present where the route was admitted here and not before.
    admission: Mutex<Option<Admission>>,
    idle: Mutex<Idle>,
    /// Cleared when the connection is over: pipes that come back later are dropped.
    open: AtomicBool,
}

/// What has to be undone when the connection is over.
struct Admission {
    connected: Connected,
    before: Totals,
    terms: Terms,
}

/// Why a connection comes to a route for which it was not accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Terms {
    /// The visitor asks for another host on the same connection.
    Shared,
    /// The route takes the place of the one that the connection was accepted for.
    Replaced,
    /// A handler sends an exchange here.
    Rerouted,
}

impl Terms {
    /// Whether the TLS that the visitor came in is not what the route wants: it ended before the
    /// route could say how.
    fn miss_tls(self, wanted: Option<&TlsMode>, conn: &Conn) -> bool {
        match (self, wanted) {
            (_, None) => false,
            // Nobody was asked for a certificate.
            (Self::Shared, Some(_)) => !shows_certificate(conn),
            (Self::Replaced, Some(mode)) => {
                matches!(mode, TlsMode::Mutual(_)) && !shows_certificate(conn)
            }
            // Whatever it shows was meant for another endpoint.
            (Self::Rerouted, Some(mode)) => matches!(mode, TlsMode::Mutual(_)),
        }
    }

    /// Whether the connection counts for the route. For the one whose counters go on it counts
    /// already.
    fn counts(self) -> bool {
        self != Self::Replaced
    }
}

impl Seat {
    /// A seat on a route that admitted the connection before.
    pub(super) fn admitted(route: Arc<Route>, conn: Arc<Conn>) -> Self {
        let who = WhoCame::new(&conn);
        let (admission, idle) = (Mutex::new(None), Mutex::default());
        Self { route, conn, who, admission, idle, open: AtomicBool::new(true) }
    }

    /// Asks a route to admit the connection.
    pub(super) async fn ask(
        route: Arc<Route>,
        conn: Arc<Conn>,
        before: Totals,
        terms: Terms,
    ) -> Result<Self, Refusal> {
        let mut connected = Connected::default();
        let mut admitted = route.chain.connect(&conn, &mut connected).await;
        if admitted.is_ok() && connected.take_divert().is_some() {
            tracing::warn!(id = %conn.id, "only a connection of its own can be led elsewhere");
            admitted = Err(Refusal::handler_failed());
        }
        if let Err(refusal) = admitted {
            tell(connected, &conn, Totals::default(), Ended::Refused).await;
            return Err(refusal);
        }
        if terms.miss_tls(connected.tls(), &conn) {
            tell(connected, &conn, Totals::default(), Ended::Refused).await;
            return Err(Refusal::misdirected());
        }
        if connected.has_wraps() && terms == Terms::Shared {
            tracing::warn!(id = %conn.id, "bytes cannot be wrapped on a shared HTTP listener");
        }
        if terms.counts() {
            route.metrics.opened();
        }
        let seat = Self::admitted(route, conn);
        *seat.admission.lock() = Some(Admission { connected, before, terms });
        Ok(seat)
    }

    /// An idle pipe, the most recently used first.
    pub(super) async fn take(&self, crew: &Crew) -> Option<Pipe> {
        loop {
            let found = self.idle.lock().take()?;
            match found {
                Found::Ready(pipe) => return Some(pipe),
                Found::Folded(folded) => {
                    if let Some(pipe) = Box::pin(folded.unfold(crew)).await {
                        return Some(pipe);
                    }
                }
            }
        }
    }

    /// Takes a pipe back that has done its work. Whether it can be used again shows when it is.
    pub(super) fn give_back(&self, pipe: Pipe) {
        if self.open.load(Relaxed) {
            self.idle.lock().give_back(pipe);
        }
    }

    /// Gives back what idle pipes hold, their memory first, then themselves.
    pub(super) fn look_after(&self, now: Instant, crew: &Crew, traffic: &Traffic) {
        let pipe_idle = self.route.limits.pipe_idle;
        for retired in self.idle.lock().look(now, pipe_idle, traffic.is_idle()) {
            crew.push(retired.close());
        }
    }

    /// The connection is over.
    pub(super) async fn close(&self, now: Totals, ended: Ended) {
        self.open.store(false, Relaxed);
        *self.idle.lock() = Idle::default();
        let admission = self.admission.lock().take();
        let Some(Admission { connected, before, terms }) = admission else { return };
        let totals = Totals {
            bytes_in: now.bytes_in - before.bytes_in,
            bytes_out: now.bytes_out - before.bytes_out,
        };
        if terms.counts() {
            self.route.metrics.closed(self.conn.started.elapsed(), totals);
        }
        tell(connected, &self.conn, totals, ended).await;
    }
}

/// Only a route that wants them makes visitors show certificates, and on such a connection no
/// other route is reached.
fn shows_certificate(conn: &Conn) -> bool {
    conn.tls.get().is_some_and(|tls| !tls.client_certificates.is_empty())
}

impl Drop for Seat {
    /// A connection that was cut has no time to tell anybody; the count must be right still.
    fn drop(&mut self) {
        if self.admission.get_mut().take().is_some_and(|admission| admission.terms.counts()) {
            self.route.metrics.closed(self.conn.started.elapsed(), Totals::default());
        }
    }
}
