//! What an edge is told when it starts.

mod file;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    path::PathBuf,
    time::Duration,
};

use adit_net::tls::PemSource;
use adit_proto::peer::HeartbeatTiming;

use crate::limits::Limits;

/// Host under the base domain that agents dial.
const CONNECT_LABEL: &str = "connect";

/// What an edge is told when it starts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Base domain, lower case: random names are made below it, agents dial `connect.` below it.
    pub domain: String,
    /// Further names by which agents may dial; they lead nowhere else.
    pub connect_names: Vec<String>,
    /// The one TLS port, for agents and visitors.
    pub tls: Option<SocketAddr>,
    /// The plain HTTP port.
    pub http: Option<SocketAddr>,
    /// Where `tcp` endpoints live.
    pub tcp: TcpPorts,
    /// Ports as the outside sees them; the listeners' own where not set.
    pub public: PublicPorts,
    /// Certificates of our names. None: a local CA.
    pub certificates: Vec<CertificatePair>,
    /// Where the CA and the session key are kept. None: as long as the process lives.
    pub state_dir: Option<PathBuf>,
    /// Which hosts outside of the base domain may be bound.
    pub custom_hosts: CustomHosts,
    /// Name of this place, told to agents.
    pub region: String,
    /// How often this edge pings its agents.
    pub heartbeat: HeartbeatTiming,
    /// How long after the start a visitor waits for a name that is not served: agents of before may be
    /// on their way back.
    pub restart_wait: Duration,
    /// Everything that bounds strangers and agents.
    pub limits: Limits,
}

/// Where `tcp` endpoints live.
#[derive(Clone, Debug)]
pub struct TcpPorts {
    /// Host of their public addresses; empty: the base domain.
    pub host: String,
    /// Address to listen on.
    pub ip: IpAddr,
    /// Ports to choose from.
    pub ports: Ports,
}

/// Ports of `tcp` endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Any port; the system chooses where the agent does not.
    Any,
    /// There are no `tcp` endpoints.
    None,
    /// These, both ends included.
    Range(RangeInclusive<u16>),
}

/// Ports as the outside sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublicPorts {
    /// Of `https://` and `tls://`.
    pub tls: Option<u16>,
    /// Of `http://`.
    pub http: Option<u16>,
}

/// A certificate chain with its key.
#[derive(Clone, Debug)]
pub struct CertificatePair {
    /// The chain, leaf first.
    pub cert: PemSource,
    /// The leaf's key.
    pub key: PemSource,
}

/// Which hosts outside of the base domain may be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustomHosts {
    /// All.
    Any,
    /// Those that a rule of the credential names, or a configured certificate covers.
    Reserved,
}

impl Settings {
    /// An edge with a base domain and no listener yet; add what it needs.
    pub fn new(domain: impl Into<String>) -> Self {
        Self {
            domain: domain.into().to_ascii_lowercase(),
            connect_names: Vec::new(),
            tls: None,
            http: None,
            tcp: TcpPorts {
                host: String::new(),
                ip: Ipv4Addr::UNSPECIFIED.into(),
                ports: Ports::None,
            },
            public: PublicPorts::default(),
            certificates: Vec::new(),
            state_dir: None,
            custom_hosts: CustomHosts::Reserved,
            region: "local".to_owned(),
            heartbeat: HeartbeatTiming::default(),
            restart_wait: Duration::ZERO,
            limits: Limits::default(),
        }
    }

    /// An edge for the own process and machine: loopback, free ports, names under `.localhost`,
    /// which browsers and the usual resolvers take for loopback.
    pub fn embedded() -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let tcp = TcpPorts {
            host: "localhost".to_owned(),
            ip: Ipv4Addr::LOCALHOST.into(),
            ports: Ports::Any,
        };
        Self {
            tls: Some(loopback),
            http: Some(loopback),
            tcp,
            custom_hosts: CustomHosts::Any,
            ..Self::new("localhost")
        }
    }

    /// The name that agents dial: `connect.<domain>`.
    pub fn connect_name(&self) -> String {
        format!("{CONNECT_LABEL}.{}", self.domain)
    }

    /// Whether this SNI is one by which agents dial.
    pub(crate) fn is_connect_name(&self, name: &str) -> bool {
        name == self.domain
            || name == self.connect_name()
            || self.connect_names.iter().any(|connect| connect.eq_ignore_ascii_case(name))
    }
}
