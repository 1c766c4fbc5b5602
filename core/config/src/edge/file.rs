//! What was written for an edge: every value optional and with its place.

use std::{path::PathBuf, time::Duration};

use super::limits::LimitsFile;
use crate::{
    diagnostic::Diagnostics,
    file::{LogFormat, LogLevel, PolicyRequests},
    place::At,
    read::{Read, Reader},
    record::{Merge, record},
    yaml,
};

record! {
    /// The edge's file, or its flags.
    pub struct EdgeFile {
        /// Public names end with it.
        domain: At<String>,
        /// `ip:port` of the one TLS port.
        tls_addr: At<String>,
        /// `ip:port` of the plain HTTP port, or `false`.
        http_addr: At<String>,
        /// The TLS port as visitors see it, for instance behind a port mapping.
        public_tls_port: At<u16>,
        /// The plain HTTP port as visitors see it.
        public_http_port: At<u16>,
        /// Ports for `tcp` endpoints: `20000-20100`.
        tcp_ports: At<String>,
        /// Where they listen; by default everywhere, with IPv6 if the TLS port is an IPv6 one.
        tcp_addr: At<std::net::IpAddr>,
        /// Path to a certificate chain.
        cert: At<PathBuf>,
        /// Path to its key.
        key: At<PathBuf>,
        /// More pairs.
        certificates: At<Vec<At<Pair>>>,
        /// Where the edge keeps what must survive it.
        state_dir: At<PathBuf>,
        /// Tokens that agents may authenticate with.
        tokens: At<Vec<At<Token>>>,
        /// Name that agents dial.
        connect_host: At<String>,
        /// Region that agents are told.
        region: At<String>,
        /// Whom traffic policies may ask: `internal` endpoints, `public` hosts too, or `any`.
        policy_requests: At<PolicyRequests>,
        /// Limits towards strangers.
        limits: LimitsFile,
        /// How the edge watches its agents.
        heartbeat: Heartbeat,
        /// How long an address waits for its agent.
        reconnect_grace: At<Duration>,
        /// How long connections may go on after the edge was told to stop.
        drain: At<Duration>,
        /// Where logs go: `stdout`, `stderr`, `false`, or a path.
        log: At<String>,
        /// How a record is printed.
        log_format: At<LogFormat>,
        /// How much is logged.
        log_level: At<LogLevel>,
    }
}

record! {
    /// A certificate chain and its key.
    pub struct Pair {
        /// Path to the chain.
        cert: At<PathBuf>,
        /// Path to the key.
        key: At<PathBuf>,
    }
}

record! {
    /// A token.
    pub struct Token {
        /// Name for people and logs.
        id: At<String>,
        /// `sha256:<hex>`.
        hash: At<String>,
        /// Text for people: the name of the account.
        description: At<String>,
        /// Most sessions at a time.
        max_sessions: At<u32>,
        /// What it may bind.
        acl: At<Vec<At<String>>>,
    }
}

record! {
    /// How the edge watches its agents.
    pub struct Heartbeat {
        /// Time between two heartbeats.
        interval: At<Duration>,
        /// Longest time to wait for the answer to one.
        tolerance: At<Duration>,
    }
}

impl EdgeFile {
    /// Reads a file and what is wrong with it. `name` is how the user named it.
    pub fn parse(name: &str, bytes: &[u8]) -> (Self, Diagnostics) {
        let mut r = Reader::new(name);
        let file = match yaml::parse(&r.file, bytes, &mut r.problems) {
            Ok(Some(node)) if !node.is_null() => Self::read(&node, &mut r).unwrap_or_default(),
            Ok(_) => Self::default(),
            Err(problem) => {
                r.problems.push(problem);
                Self::default()
            }
        };
        (file, r.problems)
    }

    /// Lays `later` over `self`. Scalars and lists are replaced, maps are merged key by key.
    pub fn merge(&mut self, later: Self) {
        Merge::merge(self, later);
    }
}
