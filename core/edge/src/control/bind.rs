//! Addresses are given out.
//!
//! ```text
//! plan     whose address? may the account have it? (a port is bound)      under the lock
//! build    the tunnel with its chain: all that can fail                   without it
//! commit   is it free, shared, or ours to take over?                      under the lock
//! ```

use std::{sync::Arc, time::SystemTime};

use adit_net::listener;
use adit_proto::{
    ErrorCode, ErrorText,
    message::{Bind, Proto},
};
use tokio::net::TcpListener;

use super::{Control, Held, PortListener, Retired, labelled::gone, pools, port};
use crate::{
    account::Account,
    address::{Address, Key, Wanted, invalid},
    host::HostName,
    lower::{Lowered, lower},
    paths::{AgentLeg, Paths},
    random,
    settings::Ports,
    shared::Shared,
    table::Pool,
    ticket::{Owner as TicketOwner, Shown},
    tunnel::{Owner, Tunnel},
};

/// Generated addresses that are tried before giving up.
const MAX_TRIES: usize = 20;
/// Longest bind id that an agent may bring back, in bytes. Ours have 30.
const MAX_ID: usize = 128;

/// A bind that succeeded.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) id: String,
    pub(crate) tunnel_id: String,
    pub(crate) address: Address,
    pub(crate) token: String,
    pub(crate) state: ClaimState,
}

/// Whether a bind that succeeded is served.
#[derive(Debug)]
pub(crate) enum ClaimState {
    /// It is, once the agent is ready.
    Held(Arc<Tunnel>),
    /// It is not, and the agent is to be told. An error instead would cost it all its other binds.
    Offline(Retired),
}

/// Why an address was not given out.
#[derive(Debug)]
pub(crate) enum BindFailed {
    /// Somebody else took it in the meantime.
    Taken,
    /// It is not to be had.
    Refused(ErrorText),
}

/// What is to be given out.
struct Plan {
    account: Account,
    address: Address,
    proof: Proof,
    /// The tunnel that is taken over.
    known: Option<Arc<Tunnel>>,
    socket: Option<TcpListener>,
}

/// Why an agent gets an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// It asked for it.
    Asked,
    /// It did not ask for any.
    Generated,
    /// It had it in this session.
    Session,
    /// It has a token for it.
    Token,
}

impl Claimed {
    /// Gives an agent the address that it asks for, or one that is free.
    pub(crate) fn claim(
        shared: &Arc<Shared>,
        client_id: &str,
        leg: &Arc<AgentLeg>,
        bind: &Bind,
    ) -> Result<Self, ErrorText> {
        check(shared, bind)?;
        let lowered = lower(bind)?;
        for _ in 0..MAX_TRIES {
            let plan = match shared.control.lock().plan(shared, client_id, leg, bind)? {
                Ok(plan) => plan,
                Err((account, retired)) => {
                    return Ok(Self::offline(shared, &account, bind, retired));
                }
            };
            let proof = plan.proof;
            let tunnel = plan.tunnel(shared, client_id, bind, &lowered)?;
            let committed = shared.control.lock().commit(shared, client_id, leg, plan, tunnel);
            match committed {
                Err(BindFailed::Taken) if proof == Proof::Generated => {}
                Err(BindFailed::Taken) => return Err(already_online(bind.proto)),
                Err(BindFailed::Refused(error)) => return Err(error),
                Ok(claimed) => return Ok(claimed),
            }
        }
        Err(ErrorText::new(ErrorCode::TRANSIENT, "No free address was found; try again."))
    }

    fn offline(shared: &Shared, account: &Account, bind: &Bind, retired: Retired) -> Self {
        Self {
            id: bind.id.clone(),
            tunnel_id: random::id("tn"),
            address: retired.address.clone(),
            token: token(shared, &account.id, &bind.id, &retired.address),
            state: ClaimState::Offline(retired),
        }
    }
}

impl Plan {
    fn tunnel(
        &self,
        shared: &Shared,
        client_id: &str,
        bind: &Bind,
        lowered: &Lowered,
    ) -> Result<Arc<Tunnel>, ErrorText> {
        let known = self.known.as_ref();
        if let Some(known) = known
            && known.client_id == client_id
            && known.is_same(bind, lowered)
        {
            known.pooling.store(bind.extra.pooling_enabled, std::sync::atomic::Ordering::Relaxed);
            return Ok(Arc::clone(known));
        }
        let id = if bind.id.is_empty() { random::id("bd") } else { bind.id.clone() };
        let owner = Owner {
            client_id: client_id.to_owned(),
            account: Arc::clone(&self.account.id),
            bind: id,
            tunnel_id: known.map_or_else(|| random::id("tn"), |known| known.tunnel_id.clone()),
        };
        let paths = known.map_or_else(|| Arc::new(Paths::new()), |known| Arc::clone(&known.paths));
        let address = self.address.clone();
        Tunnel::build(shared, bind, lowered.clone(), address, owner, paths).map(Arc::new)
    }
}

