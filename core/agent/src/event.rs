//! What a session tells its owner.

use std::{sync::Arc, time::Duration};

use adit_proto::{ErrorText, message::AuthResp};

/// Something happened. Receivers that lag lose the oldest ones.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A session was established: for the first time, or again after a loss.
    Connected(Arc<SessionInfo>),
    /// The edge was lost; attempts to reach it again begin at once.
    Disconnected {
        /// Why, with all causes.
        reason: Arc<str>,
    },
    /// An attempt to reach the edge failed.
    ReconnectFailed {
        /// Why, with all causes.
        reason: Arc<str>,
        /// When the next attempt begins.
        retry_in: Duration,
    },
    /// An endpoint is reachable: for the first time, after it was not, or at another URL. One that
    /// a reconnect brought back at the same URL is not told.
    EndpointUp {
        /// Its name.
        name: Arc<str>,
        /// Where.
        url: Arc<str>,
    },
    /// An endpoint is not reachable any more.
    EndpointDown {
        /// Its name.
        name: Arc<str>,
        /// Why.
        why: Down,
    },
    /// The session has ended for good.
    Stopped(Arc<Stopped>),
}

/// Why an endpoint is not reachable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Down {
    /// The agent gave it back.
    Closed,
    /// The edge ended it, and says why. It does not come back.
    StoppedByEdge(ErrorText),
    /// The edge did not take it back after a reconnect. It is asked again from time to time.
    RebindFailed(Arc<str>),
}

/// Why a session ended for good.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// Its owner shut it down.
    ByOwner,
    /// The edge asked for it.
    ByEdge(Order),
}

/// What the edge can order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// To end.
    Stop,
    /// To start anew, as a process.
    Restart,
    /// To replace the program.
    Update {
        /// With which version; empty: the newest.
        version: String,
        /// Whether a new major version is welcome.
        permit_major_version: bool,
    },
}

/// What the edge told about itself and the account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionInfo {
    /// Version of the server.
    pub edge_version: String,
    /// Where it is.
    pub region: String,
    /// Name of the account.
    pub account_name: String,
    /// Name of the plan.
    pub plan_name: String,
    /// A message for the user.
    pub banner: String,
    /// What the edge says about the age of this agent.
    pub deprecation: Option<String>,
}

impl From<&AuthResp> for SessionInfo {
    fn from(resp: &AuthResp) -> Self {
        let extra = &resp.extra;
        Self {
            edge_version: extra.version.clone(),
            region: extra.region.clone(),
            account_name: extra.account_name.clone(),
            plan_name: extra.plan_name.clone(),
            banner: extra.banner.clone(),
            deprecation: extra.deprecation_warning.as_ref().map(|w| w.msg.clone()),
        }
    }
}

/// How a session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Being established for the first time.
    Connecting,
    /// Established.
    Online(Arc<SessionInfo>),
    /// Lost, and being established again.
    Reconnecting,
    /// Over.
    Ended(Arc<Stopped>),
}
