//! What a visitor's connection keeps for each route that it asked for.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use adit_chain::{Conn, Connected, Refusal, Totals};
use parking_lot::Mutex;

use super::{headers::WhoCame, pipe::Pipe};
use crate::{Route, limits::MAX_IDLE_PIPES};

/// A route, admitted for one visitor's connection.
pub(super) struct Seat {
    pub(super) route: Arc<Route>,
    pub(super) conn: Arc<Conn>,
    pub(super) who: WhoCame,
    /// Present where the route was admitted here and not before.
    admission: Mutex<Option<Admission>>,
    idle: Mutex<Vec<Pipe>>,
    /// Cleared when the connection is over: pipes that come back later are dropped.
    open: AtomicBool,
}

/// What has to be undone when the connection is over.
struct Admission {
    connected: Connected,
    before: Totals,
}

impl Seat {
    /// A seat on a route that admitted the connection before.
    pub(super) fn admitted(route: Arc<Route>, conn: Arc<Conn>) -> Self {
        let who = WhoCame::new(&conn);
        let (admission, idle) = (Mutex::new(None), Mutex::new(Vec::new()));
        Self { route, conn, who, admission, idle, open: AtomicBool::new(true) }
    }

    /// Asks a route to admit the connection.
    pub(super) async fn ask(
        route: Arc<Route>,
        conn: Arc<Conn>,
        before: Totals,
    ) -> Result<Self, Refusal> {
        let connected = route.chain.connect(&conn).await?;
        if connected.has_wraps() {
            tracing::warn!(id = %conn.id, "bytes cannot be wrapped on a shared HTTP listener");
        }
        route.metrics.opened();
        let seat = Self::admitted(route, conn);
        *seat.admission.lock() = Some(Admission { connected, before });
        Ok(seat)
    }

    /// An idle pipe, the most recently used first.
    pub(super) fn take(&self) -> Option<Pipe> {
        let mut idle = self.idle.lock();
        while let Some(pipe) = idle.pop() {
            if pipe.is_closed() {
                continue;
            }
            if let Some(shared) = pipe.share() {
                idle.push(pipe);
                return Some(shared);
            }
            return Some(pipe);
        }
        None
    }

    /// Takes a pipe back that has done its work. Whether it can be used again shows when it is.
    pub(super) fn give_back(&self, pipe: Pipe) {
        if pipe.is_closed() || !self.open.load(Relaxed) {
            return;
        }
        let mut idle = self.idle.lock();
        let is_shared = pipe.share().is_some();
        if idle.len() < MAX_IDLE_PIPES && (!is_shared || idle.is_empty()) {
            idle.push(pipe);
        }
    }

    /// The connection is over.
    pub(super) async fn close(&self, now: Totals) {
        self.open.store(false, Relaxed);
        self.idle.lock().clear();
        let admission = self.admission.lock().take();
        let Some(Admission { connected, before }) = admission else { return };
        let totals = Totals {
            bytes_in: now.bytes_in - before.bytes_in,
            bytes_out: now.bytes_out - before.bytes_out,
        };
        self.route.metrics.closed(self.conn.started.elapsed(), totals);
        connected.close(totals).await;
    }
}

impl Drop for Seat {
    /// A connection that was cut has no time to tell anybody; the count must be right still.
    fn drop(&mut self) {
        if self.admission.get_mut().take().is_some() {
            self.route.metrics.closed(self.conn.started.elapsed(), Totals::default());
        }
    }
}
