//! An address changes hands.

use std::sync::Arc;

use adit_net::listener;
use adit_proto::{ErrorCode, ErrorText};
use tokio::net::TcpListener;

use super::{
    super::{Control, Held, PortListener, Retired, Session, labelled::gone, pools},
    BindFailed, ClaimState, Claimed, Plan, Proof, already_online, token,
};
use crate::{address::Address, paths::AgentLeg, shared::Shared, table::Pool, tunnel::Tunnel};

impl Control {
    /// Carries a plan out, unless somebody was faster.
    pub(super) fn commit(
        &mut self,
        shared: &Arc<Shared>,
        client_id: &str,
        leg: &Arc<AgentLeg>,
        plan: Plan,
        tunnel: Arc<Tunnel>,
    ) -> Result<Claimed, BindFailed> {
        let session = self.sessions.get(client_id).filter(|session| session.has_leg(leg));
        let session = session.ok_or_else(gone)?;
        if !self.is_as_planned(session, &plan, &tunnel.id) {
            let message = "The endpoint changed hands meanwhile; try again.";
            return Err(BindFailed::Raced(ErrorText::new(ErrorCode::TRANSIENT, message)));
        }
        if plan.proof != Proof::Session {
            session.room(&shared.settings.limits)?;
        }
        let Plan { account, address, proof, socket, .. } = plan;
        let key = address.key(&account.id);
        let (id, tunnel_id) = (tunnel.id.clone(), tunnel.tunnel_id.clone());
        let token = token(shared, &account.id, &id, &address);
        let claimed = |address, state| Claimed { id, tunnel_id, token, address, state };
        match self.pools.get(&key).map(|held| Arc::clone(&held.pool)) {
            None => self.open_pool(shared, &address, &tunnel, socket)?,
            Some(pool) => {
                let members = pool.members();
                let mut rest: Vec<_> = (*members).clone();
                // A token proves ownership beyond the session; without one an id alone does not.
                let ours = |member: &Arc<Tunnel>| {
                    member.id == tunnel.id
                        && member.account == account.id
                        && (member.client_id == client_id || proof == Proof::Token)
                };
                rest.retain(|member| !ours(member));
                let shares = pool.proto == address.proto
                    && pools(&tunnel)
                    && rest.iter().all(|m| pools(m) && m.account == account.id);
                let is_left =
                    rest.iter().all(|m| m.account == account.id && m.paths.legs().is_empty());
                // Whoever had it in this session shares it already.
                if !rest.is_empty() && !shares && proof != Proof::Session {
                    if !is_left {
                        if proof != Proof::Token || leg.family.asks_again_for_what_is_refused() {
                            return Err(BindFailed::Taken);
                        }
                        let offline = offline(&address, shared.settings.limits.token_life);
                        return Ok(claimed(address, ClaimState::Offline(offline)));
                    }
                    for left in rest.drain(..) {
                        self.evict(&left);
                    }
                }
                if rest.is_empty() && pool.proto != address.proto {
                    // Nobody is left who speaks what was spoken here.
                    self.pools.remove(&key);
                    self.open_pool(shared, &address, &tunnel, socket)?;
                } else {
                    rest.push(Arc::clone(&tunnel));
                    pool.set_members(rest);
                }
                for old in members.iter().filter(|member| ours(member)) {
                    self.hand_over(old, &tunnel);
                }
            }
        }
        tunnel.paths.hold(leg);
        if let Some(session) = self.sessions.get_mut(client_id) {
            session.tunnels.insert(tunnel.id.clone(), Arc::clone(&tunnel));
        }
        shared.routes.touch();
        Ok(claimed(address, ClaimState::Held(tunnel)))
    }

    /// Whether the tunnel that a plan takes over is still the one to take over. Between plan and
    /// commit another leg may have brought it back, or its time may have come: its paths are closed
    /// then, and it is not the session's any more.
    fn is_as_planned(&self, session: &Session, plan: &Plan, id: &str) -> bool {
        let is_known = |now: Option<&Arc<Tunnel>>| match (&plan.known, now) {
            (Some(known), Some(now)) => Arc::ptr_eq(known, now),
            (None, None) => true,
            _ => false,
        };
        let of_session = session.tunnels.get(id);
        match plan.proof {
            Proof::Session => is_known(of_session),
            Proof::Token => {
                let key = plan.address.key(&plan.account.id);
                let member = self.member(&key, &plan.account.id, id);
                of_session.is_none() && is_known(member.as_ref())
            }
            Proof::Asked | Proof::Generated => of_session.is_none(),
        }
    }

    fn open_pool(
        &mut self,
        shared: &Shared,
        address: &Address,
        tunnel: &Arc<Tunnel>,
        socket: Option<TcpListener>,
    ) -> Result<(), BindFailed> {
        let pool = Arc::new(Pool::new(address.proto));
        pool.set_members(vec![Arc::clone(tunnel)]);
        let listener = if address.has_listener() {
            // Whoever had it when this was planned has just gone.
            let raced = || {
                let message = "The address is just being given back; try again.";
                BindFailed::Raced(ErrorText::new(ErrorCode::TRANSIENT, message))
            };
            let socket = socket.ok_or_else(raced)?;
            let mut limits = listener::Limits::connections(shared.settings.limits.visitors);
            limits.per_source = shared.visitors_per_source();
            let listener = {
                let region = Arc::from(&*shared.settings.region);
                PortListener::spawn(socket, limits, Arc::clone(&pool), region)
            };
            Some(listener.map_err(|error| {
                tracing::error!(%error, "could not listen on a bound port");
                raced()
            })?)
        } else {
            None
        };
        let key = address.key(&tunnel.account);
        shared.routes.insert(&key, &pool);
        self.pools.insert(key, Held { pool, listener });
        Ok(())
    }

    /// An agent that left without a word gives way to another of its account.
    fn evict(&mut self, left: &Arc<Tunnel>) {
        tracing::info!(url = left.address.url(), bind = left.id, "another agent takes over");
        if let Some(session) = self.sessions.get_mut(&left.client_id) {
            session.tunnels.remove(&left.id);
        }
        left.paths.close();
    }

    /// The old tunnel's paths are the new one's; those of another session are no good any more.
    fn hand_over(&mut self, old: &Arc<Tunnel>, new: &Arc<Tunnel>) {
        if old.client_id == new.client_id {
            return;
        }
        if let Some(session) = self.sessions.get_mut(&old.client_id) {
            session.tunnels.remove(&old.id);
        }
        for leg in old.paths.legs() {
            old.paths.remove(&leg);
        }
    }

    /// Ends a tunnel for an operator: nobody is led to it from now on, and its agent may come back
    /// with it as often as it likes. The legs to be told.
    pub(crate) fn stop_tunnel(
        &mut self,
        shared: &Shared,
        tunnel_id: &str,
        message: &str,
        code: &str,
    ) -> Option<(String, Vec<Arc<AgentLeg>>)> {
        let tunnel = Arc::clone(self.by_tunnel_id(tunnel_id)?);
        let legs = tunnel.paths.legs();
        self.remove_tunnel(shared, &tunnel.client_id, &tunnel.id);
        self.retire(&tunnel, message, code, shared.settings.limits.token_life);
        Some((tunnel.id.clone(), legs))
    }
}

fn offline(address: &Address, life: std::time::Duration) -> Retired {
    let text = already_online(address.proto);
    Retired {
        address: address.clone(),
        message: text.message().to_owned(),
        code: text.code().map(|code| code.to_string()).unwrap_or_default(),
        until: std::time::Instant::now() + life,
    }
}
