//! Sessions come, come back, and go.

use std::{net::SocketAddr, sync::Arc, time::SystemTime};

use adit_mux as mux;
use adit_proto::{ErrorCode, ErrorText, heartbeat::Pulse, message::AuthExtra, peer::PeerInfo};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{Control, Session};
use crate::{
    account::Account,
    limits::Limits,
    paths::{AgentLeg, Reach},
    random,
    shared::Shared,
};

/// An agent that has proved who it is and wants to attach a connection.
#[derive(Debug)]
pub(crate) struct Attach {
    pub(crate) account: Account,
    pub(crate) peer: PeerInfo,
    /// Proved by the cookie; empty for a new session.
    pub(crate) client_id: String,
    pub(crate) leg_number: u32,
    pub(crate) about: Box<AuthExtra>,
    pub(crate) source: Option<SocketAddr>,
    pub(crate) mux: mux::Session,
    pub(crate) pulse: Pulse,
}

/// Why an agent cannot follow commands, as it said itself. Empty: it can. None: too old to know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unsupported {
    pub(crate) stop: Option<String>,
    pub(crate) restart: Option<String>,
    pub(crate) update: Option<String>,
}

/// Where an agent was attached.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) client_id: String,
    pub(crate) session_id: Arc<str>,
    pub(crate) leg: Arc<AgentLeg>,
}

impl Control {
    /// Adds a connection to its session, which is made if need be. A connection with the same
    /// number is replaced: its agent has given it up.
    pub(crate) fn attach(
        &mut self,
        shared: &Arc<Shared>,
        attach: Attach,
    ) -> Result<Attached, ErrorText> {
        let limits = &shared.settings.limits;
        let Attach { account, peer, client_id, leg_number, about, source, mux, pulse } = attach;
        let known = self.sessions.contains_key(&client_id);
        if !known {
            let of_account = self.sessions.values().filter(|s| s.account.id == account.id);
            let n_live = of_account.filter(|session| !session.legs.is_empty()).count();
            if n_live >= account.max_sessions {
                let message = format!("The account has {n_live} sessions, as many as it may have.");
                return Err(ErrorText::new(ErrorCode::TOO_MANY_SESSIONS, message));
            }
        }
        let client_id = if client_id.is_empty() { random::id("cl") } else { client_id };
        let session = self.sessions.entry(client_id.clone()).or_insert_with(|| Session {
            id: random::id("ts").into(),
            account: account.clone(),
            peer: peer.clone(),
            metadata: String::new(),
            hostname: String::new(),
            source,
            unsupported: Unsupported::default(),
            started: SystemTime::now(),
            legs: Default::default(),
            tunnels: Default::default(),
            labelled: Default::default(),
            lost: 0,
        });
        let others = session.legs.keys().filter(|number| **number != leg_number).count();
        if others >= limits.legs_per_session {
            let message = format!("The session has {others} connections, as many as it may have.");
            return Err(ErrorText::new(ErrorCode::TOO_MANY_SESSIONS, message));
        }
        let leg = Arc::new(AgentLeg {
            number: leg_number,
            family: peer.family,
            mux,
            room: Arc::new(Semaphore::new(limits.proxied_for(peer.family))),
            origin: Arc::clone(&session.id),
            pulse,
            end: CancellationToken::new(),
        });
        let about = *about;
        session.account = account;
        session.peer = peer;
        session.metadata = about.metadata;
        session.hostname = about.hostname;
        session.source = source;
        session.unsupported = Unsupported {
            stop: about.stop_unsupported_error,
            restart: about.restart_unsupported_error,
            update: about.update_unsupported_error,
        };
        let session_id = Arc::clone(&session.id);
        if let Some(old) = session.legs.insert(leg_number, Arc::clone(&leg)) {
            tracing::info!(session = %session_id, leg_number, "a new connection replaces this one");
            session.forget_leg(&old);
            old.end.cancel();
            shared.routes.touch();
            self.await_return(shared, &client_id);
        }
        Ok(Attached { client_id, session_id, leg })
    }

    /// A connection has ended. The session is kept for the grace if it has anything to keep.
    pub(crate) fn detach(&mut self, shared: &Arc<Shared>, client_id: &str, leg: &Arc<AgentLeg>) {
        let Some(session) = self.sessions.get_mut(client_id) else { return };
        session.forget_leg(leg);
        shared.routes.touch();
        if session.has_leg(leg) {
            session.legs.remove(&leg.number);
        }
        if !session.legs.is_empty() {
            return;
        }
        if session.tunnels.is_empty() {
            self.remove_session(shared, client_id);
            return;
        }
        let grace = shared.settings.limits.reconnect_grace;
        tracing::info!(session = %session.id, ?grace, "agent is away");
        let max_away = session.account.max_sessions.min(shared.settings.limits.legs);
        let account = Arc::clone(&session.account.id);
        self.await_return(shared, client_id);
        self.forget_oldest(shared, &account, max_away);
    }