impl Control {
    /// The inner error is a bind that is to be accepted and kept offline.
    fn plan(
        &self,
        shared: &Shared,
        client_id: &str,
        leg: &Arc<AgentLeg>,
        bind: &Bind,
    ) -> Result<Result<Plan, (Account, Retired)>, ErrorText> {
        let session = self.sessions.get(client_id).ok_or_else(gone)?;
        if !session.legs.get(&leg.number).is_some_and(|current| Arc::ptr_eq(current, leg)) {
            return Err(gone());
        }
        let account = session.account.clone();
        let plan = |address, proof, known, socket| {
            Ok(Ok(Plan { account: account.clone(), address, proof, known, socket }))
        };
        if let Some(known) = session.tunnels.get(&bind.id) {
            if known.address.proto != bind.proto {
                return Err(invalid("A bind keeps its Proto."));
            }
            permit(shared, &account, &known.address)?;
            return plan(known.address.clone(), Proof::Session, Some(Arc::clone(known)), None);
        }
        let max = shared.settings.limits.binds_per_session.min(account.max_binds);
        if session.tunnels.len() + session.labelled.len() >= max {
            let message = format!("A session has at most {max} endpoints.");
            return Err(ErrorText::new(ErrorCode::TOO_MANY_BINDS, message));
        }
        if !bind.id.is_empty()
            && let Some(retired) = self.retired(&account.id, &bind.id)
        {
            return Ok(Err((account.clone(), retired.clone())));
        }
        if let Some(address) = shown(shared, &account, bind)? {
            permit(shared, &account, &address)?;
            let key = address.key();
            let known = self.pools.get(&key).and_then(|held| {
                let members = held.pool.members();
                members.iter().find(|m| m.id == bind.id && m.account == account.id).map(Arc::clone)
            });
            let socket = self.socket(shared, &address)?;
            return plan(address, Proof::Token, known, socket);
        }
        let places = &shared.places;
        let (address, proof) = match places.wanted(bind)? {
            Wanted::Host(host) => (places.named(bind.proto, &host)?, Proof::Asked),
            Wanted::Port(port) => (places.numbered(port), Proof::Asked),
            Wanted::Any if bind.proto == Proto::Tcp => {
                let (port, socket) = self.free_port(shared, &account)?;
                return plan(places.numbered(port), Proof::Generated, None, Some(socket));
            }
            Wanted::Any => {
                let name = HostName::parse(&format!("{}.{}", random::name(), places.domain))?;
                (places.named(bind.proto, &name)?, Proof::Generated)
            }
        };
        permit(shared, &account, &address)?;
        let socket = self.socket(shared, &address)?;
        plan(address, proof, None, socket)
    }

    /// The socket of a `tcp` address that nobody has yet.
    fn socket(&self, shared: &Shared, address: &Address) -> Result<Option<TcpListener>, ErrorText> {
        if address.proto != Proto::Tcp || self.pools.contains_key(&address.key()) {
            return Ok(None);
        }
        port::bind(shared.settings.tcp.ip, address.port).map(Some).map_err(|error| {
            tracing::warn!(%error, "could not bind the port of an endpoint");
            let message = format!("The port {} is not free; try again.", address.port);
            ErrorText::new(ErrorCode::TRANSIENT, message)
        })
    }

    fn free_port(
        &self,
        shared: &Shared,
        account: &Account,
    ) -> Result<(u16, TcpListener), ErrorText> {
        if !account.acl.allows_any() {
            let message = format!(
                "The rules of credential {} allow no random address; name one.",
                account.credential
            );
            return Err(ErrorText::new(ErrorCode(356), message));
        }
        let ip = shared.settings.tcp.ip;
        let candidates: Vec<u16> = match &shared.places.ports {
            Ports::None => {
                let message = "This edge has no tcp endpoints.";
                return Err(ErrorText::new(ErrorCode::TCP_NOT_RESERVED, message));
            }
            Ports::Any => vec![0],
            Ports::Range(range) => {
                let free = |port: &u16| !self.pools.contains_key(&Key::Port(*port));
                let mut free: Vec<u16> = range.clone().filter(free).collect();
                if !free.is_empty() {
                    let start = random::below(free.len());
                    free.rotate_left(start);
                }
                free
            }
        };
        for port in candidates {
            match port::bind(ip, port).map(|socket| (socket.local_addr(), socket)) {
                Ok((Ok(addr), socket)) => return Ok((addr.port(), socket)),
                Ok((Err(error), _)) => tracing::warn!(%error, "a bound socket has no address"),
                Err(error) => tracing::debug!(%error, "port is taken"),
            }
        }
        Err(ErrorText::new(ErrorCode::TRANSIENT, "No tcp address is free; try again later."))
    }

