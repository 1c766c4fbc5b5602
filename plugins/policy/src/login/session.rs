//! One visitor who is logged in.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;

use super::{clock::since, person::Person, tokens::Tokens};

/// How long a session may last at most, and how long it may rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    /// From the login on.
    pub(crate) max: Duration,
    /// Between two requests.
    pub(crate) idle: Option<Duration>,
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Nobody used it for too long.
    Idle,
    /// It lasted as long as it may.
    Old,
}

/// One visitor who is logged in.
pub(crate) struct Session {
    /// Its public name, which gives nobody access.
    pub(crate) id: String,
    /// Digest of the client that the visitor logged in with.
    pub(crate) client: [u8; 32],
    /// When the visitor logged in.
    pub(crate) since: SystemTime,
    state: Mutex<State>,
}

struct State {
    used: SystemTime,
    /// When the provider last said who the visitor is.
    told: SystemTime,
    /// When the provider was last asked for anything.
    asked: SystemTime,
    facts: Arc<Facts>,
}

/// What the provider told.
#[derive(Clone, Default)]
pub(crate) struct Facts {
    /// Who the visitor is.
    pub(crate) person: Person,
    /// What may be asked in the visitor's name.
    pub(crate) tokens: Tokens,
}

impl Session {
    /// Of a visitor who logs in now.
    pub(crate) fn new(id: String, client: [u8; 32], facts: Arc<Facts>, now: SystemTime) -> Self {
        let state = State { used: now, told: now, asked: now, facts };
        Self { id, client, since: now, state: Mutex::new(state) }
    }

    /// What the provider told.
    pub(crate) fn facts(&self) -> Arc<Facts> {
        Arc::clone(&self.state.lock().facts)
    }

    /// Whether it is over, and why.
    pub(crate) fn over(&self, lifetimes: Lifetimes, now: SystemTime) -> Option<Over> {
        let rested = since(self.state.lock().used, now);
        if since(self.since, now) >= lifetimes.max {
            Some(Over::Old)
        } else if lifetimes.idle.is_some_and(|idle| rested >= idle) {
            Some(Over::Idle)
        } else {
            None
        }
    }

    /// When it will be over if nobody uses it.
    pub(crate) fn ends(&self, lifetimes: Lifetimes) -> SystemTime {
        let oldest = self.since + lifetimes.max;
        let rested = lifetimes.idle.map(|idle| self.state.lock().used + idle);
        rested.map_or(oldest, |rested| rested.min(oldest))
    }

    /// Notes that it is used.
    pub(crate) fn touch(&self, now: SystemTime) {
        self.state.lock().used = now;
    }

    /// When it was last used.
    pub(crate) fn used(&self) -> SystemTime {
        self.state.lock().used
    }

    /// How long ago the provider last said who the visitor is.
    pub(crate) fn age(&self, now: SystemTime) -> Duration {
        since(self.state.lock().told, now)
    }

    /// Takes the right to ask the provider, if nobody asked in this time. Everybody else goes on
    /// with what is known.
    pub(crate) fn claim(&self, pause: Duration, now: SystemTime) -> bool {
        let mut state = self.state.lock();
        let is_free = since(state.asked, now) >= pause;
        if is_free {
            state.asked = now;
        }
        is_free
    }

    /// Takes in other tokens.
    pub(crate) fn renew_tokens(&self, tokens: Tokens) {
        let mut state = self.state.lock();
        let person = state.facts.person.clone();
        state.facts = Arc::new(Facts { person, tokens });
    }

    /// Takes in what the provider now says of the visitor.
    pub(crate) fn renew_person(&self, person: Person, now: SystemTime) {
        let mut state = self.state.lock();
        let tokens = state.facts.tokens.clone();
        state.facts = Arc::new(Facts { person, tokens });
        state.told = now;
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).finish_non_exhaustive()
    }
}
