//! The first seconds of an edge: the agents of before are on their way back.
//!
//! A visitor who comes for a name that is not served yet waits for it, as it would for an agent that
//! is away. Later a name that is not served is unknown, and the visitor is told at once.

use std::time::Duration;

use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use crate::table::Routes;

/// Visitors who wait at once. Reason: each costs a connection and what it has sent, some 20 KiB; the
/// half second that agents need brings a busy edge about as many. The others are told at once.
const MAX_WAITING: usize = 1024;

/// Who waits for the agents of before, and how long.
#[derive(Debug)]
pub(crate) struct Restart {
    end: Instant,
    room: Semaphore,
}

impl Restart {
    /// Begins now. Nobody waits longer than until `within` is over, whenever they came.
    pub(crate) fn new(within: Duration) -> Self {
        Self { end: Instant::now() + within, room: Semaphore::new(MAX_WAITING) }
    }

    /// Waits until a name is served, if it may be soon.
    pub(crate) async fn served(&self, routes: &Routes, is_served: impl Fn() -> bool + Send) {
        if Instant::now() >= self.end {
            return;
        }
        let Ok(_place) = self.room.try_acquire() else { return };
        let mut changes = routes.changes();
        let wait = async { while !is_served() && changes.changed().await.is_ok() {} };
        let _ = timeout_at(self.end, wait).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use adit_proto::message::Proto;

    use super::*;
    use crate::{address::Key, table::Pool};

    const WITHIN: Duration = Duration::from_secs(3);

    fn key() -> Key {
        Key::Plain("a.example".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_visitor_waits_until_its_name_is_served() {
        let (restart, routes) = (Restart::new(WITHIN), Routes::default());
        let start = Instant::now();
        let bind = async {
            tokio::time::sleep(Duration::from_millis(400)).await;
            routes.insert(&Key::Plain("b.example".to_owned()), &Arc::new(Pool::new(Proto::Http)));
            tokio::time::sleep(Duration::from_millis(400)).await;
            routes.insert(&key(), &Arc::new(Pool::new(Proto::Http)));
        };
        tokio::join!(restart.served(&routes, || routes.plain("a.example").is_some()), bind);
        assert_eq!(start.elapsed(), Duration::from_millis(800));
        restart.served(&routes, || true).await;
        assert_eq!(start.elapsed(), Duration::from_millis(800));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_after_the_first_seconds() {
        let (restart, routes) = (Restart::new(WITHIN), Routes::default());
        let start = Instant::now();
        tokio::time::sleep(Duration::from_secs(2)).await;
        restart.served(&routes, || false).await;
        assert_eq!(start.elapsed(), WITHIN);
        restart.served(&routes, || false).await;
        assert_eq!(start.elapsed(), WITHIN);
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_wait_and_the_others_are_told_at_once() {
        let (restart, routes) = (Restart::new(WITHIN), Routes::default());
        let start = Instant::now();
        let waiting = (0..MAX_WAITING).map(|_| restart.served(&routes, || false));
        let all = futures_util::future::join_all(waiting);
        let one_more = async {
            tokio::task::yield_now().await;
            restart.served(&routes, || false).await;
            start.elapsed()
        };
        let (_, told) = tokio::join!(all, one_more);
        assert_eq!((told, start.elapsed()), (Duration::ZERO, WITHIN));
    }
}
