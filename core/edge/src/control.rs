//! Sessions and their tunnels: who is there, and who serves which address.
//!
//! ```text
//! session (ClientId) ─┬─ legs, by number
//!                     ├─ tunnels, by bind id ───── pool (address) ── table, or a port's listener
//!                     └─ labelled tunnels, by id
//! ```
//!
//! A session without legs is kept for the reconnect grace with all its tunnels; whoever comes back
//! with its ClientId and cookie, or with a tunnel's token, takes over. Tunnels that whoever comes back
//! does not ask for again are given up when the grace ends.

mod bind;
mod labelled;
mod patch;
mod port;
mod session;

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use adit_proto::peer::PeerInfo;

pub(crate) use self::{
    bind::{ClaimState, Claimed},
    labelled::Labelled,
    patch::patch,
    port::PortListener,
    session::{Attach, Attached, Unsupported},
};
use crate::{
    account::Account,
    address::{Address, Key},
    paths::AgentLeg,
    shared::Shared,
    table::Pool,
    tunnel::Tunnel,
};

/// Retired binds that are remembered.
const MAX_RETIRED: usize = 10_000;

/// Sessions and their tunnels.
#[derive(Debug, Default)]
pub(crate) struct Control {
    pub(crate) sessions: HashMap<String, Session>,
    pools: HashMap<Key, Held>,
    /// Binds that were ended while their agent may come back with them, by account and id.
    retired: HashMap<(Arc<str>, String), Retired>,
    /// Losses of legs so far.
    n_lost: u64,
}

/// One logical registration of an agent.
#[derive(Debug)]
pub(crate) struct Session {
    /// Secret name of the session, told to the agent and to operators.
    pub(crate) id: Arc<str>,
    pub(crate) account: Account,
    pub(crate) peer: PeerInfo,
    pub(crate) metadata: String,
    pub(crate) hostname: String,
    pub(crate) source: Option<std::net::SocketAddr>,
    pub(crate) unsupported: Unsupported,
    pub(crate) started: std::time::SystemTime,
    pub(crate) legs: HashMap<u32, Arc<AgentLeg>>,
    pub(crate) tunnels: HashMap<String, Arc<Tunnel>>,
    pub(crate) labelled: HashMap<String, Arc<Labelled>>,
    /// Which loss of a leg, of all that there were, was its last one: tells the timer of that grace
    /// from older ones.
    lost: u64,
}

#[derive(Debug)]
struct Held {
    pool: Arc<Pool>,
    /// Of a `tcp` address.
    listener: Option<PortListener>,
}

/// Why a bind is not served although its agent may believe so.
#[derive(Clone, Debug)]
pub(crate) struct Retired {
    pub(crate) address: Address,
    pub(crate) message: String,
    pub(crate) code: String,
    until: Instant,
}

impl Control {
    /// Remembers that a bind has ended, for an agent that comes back with it.
    fn retire(&mut self, tunnel: &Tunnel, message: &str, code: &str, life: Duration) {
        let now = Instant::now();
        if self.retired.len() >= MAX_RETIRED {
            self.retired.retain(|_, retired| retired.until > now);
        }
        if self.retired.len() >= MAX_RETIRED {
            return;
        }
        let key = (Arc::clone(&tunnel.account), tunnel.id.clone());
        let retired = Retired {
            address: tunnel.address.clone(),
            message: message.to_owned(),
            code: code.to_owned(),
            until: now + life,
        };
        self.retired.insert(key, retired);
    }

    fn retired(&self, account: &Arc<str>, bind: &str) -> Option<&Retired> {
        let retired = self.retired.get(&(Arc::clone(account), bind.to_owned()))?;
        (retired.until > Instant::now()).then_some(retired)
    }

    /// Takes a tunnel out of its session and its pool; nobody is led to it any more.
    pub(crate) fn remove_tunnel(
        &mut self,
        shared: &Shared,
        client_id: &str,
        bind: &str,
    ) -> Option<Arc<Tunnel>> {
        let tunnel = self.sessions.get_mut(client_id)?.tunnels.remove(bind)?;
        self.leave_pool(shared, &tunnel);
        tunnel.paths.close();
        tracing::info!(url = tunnel.address.url(), bind, account = %tunnel.account, "endpoint ended");
        Some(tunnel)
    }

    fn leave_pool(&mut self, shared: &Shared, tunnel: &Arc<Tunnel>) {
        let key = tunnel.address.key(&tunnel.account);
        let Some(held) = self.pools.get(&key) else { return };
        let mut members = (*held.pool.members()).clone();
        members.retain(|member| !Arc::ptr_eq(member, tunnel));
        let is_empty = members.is_empty();
        held.pool.set_members(members);
        shared.routes.touch();
        if is_empty {
            shared.routes.remove(&key);
            if let Some(Held { listener: Some(listener), .. }) = self.pools.remove(&key) {
                listener.retire(&shared.legs);
            }
        }
    }

    /// A tunnel by the name that operators and patches use.
    pub(crate) fn by_tunnel_id(&self, tunnel_id: &str) -> Option<&Arc<Tunnel>> {
        let all = self.sessions.values().flat_map(|session| session.tunnels.values());
        all.into_iter().find(|tunnel| tunnel.tunnel_id == tunnel_id)
    }

    /// Everything is taken off the table, for good.
    pub(crate) fn close(&mut self) -> Vec<PortListener> {
        let pools = std::mem::take(&mut self.pools);
        for session in std::mem::take(&mut self.sessions).into_values() {
            for tunnel in session.tunnels.values() {
                tunnel.paths.close();
            }
        }
        pools.into_values().filter_map(|held| held.listener).collect()
    }

    /// The listeners of all ports, to be stopped; their addresses stay taken until then.
    pub(crate) fn take_listeners(&mut self) -> Vec<PortListener> {
        self.pools.values_mut().filter_map(|held| held.listener.take()).collect()
    }
}

/// Whether a tunnel shares its address.
fn pools(tunnel: &Tunnel) -> bool {
    tunnel.pooling.load(Ordering::Relaxed)
}
