//! What the local API may see of the running agent, and ask of it.
//!
//! The crate knows nothing of agents or their configuration: whoever runs one implements
//! [`Control`] and hands it to the [web service](crate::api).

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use crate::meter::Meter;

/// A future of an object-safe trait.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The running agent.
///
/// # Cancel safety
///
/// A client that hangs up drops the future of its request. What changes endpoints therefore has
/// to run in a task of the implementor's own: it is done whole, or not at all.
pub trait Control: fmt::Debug + Send + Sync + 'static {
    /// Every endpoint that is served now, in the order in which they were made.
    fn endpoints(&self) -> Vec<EndpointView>;

    /// The one of that name.
    fn endpoint(&self, name: &str) -> Option<EndpointView> {
        self.endpoints().into_iter().find(|endpoint| endpoint.name == name)
    }

    /// Whether an endpoint that is online has this host name (lower case, without port). Asked
    /// for each request whose `Host` is not local, so it has to be quick.
    fn is_online_host(&self, host: &str) -> bool;

    /// Makes and starts an endpoint. Waits for a session, a bounded time, if there is none yet. The
    /// answer must come within 3.5 s. A failure leaves the name free.
    fn create(
        &self,
        dialect: Dialect,
        definition: Value,
    ) -> BoxFuture<'_, Result<EndpointView, ControlError>>;

    /// Puts an endpoint (`Dialect::Endpoints`) in the place of the one of that name, or makes it.
    fn replace<'a>(
        &'a self,
        name: &'a str,
        definition: Value,
    ) -> BoxFuture<'a, Result<Replaced, ControlError>>;

    /// Stops and forgets the one of that name. [`ControlError::NotFound`] if there is none.
    fn delete<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ControlError>>;

    /// How the session stands.
    fn session(&self) -> SessionView;

    /// Settings for the status page, in the order to be shown. Secrets are cut by the implementor.
    fn settings(&self) -> Vec<Setting>;

    /// Reads the configuration again and applies what differs.
    fn reload(&self) -> BoxFuture<'_, Result<Reloaded, ControlError>>;

    /// Text in the Prometheus exposition format that is appended to what the API says itself:
    /// whole lines, names that begin with `adit_` and differ from those of `/metrics` here.
    fn metrics(&self) -> String {
        String::new()
    }

    /// Tells when endpoints or the session have changed. A receiver that is late sees the last
    /// numbers, and asks for what they stand for.
    fn changes(&self) -> watch::Receiver<Changes>;
}

/// How many changes there were. Only whether a number differs means something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Of the list of endpoints, or of what it says of one. Traffic does not count.
    pub endpoints: u64,
    /// Of the session: status, latency, history.
    pub session: u64,
}

/// The words of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `name`, `addr`, `proto` and the keys of a version 2 tunnel.
    Tunnels,
    /// The keys of a version 3 endpoint.
    Endpoints,
}

/// One endpoint that is served.
#[derive(Clone, Debug)]
pub struct EndpointView {
    /// Unique in this agent.
    pub name: String,
    /// 32 lower-case hexadecimal digits.
    pub id: String,
    /// With scheme, without trailing slash: `https://x.example`, `tcp://x.example:1234`.
    pub public_url: String,
    /// Scheme of the public URL: `http`, `https`, `tcp`, `tls`.
    pub proto: String,
    /// Where it leads, normalised: `http://localhost:80`, `localhost:22`, `file:///srv`.
    pub addr: String,
    /// `http1` or `http2`: what is spoken to the upstream.
    pub protocol: String,
    /// `1` or `2`, if connections to the upstream begin with a PROXY header.
    pub proxy_protocol: Option<String>,
    /// Whether its exchanges are captured.
    pub inspect: bool,
    /// Whether other agents may serve the same address.
    pub pooling_enabled: bool,
    /// The traffic policy, as YAML or JSON.
    pub traffic_policy: Option<String>,
    /// `public`, `internal`, …; empty when nobody said.
    pub bindings: Vec<String>,
    /// Opaque text.
    pub metadata: String,
    /// Text for people.
    pub description: String,
    /// Kinds of its handlers, in their order.
    pub handlers: Vec<String>,
    /// Who made it.
    pub origin: Origin,
    /// Whether visitors reach it; or why they do not.
    pub state: EndpointState,
    /// Its counters.
    pub meter: Arc<Meter>,
}

