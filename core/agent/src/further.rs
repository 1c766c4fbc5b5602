//! Further connections of one session, to other addresses of the same edge.
//!
//! ```text
//! leg 0  bind ──> id, token, options ──┐
//! leg 1        the same, with the id <─┤   each leg connects again by itself
//! leg 2        the same, with the id <─┘
//! ```
//!
//! Fact: as the Go SDK does it. Legs are begun one after the other, each when the previous one has
//! authenticated; what their binds are answered with does not matter, unless it is an error.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use adit_net::Drained;
use adit_proto::rpc::CALL_TIMEOUT;
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tracing::{debug, info, warn};

use crate::{
    Dialer,
    backoff::{self, Backoff},
    bound::{self, Bound},
    error::chain,
    leg::{Leg, Number, Welcome},
    shared::{Ending, Legs, Shared},
    supervise,
};

/// How often an endpoint is asked for again that a further leg did not get.
const RETRY: Duration = Duration::from_secs(30);

/// Begins the further legs, if the edge offers any and they are wanted.
pub(crate) fn start(shared: &Arc<Shared>, welcome: &Welcome) -> Vec<Running> {
    if shared.settings.legs == Legs::One {
        return Vec::new();
    }
    let (mut previous, mut begin) = (None, Vec::new());
    for (leg, address) in (1..).zip(&welcome.further) {
        let Some(dialer) = shared.settings.dialer.to(address) else {
            warn!(obj = "tunnels.session", address, "cannot connect a further leg to this address");
            continue;
        };
        let (authenticated, next) = oneshot::channel();
        let before = previous.replace(next);
        let keep = keep(Arc::clone(shared), leg, dialer, before, authenticated);
        begin.push(shared.spawner.spawn(keep));
    }
    begin
}

/// A further leg, until the session ends.
pub(crate) type Running = JoinHandle<Option<Drained>>;

/// Waits for the ends of all legs.
pub(crate) async fn join(legs: Vec<Running>, mut drained: Drained) -> Drained {
    for leg in legs {
        if let Ok(Some(result)) = leg.await {
            drained = drained.and(result);
        }
    }
    drained
}

/// Keeps one leg connected until the session ends.
async fn keep(
    shared: Arc<Shared>,
    leg: u32,
    dialer: Arc<dyn Dialer>,
    before: Option<oneshot::Receiver<()>>,
    authenticated: oneshot::Sender<()>,
) -> Drained {
    let stop = shared.stop.clone();
    let life = async {
        if let Some(before) = before {
            // An error means that the previous one is gone for good: our turn.
            let _ = before.await;
        }
        let mut authenticated = Some(authenticated);
        let mut backoff = Backoff::default();
        let mut number = Number { leg, n: 0 };
        loop {
            number.n += 1;
            let connection = connect(&shared, &*dialer, number, &mut backoff).await;
            if let Some(authenticated) = authenticated.take() {
                let _ = authenticated.send(());
            }
            info!(obj = "tunnels.session", leg, "leg established");
            let since = Instant::now();
            let reason = tokio::select! {
                biased;
                () = stop.cancelled() => return connection,
                reason = connection.lost() => reason,
                never = mirror(&shared, &connection) => match never {},
            };
            warn!(obj = "tunnels.session", leg, err = %reason, "leg lost");
            if since.elapsed() >= supervise::LASTED {
                backoff.reset();
            }
            shared.spawner.spawn(connection.bury());
        }
    };
    let connection = tokio::select! {
        // While connected, `life` itself looks at the stop: it has a connection to wind down.
        biased;
        connection = life => connection,
        () = stop.cancelled() => return Drained::Clean,
    };
    let grace = shared.ending().map_or_else(Default::default, |Ending { grace, .. }| grace);
    connection.wind_down(&shared, grace).await
}

async fn connect(
    shared: &Arc<Shared>,
    dialer: &dyn Dialer,
    number: Number,
    backoff: &mut Backoff,
) -> Leg {
    let mut pause = backoff.next(backoff::chance());
    loop {
        sleep(pause).await;
        match Leg::establish(shared, dialer, number).await {
            Ok(leg) => return leg,
            Err(error) => {
                pause = supervise::after(&error, backoff);
                let leg = number.leg;
                warn!(obj = "tunnels.session", leg, err = %chain(&error), "leg not established");
            }
        }
    }
}

/// Binds on this leg whatever is bound on the first one, and gives back what is not any more.
async fn mirror(shared: &Shared, leg: &Leg) -> Infallible {
    let mut changed = shared.changed.subscribe();
    let mut here = HashMap::new();
    loop {
        changed.mark_unchanged();
        let missing = mirror_once(shared, leg, &mut here).await;
        tokio::select! {
            _ = changed.changed() => {}
            () = sleep(RETRY), if missing == Missing::Some => {}
        }
    }
}

/// Whether an endpoint is not served on this leg although it should be.
#[derive(PartialEq, Eq)]
enum Missing {
    None,
    Some,
}

async fn mirror_once(
    shared: &Shared,
    leg: &Leg,
    here: &mut HashMap<String, Arc<Bound>>,
) -> Missing {
    let wanted: HashMap<_, _> = shared.endpoints().into_iter().map(|b| (b.id(), b)).collect();
    let gone: Vec<_> = here.extract_if(|id, _| !wanted.contains_key(id)).collect();
    for (id, bound) in gone {
        if !bound.was_stopped_by_edge() {
            bound::unbind(&leg.mux, &id, CALL_TIMEOUT).await;
        }
    }
    let mut missing = Missing::None;
    for (id, bound) in wanted {
        if here.contains_key(&id) {
            continue;
        }
        match bound::ask(&leg.mux, &bound.plan(), Some(&bound.state())).await {
            Ok(granted) => {
                granted.confirm().await;
                here.insert(id, bound);
            }
            Err(error) => {
                missing = Missing::Some;
                debug!(id, err = %chain(&error), "endpoint not served on a further leg");
            }
        }
    }
    missing
}