    /// Gives the agent the grace to come back, and to ask for the tunnels that it has left.
    fn await_return(&mut self, shared: &Arc<Shared>, client_id: &str) {
        let Some(session) = self.sessions.get_mut(client_id) else { return };
        self.n_lost += 1;
        session.lost = self.n_lost;
        let lost = session.lost;
        let (owner, client_id) = (Arc::clone(shared), client_id.to_owned());
        shared.legs.spawn(async move {
            let stop = owner.legs.signals().stop.clone();
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(owner.settings.limits.reconnect_grace) => {
                    owner.control.lock().expire(&owner, &client_id, lost);
                }
            }
        });
    }

    /// Forgets the session that an account left behind longest ago, if it left more than `max`.
    /// Reason: it may come, bind and go many times within the grace, and each time costs memory.
    fn forget_oldest(&mut self, shared: &Shared, account: &str, max: usize) {
        let of_account =
            self.sessions.iter().filter(|(_, session)| *session.account.id == *account);
        let away = of_account.filter(|(_, session)| session.legs.is_empty());
        if away.clone().count() > max
            && let Some((oldest, _)) = away.min_by_key(|(_, session)| session.lost)
        {
            let oldest = oldest.clone();
            self.remove_session(shared, &oldest);
        }
    }

    /// The grace that began with this loss is over. An agent that came back and left tunnels out does
    /// not want them: it gave them back while it could not say so.
    fn expire(&mut self, shared: &Shared, client_id: &str, lost: u64) {
        let session = self.sessions.get(client_id).filter(|session| session.lost == lost);
        let Some(session) = session else { return };
        if session.legs.is_empty() {
            self.remove_session(shared, client_id);
            return;
        }
        let all = session.tunnels.iter();
        let left = all.filter(|(_, tunnel)| tunnel.paths.reach() == Reach::Away);
        let left: Vec<String> = left.map(|(bind, _)| bind.clone()).collect();
        for bind in left {
            self.remove_tunnel(shared, client_id, &bind);
        }
    }

    /// Ends a session with all it has.
    pub(crate) fn remove_session(&mut self, shared: &Shared, client_id: &str) -> Option<Session> {
        let session = self.sessions.get(client_id)?;
        let binds: Vec<String> = session.tunnels.keys().cloned().collect();
        for bind in binds {
            self.remove_tunnel(shared, client_id, &bind);
        }
        let session = self.sessions.remove(client_id)?;
        for labelled in session.labelled.values() {
            labelled.paths.close();
        }
        for leg in session.legs.values() {
            leg.end.cancel();
        }
        tracing::info!(session = %session.id, account = %session.account.id, "session ended");
        Some(session)
    }

    /// The session whose public id this is.
    pub(crate) fn by_session_id(&self, id: &str) -> Option<(&String, &Session)> {
        self.sessions.iter().find(|(_, session)| &*session.id == id)
    }
}

impl Session {
    /// Whether it may have one more endpoint.
    pub(super) fn room(&self, limits: &Limits) -> Result<(), ErrorText> {
        let max = limits.binds_per_session.min(self.account.max_binds);
        if self.tunnels.len() + self.labelled.len() < max {
            return Ok(());
        }
        let message = format!("A session has at most {max} endpoints.");
        Err(ErrorText::new(ErrorCode::TOO_MANY_BINDS, message))
    }

    /// Whether this is one of its connections, and not one that was replaced.
    pub(super) fn has_leg(&self, leg: &Arc<AgentLeg>) -> bool {
        self.legs.get(&leg.number).is_some_and(|current| Arc::ptr_eq(current, leg))
    }

    /// The connection that commands go to.
    pub(crate) fn first_leg(&self) -> Option<&Arc<AgentLeg>> {
        self.legs.values().min_by_key(|leg| leg.number)
    }

    fn forget_leg(&mut self, leg: &Arc<AgentLeg>) {
        for tunnel in self.tunnels.values() {
            tunnel.paths.remove(leg);
        }
        // Labelled tunnels carry no id over a reconnect: they are asked for anew.
        self.labelled.retain(|_, labelled| {
            labelled.paths.remove(leg);
            !labelled.paths.legs().is_empty()
        });
    }
}
