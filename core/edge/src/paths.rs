//! Over which legs an agent's tunnel can be reached.
//!
//! ```text
//! (none: away) ── bind answered ──▶ held ── agent's FIN, or 250 ms ──▶ online
//!       ▲                                                                │
//!       └──────────────────────────── leg ends ──────────────────────────┘
//! ```
//!
//! An agent registers a tunnel after it has read our answer; a visitor sent right behind the answer
//! is often lost. So visitors wait while every path is held, and for a short while when there is
//! none: the agent may be on its way back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use adit_mux::Session;
use adit_proto::{heartbeat::Pulse, peer::Family};
use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long an agent may take to answer a ping before others get its visitors. Reason: longer than any
/// round trip, and short against the heartbeat, which decides that it is gone.
const SILENT_AFTER: Duration = Duration::from_secs(2);

/// One authenticated connection of an agent.
#[derive(Debug)]
pub(crate) struct AgentLeg {
    /// Its number within the session.
    pub(crate) number: u32,
    pub(crate) family: Family,
    pub(crate) mux: Session,
    /// One permit per visitor.
    pub(crate) room: Arc<Semaphore>,
    /// Secret of the session, with which the agent marks its own answers.
    pub(crate) origin: Arc<str>,
    /// What was heard of the agent.
    pub(crate) pulse: Pulse,
    /// Asks the leg's task to end it.
    pub(crate) end: CancellationToken,
}

/// Over which legs one tunnel can be reached.
#[derive(Debug)]
pub(crate) struct Paths {
    legs: Mutex<Vec<Path>>,
    changed: watch::Sender<()>,
    /// Never to be reached again.
    closed: AtomicBool,
}

#[derive(Clone, Debug)]
struct Path {
    leg: Arc<AgentLeg>,
    /// Since when visitors may use it.
    online: Option<Instant>,
}

/// How soon a tunnel can take a visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// At once.
    Online,
    /// As soon as the agent is ready.
    Held,
    /// When the agent comes back.
    Away,
}

impl Paths {
    pub(crate) fn new() -> Self {
        let changed = watch::Sender::new(());
        Self { legs: Mutex::default(), changed, closed: AtomicBool::new(false) }
    }

    /// Adds a leg, held; or holds it again.
    pub(crate) fn hold(&self, leg: &Arc<AgentLeg>) {
        let mut legs = self.legs.lock();
        legs.retain(|path| !Arc::ptr_eq(&path.leg, leg));
        legs.push(Path { leg: Arc::clone(leg), online: None });
    }

    /// Lets visitors use a leg.
    pub(crate) fn go_online(&self, leg: &Arc<AgentLeg>) {
        for path in self.legs.lock().iter_mut().filter(|path| Arc::ptr_eq(&path.leg, leg)) {
            path.online.get_or_insert_with(Instant::now);
        }
        self.changed.send_replace(());
    }

    /// The leg is gone.
    pub(crate) fn remove(&self, leg: &Arc<AgentLeg>) {
        self.legs.lock().retain(|path| !Arc::ptr_eq(&path.leg, leg));
        self.changed.send_replace(());
    }

    /// The tunnel is gone.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.changed.send_replace(());
    }

    pub(crate) fn reach(&self) -> Reach {
        let legs = self.legs.lock();
        match () {
            () if legs.iter().any(|path| path.online.is_some()) => Reach::Online,
            () if legs.is_empty() => Reach::Away,
            () => Reach::Held,
        }
    }

    /// Whether nobody answers pings where visitors would be sent.
    pub(crate) fn is_silent(&self) -> bool {
        let legs = self.legs.lock();
        let mut online = legs.iter().filter(|path| path.online.is_some());
        online.all(|path| path.leg.pulse.owes(SILENT_AFTER))
    }

    /// Every leg of the tunnel, for messages to the agent.
    pub(crate) fn legs(&self) -> Vec<Arc<AgentLeg>> {
        self.legs.lock().iter().map(|path| Arc::clone(&path.leg)).collect()
    }

    /// The online leg with most room, and since when it is online. Waits for one, at most `within`.
    pub(crate) async fn ready(&self, within: Duration) -> Option<(Arc<AgentLeg>, Instant)> {
        if let Some(best) = self.best() {
            return Some(best);
        }
        let mut changes = self.changed.subscribe();
        let wait = async {
            loop {
                if self.closed.load(Ordering::Acquire) {
                    return None;
                }
                if let Some(best) = self.best() {
                    return Some(best);
                }
                changes.changed().await.ok()?;
            }
        };
        timeout(within, wait).await.ok().flatten()
    }

    fn best(&self) -> Option<(Arc<AgentLeg>, Instant)> {
        if self.closed.load(Ordering::Acquire) {
            return None;
        }
        let legs = self.legs.lock();
        let online = legs.iter().filter_map(|path| Some((&path.leg, path.online?)));
        let (leg, since) = online.max_by_key(|(leg, _)| leg.room.available_permits())?;
        Some((Arc::clone(leg), since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn leg(room: usize) -> Arc<AgentLeg> {
        let (near, _far) = tokio::io::duplex(64);
        let (mux, _, _) = adit_mux::session(near, adit_mux::Config::edge());
        Arc::new(AgentLeg {
            number: 0,
            family: Family::Adit,
            mux,
            room: Arc::new(Semaphore::new(room)),
            origin: "ts_1".into(),
            pulse: Pulse::new(),
            end: CancellationToken::new(),
        })
    }

    const WAIT: Duration = Duration::from_secs(3);

    #[tokio::test(start_paused = true)]
    async fn visitors_wait_while_a_path_is_held() {
        let (paths, only) = (Paths::new(), leg(1));
        assert_eq!(paths.reach(), Reach::Away);
        paths.hold(&only);
        assert_eq!(paths.reach(), Reach::Held);
        let release = async {
            tokio::time::sleep(Duration::from_millis(250)).await;
            paths.go_online(&only);
        };
        let start = Instant::now();
        let (found, ()) = tokio::join!(paths.ready(WAIT), release);
        assert!(Arc::ptr_eq(&found.unwrap().0, &only));
        assert_eq!(start.elapsed(), Duration::from_millis(250));
        assert_eq!(paths.reach(), Reach::Online);
    }

    #[tokio::test(start_paused = true)]
    async fn a_tunnel_that_stays_away_is_given_up() {
        let start = Instant::now();
        assert!(Paths::new().ready(WAIT).await.is_none());
        assert_eq!(start.elapsed(), WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_tunnel_is_given_up_at_once() {
        let (paths, only) = (Paths::new(), leg(1));
        let close = async { paths.close() };
        let (found, ()) = tokio::join!(paths.ready(WAIT), close);
        assert!(found.is_none());
        paths.hold(&only);
        paths.go_online(&only);
        assert!(paths.ready(WAIT).await.is_none());
    }

    #[tokio::test]
    async fn the_leg_with_most_room_is_taken() {
        let (paths, narrow, wide) = (Paths::new(), leg(1), leg(2));
        for leg in [&narrow, &wide] {
            paths.hold(leg);
            paths.go_online(leg);
        }
        assert!(Arc::ptr_eq(&paths.ready(WAIT).await.unwrap().0, &wide));
        paths.remove(&wide);
        assert!(Arc::ptr_eq(&paths.ready(WAIT).await.unwrap().0, &narrow));
    }
}
