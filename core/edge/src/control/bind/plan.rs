//! Whose address it is, and whether the account may have it.

use std::{sync::Arc, time::SystemTime};

use adit_proto::{
    ErrorCode, ErrorText,
    message::{Bind, Proto},
};
use tokio::net::TcpListener;

use super::{
    super::{Control, Retired, labelled::gone, port},
    BindFailed, Plan, Proof,
};
use crate::{
    account::Account,
    address::{Address, Key, Wanted, invalid},
    host::HostName,
    paths::AgentLeg,
    random,
    settings::Ports,
    shared::Shared,
    ticket::{Owner, Shown},
    tunnel::Tunnel,
};

/// What is to be done about a bind.
pub(super) enum Planned {
    /// Give the address out.
    Serve(Plan),
    /// Accept the bind and keep it offline.
    Offline(Account, Retired),
}

impl Control {
    /// Decides about a bind; what is decided may be outdated when it is carried out.
    pub(super) fn plan(
        &self,
        shared: &Shared,
        client_id: &str,
        leg: &Arc<AgentLeg>,
        bind: &Bind,
    ) -> Result<Planned, BindFailed> {
        let session = self.sessions.get(client_id).filter(|session| session.has_leg(leg));
        let session = session.ok_or_else(gone)?;
        let account = session.account.clone();
        let plan = |address, proof, known, socket| {
            Ok(Planned::Serve(Plan { account: account.clone(), address, proof, known, socket }))
        };
        if let Some(known) = session.tunnels.get(&bind.id) {
            if known.address.proto != bind.proto {
                return Err(invalid("A bind keeps its Proto.").into());
            }
            permit(shared, &account, &known.address)?;
            return plan(known.address.clone(), Proof::Session, Some(Arc::clone(known)), None);
        }
        session.room(&shared.settings.limits)?;
        if !bind.id.is_empty()
            && let Some(retired) = self.retired(&account.id, &bind.id)
        {
            return Ok(Planned::Offline(account.clone(), retired.clone()));
        }
        if let Some(address) = shown(shared, &account, bind) {
            permit(shared, &account, &address)?;
            let key = address.key(&account.id);
            let known = self.member(&key, &account.id, &bind.id);
            let socket = self.socket(shared, &account, &address)?;
            return plan(address, Proof::Token, known, socket);
        }
        let places = &shared.places;
        let (address, proof) = match places.wanted(bind)? {
            Wanted::Host(host) => (places.named(bind.proto, &host)?, Proof::Asked),
            Wanted::Port(port) => (places.numbered(port), Proof::Asked),
            Wanted::Internal(host, port) => {
                (places.internal(bind.proto, &host, port), Proof::Asked)
            }
            Wanted::Any if bind.proto == Proto::Tcp => {
                let (port, socket) = self.free_port(shared, &account)?;
                return plan(places.numbered(port), Proof::Generated, None, Some(socket));
            }
            Wanted::Any => {
                let name = HostName::parse(&format!("{}.{}", random::name(), places.domain))?;
                (places.named(bind.proto, &name)?, Proof::Generated)
            }
        };
        check_binding(bind, &address)?;
        permit(shared, &account, &address)?;
        let socket = self.socket(shared, &account, &address)?;
        plan(address, proof, None, socket)
    }

    /// The tunnel that an account's agent knows by this id, of those that share an address.
    pub(super) fn member(&self, key: &Key, account: &str, bind: &str) -> Option<Arc<Tunnel>> {
        let members = self.pools.get(key)?.pool.members();
        members.iter().find(|m| m.id == bind && *m.account == *account).map(Arc::clone)
    }

    /// The socket of a `tcp` address that nobody has yet.
    fn socket(
        &self,
        shared: &Shared,
        account: &Account,
        address: &Address,
    ) -> Result<Option<TcpListener>, BindFailed> {
        if !address.has_listener() || self.pools.contains_key(&address.key(&account.id)) {
            return Ok(None);
        }
        port::bind(shared.settings.tcp.ip, address.port).map(Some).map_err(|error| {
            // Often its last owner is just leaving.
            tracing::debug!(%error, "could not bind the port of an endpoint");
            let message = format!("The port {} is not free; try again.", address.port);
            BindFailed::Raced(ErrorText::new(ErrorCode::TRANSIENT, message))
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
}

/// Whoever says who may reach an endpoint says the same as its name does.
fn check_binding(bind: &Bind, address: &Address) -> Result<(), ErrorText> {
    let Some(binding) = bind.extra.bindings.first() else { return Ok(()) };
    if (binding == "internal") == address.is_internal() {
        return Ok(());
    }
    let message = format!(
        "The binding {binding} does not go with {}: internal endpoints, and no others, have names \
         that end in .internal.",
        address.url()
    );
    Err(ErrorText::new(ErrorCode(9029), message))
}

/// The address that a token proves. One that is too old, or not ours, is no proof, but no fault
/// either: we may have lost the key, and an error for one bind costs an SDK's agent all of them. Its
/// address is then to be had as anybody may have it.
fn shown(shared: &Shared, account: &Account, bind: &Bind) -> Option<Address> {
    if bind.id.is_empty() || bind.extra.token.is_empty() {
        return None;
    }
    let owner = Owner { account: &account.id, bind: &bind.id };
    let token = bind.extra.token.expose();
    match shared.tickets.check_token(token, owner, SystemTime::now()) {
        Shown::Valid(url) => shared.places.of_url(bind.proto, &url),
        Shown::Expired | Shown::Forged => None,
    }
}

fn permit(shared: &Shared, account: &Account, address: &Address) -> Result<(), ErrorText> {
    shared.places.permit(account, address, |host| shared.certificates.covers(host))
}
