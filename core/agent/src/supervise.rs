//! Keeps a session alive over lost connections.
//!
//! ```text
//! online ── lost ──> [pause] ── connect ── bind all again ──> online
//!    │                  ^          │ failed
//!    │ stop             └──────────┘
//!    └──> wind down
//! ```

use std::{convert::Infallible, sync::Arc, time::Duration};

use adit_net::Drained;
use adit_proto::rpc::CallError;
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep};
use tracing::{error, info};

use crate::{
    ConnectError, Event, Status, Stopped,
    backoff::{self, Backoff},
    bound,
    error::chain,
    further,
    leg::{Leg, Number},
    shared::{Ending, Online, Shared},
};

/// Calls under way at once. Fact: edges refuse more than 16.
const MAX_CALLS: usize = 8;

/// A connection that lasted this long was a success: the next loss is answered at once.
pub(crate) const LASTED: Duration = Duration::from_secs(10);

/// How often the edge is asked for endpoints that it refused to take back.
pub(crate) const REFUSED_RETRY: Duration = Duration::from_secs(30);

/// Connects for the first time: until it works, or will not.
pub(crate) async fn connect(shared: &Arc<Shared>) -> Result<Leg, ConnectError> {
    let mut backoff = Backoff::default();
    let mut pause = backoff.next(backoff::chance());
    loop {
        sleep(pause).await;
        let first = Number { leg: 0, n: 1 };
        match Leg::establish(shared, &*shared.settings.dialer, first).await {
            Ok(leg) => {
                announce(shared, &leg);
                return Ok(leg);
            }
            Err(error) => {
                let err = chain(&error);
                if error.is_permanent() {
                    error!(obj = "tunnels.session", %err, "session closing");
                    return Err(error);
                }
                pause = after(&error, &mut backoff);
                failed(&err, pause);
                shared.tell(Event::ReconnectFailed { reason: err, retry_in: pause });
            }
        }
    }
}

/// Keeps the session alive until it shall end, and ends it.
pub(crate) async fn supervise(shared: Arc<Shared>, first: Leg) -> Drained {
    let mut leg = first;
    let further = further::start(&shared, &leg.welcome);
    let mut backoff = Backoff::default();
    let drained = loop {
        let since = Instant::now();
        let reason = tokio::select! {
            biased;
            () = shared.stop.cancelled() => break end(&shared, Some(leg)).await,
            reason = tend(&shared, &leg) => reason,
        };
        shared.online.send_replace(None);
        *shared.current.lock() = None;
        shared.status.send_replace(Status::Reconnecting);
        error!(obj = "tunnels.session", err = %reason, "session closed, starting reconnect loop");
        shared.tell(Event::Disconnected { reason });
        match since.elapsed() >= LASTED {
            true => backoff.reset(),
            false => backoff.start_over(),
        }
        let number = Number { n: leg.number.n + 1, ..leg.number };
        shared.spawner.spawn(leg.bury());
        let again = tokio::select! {
            biased;
            () = shared.stop.cancelled() => None,
            again = reconnect(&shared, number, &mut backoff) => Some(again),
        };
        match again {
            Some(again) => leg = again,
            None => break end(&shared, None).await,
        }
    };
    further::join(further, drained).await
}

/// Binds on a fresh connection what is not bound on it, then lets it be used; returns when it is
/// lost, with the reason.
async fn tend(shared: &Arc<Shared>, leg: &Leg) -> Arc<str> {
    tokio::select! {
        reason = leg.lost() => reason,
        never = bind_on(shared, leg) => match never {},
    }
}

async fn bind_on(shared: &Arc<Shared>, leg: &Leg) -> Infallible {
    bind_stale(shared, leg).await;
    shared.online.send_replace(Some(Online { n: leg.number.n, mux: leg.mux.clone() }));
    loop {
        let any_refused = shared.endpoints().iter().any(|bound| bound.is_refused());
        tokio::select! {
            () = shared.stale.notified() => {}
            () = sleep(REFUSED_RETRY), if any_refused => {}
        }
        bind_stale(shared, leg).await;
    }
}

