//! The edge's configuration: what `adit edge --config` reads.

mod file;
mod limits;
mod range;
mod resolve;
mod token;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    path::PathBuf,
    time::Duration,
};

pub use self::{
    file::{EdgeFile, Heartbeat as HeartbeatFile, Pair as PairFile, Token as TokenFile},
    limits::{EdgeLimits, LimitsFile},
    range::AtMost,
    resolve::EdgeLayers,
    token::{TokenHash, TokenHashError},
};
use crate::{
    config::{Log, LogTarget},
    file::{LogFormat, LogLevel, PolicyRequests},
    place::At,
};

/// An edge, with nothing left to default.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EdgeConfig {
    /// Public names end with it. In lower case.
    pub domain: String,
    /// The one TLS port, for agents and visitors.
    pub tls_addr: SocketAddr,
    /// The plain HTTP port; `None` for none.
    pub http_addr: Option<SocketAddr>,
    /// Where the ports of `tcp` endpoints listen.
    pub tcp_addr: IpAddr,
    /// Ports for `tcp` endpoints; `None` for no such endpoints.
    pub tcp_ports: Option<TcpPorts>,
    /// Certificates that visitors and agents see; empty means that the edge's own CA makes them.
    pub certificates: Vec<CertificateFiles>,
    /// Where the edge keeps what must survive it: its CA, its keys. `None` keeps it in memory.
    pub state_dir: Option<At<PathBuf>>,
    /// Tokens that agents may authenticate with.
    pub tokens: Vec<Token>,
    /// The TLS port as visitors see it, where it is not the one that is listened on.
    pub public_tls_port: Option<u16>,
    /// The same for the plain HTTP port.
    pub public_http_port: Option<u16>,
    /// Name that agents dial.
    pub connect_host: String,
    /// Region that agents are told.
    pub region: String,
    /// Every limit towards strangers.
    pub limits: EdgeLimits,
    /// How the edge watches its agents.
    pub heartbeat: Heartbeat,
    /// Whom traffic policies may ask.
    pub policy_requests: PolicyRequests,
    /// How long an address waits for its agent to come back.
    pub reconnect_grace: Duration,
    /// How long connections may go on after the edge was told to stop.
    pub drain: Duration,
    /// What is logged, how and where to.
    pub log: Log,
}

impl EdgeConfig {
    /// An edge for `domain` with every default, which serves as any name below it.
    pub fn new(domain: impl Into<String>) -> Self {
        let domain = domain.into();
        Self {
            tls_addr: (Ipv4Addr::UNSPECIFIED, 443).into(),
            http_addr: Some((Ipv4Addr::UNSPECIFIED, 80).into()),
            tcp_addr: Ipv4Addr::UNSPECIFIED.into(),
            tcp_ports: None,
            certificates: Vec::new(),
            state_dir: None,
            tokens: Vec::new(),
            public_tls_port: None,
            public_http_port: None,
            connect_host: format!("connect.{domain}"),
            region: "self".to_owned(),
            limits: EdgeLimits::default(),
            heartbeat: Heartbeat {
                interval: Duration::from_secs(10),
                tolerance: Duration::from_secs(15),
            },
            policy_requests: PolicyRequests::Internal,
            reconnect_grace: Duration::from_secs(30),
            drain: Duration::from_secs(30),
            log: Log {
                target: LogTarget::Stderr,
                format: LogFormat::Logfmt,
                level: LogLevel::Info,
            },
            domain,
        }
    }
}

/// Ports for `tcp` endpoints, both ends included.
///
/// From 0 to 0 means that the system chooses; no file can say so, an embedded edge can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpPorts {
    /// The lowest.
    pub first: u16,
    /// The highest.
    pub last: u16,
}

impl TcpPorts {
    /// Every port.
    pub fn range(self) -> RangeInclusive<u16> {
        self.first..=self.last
    }
}

/// A certificate chain and its key, as paths to PEM.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The chain, leaf first.
    pub cert: At<PathBuf>,
    /// The key of the leaf.
    pub key: At<PathBuf>,
}

/// A token that agents may authenticate with. The token itself is not kept.
#[derive(Clone, Debug)]
pub struct Token {
    /// Name for people and logs; unique.
    pub id: String,
    /// Its hash.
    pub hash: TokenHash,
    /// Text for people: agents show it as the name of their account, instead of the id.
    pub description: String,
    /// Most sessions at a time; `None` for any number.
    pub max_sessions: Option<u32>,
    /// What it may bind, for instance `bind:*.example.com`; empty allows everything.
    pub acl: Vec<At<String>>,
}

/// How the edge watches its agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Time between two heartbeats that the edge sends.
    pub interval: Duration,
    /// Longest time to wait for the answer to one.
    pub tolerance: Duration,
}

#[cfg(test)]
mod tests;