    fn commit(
        &mut self,
        shared: &Arc<Shared>,
        client_id: &str,
        leg: &Arc<AgentLeg>,
        plan: Plan,
        tunnel: Arc<Tunnel>,
    ) -> Result<Claimed, BindFailed> {
        let current =
            self.sessions.get(client_id).and_then(|session| session.legs.get(&leg.number));
        if !current.is_some_and(|current| Arc::ptr_eq(current, leg)) {
            return Err(BindFailed::Refused(gone()));
        }
        let Plan { account, address, proof, socket, .. } = plan;
        let key = address.key();
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
                if !rest.is_empty() && !shares {
                    if !is_left {
                        if proof != Proof::Token {
                            return Err(BindFailed::Taken);
                        }
                        let offline = offline(&address, shared.settings.limits.token_life);
                        return Ok(claimed(address, ClaimState::Offline(offline)));
                    }
                    for left in rest.drain(..) {
                        self.evict(shared, &left);
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

    fn open_pool(
        &mut self,
        shared: &Shared,
        address: &Address,
        tunnel: &Arc<Tunnel>,
        socket: Option<TcpListener>,
    ) -> Result<(), BindFailed> {
        let pool = Arc::new(Pool::new(address.proto));
        pool.set_members(vec![Arc::clone(tunnel)]);
        let listener = if address.proto == Proto::Tcp {
            // Whoever had it when this was planned has just gone.
            let socket = socket.ok_or(BindFailed::Taken)?;
            let mut limits = listener::Limits::connections(shared.settings.limits.visitors);
            limits.per_source = shared.visitors_per_source();
            let listener = PortListener::spawn(socket, limits, Arc::clone(&pool));
            Some(listener.map_err(|error| {
                tracing::error!(%error, "could not listen on a bound port");
                BindFailed::Taken
            })?)
        } else {
            None
        };
        let key = address.key();
        shared.routes.insert(&key, &pool);
        self.pools.insert(key, Held { pool, listener });
        Ok(())
    }

    /// An agent that left without a word gives way to another of its account.
    fn evict(&mut self, shared: &Shared, left: &Arc<Tunnel>) {
        let life = shared.settings.limits.token_life;
        let text = already_online(left.address.proto);
        let code = text.code().map(|code| code.to_string()).unwrap_or_default();
        self.retire(left, text.message(), &code, life);
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

fn check(shared: &Shared, bind: &Bind) -> Result<(), ErrorText> {
    if bind.id.len() > MAX_ID || bind.id.chars().any(char::is_control) {
        return Err(invalid("The Id is not one of this edge."));
    }
    let max = shared.settings.limits.metadata_len;
    let texts =
        [&bind.extra.metadata, &bind.extra.name, &bind.extra.description, &bind.forwards_to];
    if texts.iter().any(|text| text.len() > max) {
        return Err(invalid(format!("Metadata, names and descriptions have at most {max} bytes.")));
    }
    if let Some(other) = bind.extra.bindings.iter().find(|binding| *binding != "public") {
        return Err(invalid(format!("Bindings: {other:?} is not supported by this edge.")));
    }
    Ok(())
}

/// The address that a token proves. An expired one is no proof, but no fault either.
fn shown(shared: &Shared, account: &Account, bind: &Bind) -> Result<Option<Address>, ErrorText> {
    if bind.id.is_empty() || bind.extra.token.is_empty() {
        return Ok(None);
    }
    let owner = TicketOwner { account: &account.id, bind: &bind.id };
    let token = bind.extra.token.expose();
    match shared.tickets.check_token(token, owner, SystemTime::now()) {
        Shown::Valid(url) => Ok(shared.places.of_url(bind.proto, &url)),
        Shown::Expired => Ok(None),
        Shown::Forged => {
            let message = "The token was not given out by this edge for this bind and account.";
            Err(ErrorText::new(ErrorCode::BIND_TOKEN_MALFORMED, message))
        }
    }
}

fn permit(shared: &Shared, account: &Account, address: &Address) -> Result<(), ErrorText> {
    shared.places.permit(account, address, |host| shared.certificates.covers(host))
}

fn token(shared: &Shared, account: &str, bind: &str, address: &Address) -> String {
    let owner = TicketOwner { account, bind };
    shared.tickets.token(owner, &address.url(), SystemTime::now())
}

fn already_online(proto: Proto) -> ErrorText {
    let message = format!(
        "The {proto} endpoint is already online. Stop the other one, or enable pooling on both."
    );
    ErrorText::new(ErrorCode::ALREADY_ONLINE, message)
}
