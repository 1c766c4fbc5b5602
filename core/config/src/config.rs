//! What an agent's configuration means, with nothing left to default.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use crate::{
    addr::{ConnectAddr, HostPort},
    endpoint::Endpoint,
    file::{
        ConsoleColor, ConsoleUi, LogFormat, LogLevel, PolicyCache, PolicyRequests, UpdateChannel,
    },
    opaque::Opaque,
    place::At,
    resolve,
    secret::Secret,
};

/// An agent and its endpoints.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Token that the edge knows the agent by.
    pub authtoken: Option<Secret<String>>,
    /// Key for the management API.
    pub api_key: Option<Secret<String>>,
    /// Base URL of the management API; from the environment only.
    pub api_url: Option<At<String>>,
    /// Where updates come from; from the environment only.
    pub update_url: Option<At<String>>,
    /// Where the edge is; `None` means that the agent brings its own.
    pub connect: Option<At<ConnectAddr>>,
    /// What the edge's certificate is verified against.
    pub connect_cas: ConnectCas,
    /// Longest time to establish a session.
    pub connect_timeout: Duration,
    /// Network interface that the session leaves by.
    pub connect_interface: Option<At<String>>,
    /// Proxy on the way to the edge: `http`, `https` or `socks5`. May hold a password.
    pub proxy_url: Option<At<Secret<url::Url>>>,
    /// Name servers for the session; empty means the system's.
    pub dns_resolver_ips: Vec<IpAddr>,
    /// Where the certificate revocation list is.
    pub crl_url: Option<At<String>>,
    /// Whether the revocation list is not consulted.
    pub crl_noverify: bool,
    /// Longest time that connections may go on once the agent is asked to end.
    pub drain_timeout: Duration,
    /// Time between two heartbeats. The edge decides whether it is acceptable.
    pub heartbeat_interval: Duration,
    /// Longest time to wait for the answer to one.
    pub heartbeat_tolerance: Duration,
    /// Text that goes with the session.
    pub metadata: String,
    /// Region, of files before version 3.
    pub region: Option<At<String>>,
    /// Whether the edge may stop, restart or update the agent.
    pub remote_management: bool,
    /// What is logged, how and where to.
    pub log: Log,
    /// Whether the console shows a live view.
    pub console_ui: ConsoleUi,
    /// Background of the live view.
    pub console_ui_color: ConsoleColor,
    /// Where the local API and web page are.
    pub web_addr: WebAddr,
    /// Values of `Host` that the local API answers to, besides the local ones.
    pub web_allow_hosts: Vec<At<String>>,
    /// How much captured traffic is kept.
    pub inspect_db: InspectDb,
    /// Which releases an update may choose from.
    pub update_channel: UpdateChannel,
    /// Whether to look for updates.
    pub update_check: bool,
    /// Whether compiled policies are kept for the next start.
    pub policy_cache: PolicyCache,
    /// Whom traffic policies may ask.
    pub policy_requests: PolicyRequests,
    /// Policies that handlers may name.
    pub plugins: Vec<(At<String>, Opaque)>,
    /// Endpoints, in the order of the files: those of `endpoints:`, then those of `tunnels:`.
    pub endpoints: Vec<Endpoint>,
}

impl Default for Config {
    /// What no file, no environment and no flags mean: an agent that brings its own edge.
    fn default() -> Self {
        resolve::defaults()
    }
}

/// What the edge's certificate is verified against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectCas {
    /// The roots that the program brings.
    Trusted,
    /// The system's roots.
    Host,
    /// PEM in a file.
    File(At<PathBuf>),
}

/// What is logged, how and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Where to.
    pub target: LogTarget,
    /// How.
    pub format: LogFormat,
    /// What.
    pub level: LogLevel,
}

/// Where logs go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// Nowhere.
    Off,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Appended to a file.
    File(At<PathBuf>),
}

/// Where the local API and web page are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebAddr {
    /// Nowhere.
    Off,
    /// At 127.0.0.1:4040, or at the next port that is free.
    Default,
    /// There, or the agent does not start.
    At(At<HostPort>),
}

impl WebAddr {
    /// Where the local API is when nothing is said.
    pub fn default_addr() -> HostPort {
        HostPort::new("127.0.0.1", 4040)
    }
}

/// How much captured traffic is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InspectDb {
    /// None; no exchange is captured.
    Off,
    /// At most so many bytes.
    Bytes(u64),
}

impl InspectDb {
    /// What `inspect_db_size: 0` means: 50 MB.
    pub const DEFAULT: Self = Self::Bytes(50_000_000);
}
