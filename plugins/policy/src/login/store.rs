//! Where sessions are kept: in memory, bounded, by the digests of what the browsers hold.
//!
//! ```text
//! Logins (one for the process) ─▶ Store (one for actions that mean the same) ─▶ Session
//! ```
//!
//! A configuration that is read again, an agent that connects again, and several agents behind one
//! address on one edge find the sessions that there are.

use std::{
    collections::HashMap,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;

use super::{
    cache::Cache,
    clock::{Clock, since},
    discovery::Document,
    keys::KeySet,
    secrets::{Seal, digest, random, to_text},
    session::Session,
    state::{State, Used},
};

/// Sessions of one store.
///
/// Reason: some KiB each, with the tokens in them, so tens of MiB at most; a tunnel has far fewer
/// visitors. Past it, who was away longest logs in again.
const MAX_SESSIONS: usize = 4096;

/// Stores of actions that are gone, and whose sessions wait for them to come back.
///
/// Reason: more than a configuration has; without a bound an edge would keep everything that its
/// agents ever asked for.
const MAX_WAITING: usize = 64;

/// How long a key set or a provider's description is fresh.
///
/// Fact: key sets are fetched again about every 15 minutes, in the service whose policies these
/// are.
const FRESH: Duration = Duration::from_secs(15 * 60);

/// What the logins of a process have in common: sessions, and what providers publish.
#[derive(Clone, Debug, Default)]
pub struct Logins(Arc<Inner>);

struct Inner {
    clock: Clock,
    seal: Seal,
    stores: Mutex<HashMap<[u8; 32], Arc<Store>>>,
    documents: Cache<Document>,
    keys: Cache<KeySet>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            clock: Clock::default(),
            seal: Seal::new(),
            stores: Mutex::default(),
            documents: Cache::new(FRESH),
            keys: Cache::new(FRESH),
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins").field("n_stores", &self.stores.lock().len()).finish()
    }
}

impl Logins {
    /// What time it is.
    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// What closes states.
    pub(crate) fn seal(&self) -> &Seal {
        &self.0.seal
    }

    /// What providers say of themselves.
    pub(crate) fn documents(&self) -> &Cache<Document> {
        &self.0.documents
    }

    /// Keys that providers publish.
    pub(crate) fn keys(&self) -> &Cache<KeySet> {
        &self.0.keys
    }

    /// The store of all actions with this key.
    pub(crate) fn store(&self, key: [u8; 32]) -> Arc<Store> {
        let mut stores = self.0.stores.lock();
        if let Some(store) = stores.get(&key) {
            return Arc::clone(store);
        }
        stores.retain(|_, store| Arc::strong_count(store) > 1 || !store.is_empty());
        let waiting = || stores.iter().filter(|(_, store)| Arc::strong_count(store) == 1);
        if waiting().count() >= MAX_WAITING
            && let Some(oldest) =
                waiting().min_by_key(|(_, store)| store.used()).map(|(key, _)| *key)
        {
            stores.remove(&oldest);
        }
        let store = Arc::new(Store { key, inner: Mutex::default() });
        stores.insert(key, Arc::clone(&store));
        store
    }
}

/// The sessions of actions that mean the same.
pub(crate) struct Store {
    key: [u8; 32],
    inner: Mutex<Sessions>,
}

#[derive(Default)]
struct Sessions {
    sessions: HashMap<[u8; 32], Arc<Session>>,
    used: Used,
}

impl Store {
    /// What its actions have in common.
    pub(crate) const fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Keeps a session. Returns what the browser gets: nothing else finds the session again.
    pub(crate) fn keep(
        &self,
        make: impl FnOnce(String) -> Session,
        max: Duration,
        now: SystemTime,
    ) -> String {
        let secret = to_text(&random());
        let key = hashed(&secret);
        let session = Arc::new(make(format!("ses_{}", to_text(&digest(&[b"name", &key])[..16]))));
        let mut inner = self.inner.lock();
        let sessions = &mut inner.sessions;
        if sessions.len() >= MAX_SESSIONS {
            sessions.retain(|_, session| since(session.since, now) < max);
        }
        if sessions.len() >= MAX_SESSIONS
            && let Some(idlest) = sessions.iter().min_by_key(|(_, session)| session.used())
        {
            let idlest = *idlest.0;
            sessions.remove(&idlest);
        }
        sessions.insert(key, session);
        secret
    }

    /// The session of a browser that sent this.
    pub(crate) fn find(&self, secret: &str) -> Option<Arc<Session>> {
        self.inner.lock().sessions.get(&hashed(secret)).cloned()
    }

    /// Ends the session of a browser that sent this.
    pub(crate) fn end(&self, secret: &str) -> Option<Arc<Session>> {
        self.inner.lock().sessions.remove(&hashed(secret))
    }

    /// Notes that a login came back; tells whether it is the first time.
    pub(crate) fn first(&self, state: &State, now: SystemTime) -> bool {
        self.inner.lock().used.first(state, now)
    }

    fn is_empty(&self) -> bool {
        self.inner.lock().sessions.is_empty()
    }

    fn used(&self) -> Option<SystemTime> {
        self.inner.lock().sessions.values().map(|session| session.used()).max()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("n_sessions", &self.inner.lock().sessions.len()).finish()
    }
}

fn hashed(secret: &str) -> [u8; 32] {
    digest(&[b"session", secret.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(id: String, now: SystemTime) -> Session {
        Session::new(id, [0; 32], Arc::default(), now)
    }

    #[test]
    fn a_full_store_forgets_who_was_away_longest() {
        let (logins, max) = (Logins::default(), Duration::from_secs(3600));
        let (store, start) = (logins.store([1; 32]), SystemTime::now());
        let at = |n: usize| start + Duration::from_millis(n as u64);
        let keep = |n: usize| store.keep(|id| session(id, at(n)), max, at(n));
        let secrets: Vec<_> = (0..MAX_SESSIONS).map(keep).collect();
        store.find(&secrets[0]).unwrap().touch(at(MAX_SESSIONS));
        keep(MAX_SESSIONS);
        assert!(store.find(&secrets[0]).is_some());
        assert!(store.find(&secrets[1]).is_none());
        assert!(store.find(&secrets[2]).is_some());
    }

    #[test]
    fn sessions_wait_for_their_action_to_come_back() {
        let (logins, now) = (Logins::default(), SystemTime::now());
        let secret = {
            let store = logins.store([1; 32]);
            store.keep(|id| session(id, now), Duration::from_secs(60), now)
        };
        assert!(logins.store([2; 32]).find(&secret).is_none());
        assert!(logins.store([1; 32]).find(&secret).is_some());
        for n in 3..=MAX_WAITING as u8 + 3 {
            let store = logins.store([n; 32]);
            store.keep(
                |id| session(id, now + Duration::from_secs(1)),
                Duration::from_secs(60),
                now,
            );
        }
        assert!(logins.store([1; 32]).find(&secret).is_none());
    }

    #[test]
    fn the_browser_holds_what_the_store_does_not() {
        let (logins, now) = (Logins::default(), SystemTime::now());
        let store = logins.store([1; 32]);
        let secret = store.keep(|id| session(id, now), Duration::from_secs(60), now);
        let session = store.find(&secret).unwrap();
        assert_eq!(secret.len(), 43);
        assert!(!session.id.contains(&secret));
        assert!(store.find(&session.id).is_none());
        assert!(store.end(&secret).is_some());
        assert!(store.find(&secret).is_none());
    }
}
