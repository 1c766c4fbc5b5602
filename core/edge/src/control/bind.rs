//! Addresses are given out.
//!
//! ```text
//! plan     whose address? may the account have it? (a port is bound)      under the lock
//! build    the tunnel with its chain: all that can fail                   without it
//! commit   is it free, shared, or ours to take over?                      under the lock
//! ```

mod commit;
mod plan;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use adit_proto::{
    ErrorCode, ErrorText,
    message::{Bind, Proto},
};
use tokio::{net::TcpListener, time::sleep};

use self::plan::Planned;
use super::Retired;
use crate::{
    account::Account,
    address::{Address, invalid},
    lower::{Lowered, lower},
    paths::{AgentLeg, Paths},
    random,
    shared::Shared,
    ticket,
    tunnel::{Owner, Tunnel},
};

/// How often a bind is tried when others are faster, or an address is just being given back.
const MAX_TRIES: usize = 20;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(25);
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
enum BindFailed {
    /// It may be free in a moment; if not, this is what the agent is told.
    Raced(ErrorText),
    /// It is not to be had.
    Refused(ErrorText),
    /// Somebody else has it.
    Taken,
}

impl From<ErrorText> for BindFailed {
    fn from(error: ErrorText) -> Self {
        Self::Refused(error)
    }
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
    pub(crate) async fn claim(
        shared: &Arc<Shared>,
        client_id: &str,
        leg: &Arc<AgentLeg>,
        bind: &Bind,
    ) -> Result<Self, ErrorText> {
        check(shared, bind)?;
        let lowered = lower(bind)?;
        let mut n_tries = 0;
        loop {
            n_tries += 1;
            match Self::attempt(shared, client_id, leg, bind, &lowered) {
                Ok(claimed) => return Ok(claimed),
                Err(BindFailed::Raced(_)) if n_tries < MAX_TRIES => sleep(PAUSE).await,
                Err(BindFailed::Raced(error) | BindFailed::Refused(error)) => return Err(error),
                Err(BindFailed::Taken) => return Err(already_online(bind.proto)),
            }
        }
    }

    fn attempt(
        shared: &Arc<Shared>,
        client_id: &str,
        leg: &Arc<AgentLeg>,
        bind: &Bind,
        lowered: &Lowered,
    ) -> Result<Self, BindFailed> {
        let planned = shared.control.lock().plan(shared, client_id, leg, bind)?;
        let plan = match planned {
            Planned::Serve(plan) => plan,
            Planned::Offline(account, retired) => {
                return Ok(Self::offline(shared, &account, bind, retired));
            }
        };
        let proof = plan.proof;
        let tunnel = plan.tunnel(shared, client_id, bind, lowered)?;
        let committed = shared.control.lock().commit(shared, client_id, leg, plan, tunnel);
        if let Ok(Self { state: ClaimState::Held(tunnel), .. }) = &committed {
            tunnel.heed(bind);
        }
        match committed {
            Err(BindFailed::Taken) if proof == Proof::Generated => Err(BindFailed::Raced(
                ErrorText::new(ErrorCode::TRANSIENT, "No free address was found; try again."),
            )),
            other => other,
        }
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

fn check(shared: &Shared, bind: &Bind) -> Result<(), ErrorText> {
    if bind.id.len() > MAX_ID || bind.id.chars().any(char::is_control) {
        return Err(invalid("The Id is not one of this edge."));
    }
    let max = shared.settings.limits.metadata_len;
    if bind.extra.metadata.len() > max {
        let message = format!("The metadata of an endpoint has at most {max} bytes.");
        // Fact: the code by which the ngrok service refuses it.
        return Err(ErrorText::new(ErrorCode(100), message));
    }
    let texts = [&bind.extra.name, &bind.extra.description, &bind.forwards_to];
    if texts.iter().any(|text| text.len() > max) {
        return Err(invalid(format!("Names and descriptions have at most {max} bytes.")));
    }
    let known = |binding: &&String| matches!(binding.as_str(), "public" | "internal");
    if let Some(other) = bind.extra.bindings.iter().find(|binding| !known(binding)) {
        return Err(invalid(format!("Bindings: {other:?} is not supported by this edge.")));
    }
    if bind.extra.bindings.len() > 1 {
        return Err(invalid("Bindings: an endpoint has at most one."));
    }
    Ok(())
}

fn token(shared: &Shared, account: &str, bind: &str, address: &Address) -> String {
    let owner = ticket::Owner { account, bind };
    shared.tickets.token(owner, &address.url(), SystemTime::now())
}

fn already_online(proto: Proto) -> ErrorText {
    let message = format!(
        "The {proto} endpoint is already online. Stop the other one, or enable pooling on both."
    );
    ErrorText::new(ErrorCode::ALREADY_ONLINE, message)
}