/// Who made an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A request to the local API.
    Api,
    /// The command line.
    CommandLine,
    /// The configuration file.
    File,
}

/// Whether visitors reach an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// They do, as far as the agent knows.
    Online,
    /// They do not, because of this.
    Offline(String),
}

/// How the session stands, and how it stood.
#[derive(Clone, Debug, Default)]
pub struct SessionView {
    /// How it stands.
    pub status: SessionStatus,
    /// Its connections.
    pub legs: Vec<LegView>,
    /// Version of this agent, as clients expect it.
    pub agent_version: String,
    /// Version of adit.
    pub version: String,
    /// Address of the edge; `embedded` for our own.
    pub edge: String,
    /// Name of the account, if the edge said.
    pub account: String,
    /// Name of the plan, if the edge said.
    pub plan: String,
    /// A message of the edge for people.
    pub banner: String,
    /// When this process began.
    pub started: Timestamp,
    /// When it is tried next to establish it, while it is lost.
    pub retry_at: Option<Timestamp>,
    /// Connects and disconnects, oldest first, at most 100.
    pub history: Vec<SessionEvent>,
}

/// How a session stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SessionStatus {
    /// There was none yet.
    #[default]
    Connecting,
    /// It is over for good.
    Offline,
    /// It is there.
    Online,
    /// It was lost, because of this.
    Reconnecting(String),
}

impl SessionStatus {
    /// The word for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Offline => "offline",
            Self::Online => "online",
            Self::Reconnecting(_) => "reconnecting",
        }
    }
}

/// One connection of the session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegView {
    /// Where its far end is.
    pub region: String,
    /// Round trip of the last heartbeat.
    pub latency: Option<Duration>,
}

/// Something that happened to the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEvent {
    /// When.
    pub at: Timestamp,
    /// `connected`, `disconnected`, `retry` or `ended`.
    pub what: &'static str,
    /// Why, or with whom.
    pub detail: String,
}

/// One line of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The heading that it stands under: `agent`, `web`, `log`, ….
    pub group: String,
    /// Its name, as in the file.
    pub name: String,
    /// Its value, for people.
    pub value: String,
}

impl Setting {
    /// A line.
    pub fn new(
        group: impl Into<String>,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        Self { group: group.into(), name: name.into(), value: value.into() }
    }
}

/// What became of a definition that was put.
#[derive(Clone, Debug)]
pub enum Replaced {
    /// There was none of that name.
    Created(EndpointView),
    /// There was one.
    Updated(EndpointView),
}

/// What another look at the configuration changed: names of endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reloaded {
    /// New ones.
    pub added: Vec<String>,
    /// Those with another definition, in place or anew.
    pub changed: Vec<String>,
    /// Those that are not in the file any more.
    pub removed: Vec<String>,
    /// Those that stayed as they were.
    pub unchanged: Vec<String>,
    /// Settings that differ and need a restart.
    pub restart_needed: Vec<String>,
    /// Those that are defined but were not chosen when the agent was started.
    pub skipped: Vec<String>,
    /// Those that could not be made so, each with the reason; they are as they were.
    pub failed: Vec<String>,
}

/// Why the agent did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// No endpoint has that name.
    #[error("no endpoint {name:?}")]
    NotFound {
        /// The name.
        name: String,
    },
    /// The definition cannot be followed: unknown key, bad value, name taken.
    #[error("{err}")]
    Invalid {
        /// What is wrong and what to do.
        err: String,
    },
    /// The edge refused the endpoint.
    #[error("{err}")]
    BindRefused {
        /// The edge's text, with its code.
        err: String,
    },
    /// There is no session yet. The name stays free.
    #[error("a successful ngrok tunnel session has not yet been established")]
    NoSession,
    /// The session is being established again. The name stays free.
    #[error("tunnel session not ready yet")]
    SessionLost,
    /// The configuration has mistakes; nothing was changed.
    #[error("{err}")]
    Config {
        /// All of them, with their places, one a line.
        err: String,
    },
}