/// Binds again what the edge does not know on this connection, or refused to take back.
async fn bind_stale(shared: &Arc<Shared>, leg: &Leg) {
    let n = leg.number.n;
    let mut stale = shared.endpoints();
    stale.retain(|bound| bound.is_stale(n) || bound.is_refused());
    in_parallel(stale, |bound| async move {
        match bound::rebind(shared, &bound, &leg.mux, n).await {
            Ok(()) => {}
            // It stays stale; if the connection is lost, the next one takes care of it.
            Err(error @ CallError::Timeout { .. }) => {
                error!(obj = "tunnels", name = %bound.name, err = %chain(&error), "no answer");
                shared.stale.notify_one();
            }
            Err(error) => {
                error!(obj = "tunnels", name = %bound.name, err = %chain(&error), "no answer");
                sleep(backoff::FIRST).await;
                shared.stale.notify_one();
            }
        }
    })
    .await;
}

/// Connects again, as often as it takes.
async fn reconnect(shared: &Arc<Shared>, number: Number, backoff: &mut Backoff) -> Leg {
    let mut pause = backoff.next(backoff::chance());
    loop {
        sleep(pause).await;
        let error = match Leg::establish(shared, &*shared.settings.dialer, number).await {
            Ok(leg) => {
                announce(shared, &leg);
                return leg;
            }
            Err(error) => error,
        };
        pause = after(&error, backoff);
        let reason = chain(&error);
        failed(&reason, pause);
        shared.tell(Event::ReconnectFailed { reason, retry_in: pause });
    }
}

fn failed(err: &str, pause: Duration) {
    let retry_in = format_args!("{pause:.1?}");
    error!(obj = "tunnels.session", err, %retry_in, "failed to reconnect session");
}

/// The pause after a failed attempt to connect again.
pub(crate) fn after(error: &ConnectError, backoff: &mut Backoff) -> Duration {
    match error {
        // The next attempt is another one: it is that of a new session.
        error if error.is_unknown_session() => backoff.next(backoff::chance()),
        ConnectError::Refused(_) if error.is_permanent() => backoff.next_slow(backoff::chance()),
        error if error.is_absent() => backoff.next_absent(backoff::chance()),
        _ => backoff.next(backoff::chance()),
    }
}

fn announce(shared: &Shared, leg: &Leg) {
    info!(obj = "tunnels.session", "client session established");
    info!(obj = "tunnels.session", "tunnel session started");
    *shared.current.lock() = Some(leg.mux.clone());
    shared.status.send_replace(Status::Online(Arc::clone(&leg.welcome.info)));
    shared.tell(Event::Connected(Arc::clone(&leg.welcome.info)));
}

/// Ends the session: endpoints go, connections drain, the edge is told.
async fn end(shared: &Arc<Shared>, leg: Option<Leg>) -> Drained {
    // Stopped without a word: the owner was dropped, and everything is about to be cut.
    let ending = shared.ending();
    let ending = ending.unwrap_or(Ending { why: Stopped::ByOwner, grace: Duration::ZERO });
    shared.online.send_replace(None);
    let drained = match leg {
        Some(leg) => leg.wind_down(shared, ending.grace).await,
        None => Drained::Clean,
    };
    *shared.current.lock() = None;
    for bound in shared.endpoints() {
        bound::remove(shared, &bound.id(), crate::Down::Closed);
    }
    info!(obj = "tunnels.session", err = "nil", "session closing");
    let why = Arc::new(ending.why);
    shared.status.send_replace(Status::Ended(Arc::clone(&why)));
    shared.tell(Event::Stopped(why));
    drained
}

/// Does the same for all items, a few at a time.
pub(crate) async fn in_parallel<T, F: Future<Output = ()>>(items: Vec<T>, work: impl Fn(T) -> F) {
    stream::iter(items).for_each_concurrent(MAX_CALLS, work).await;
}
