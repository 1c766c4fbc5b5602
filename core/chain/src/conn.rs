//! One connection, as handlers see it.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Instant,
};

use crate::Id;

/// What is spoken between the visitor and the public address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP without TLS.
    Http,
    /// HTTP inside TLS.
    Https,
    /// Bytes.
    Tcp,
    /// Bytes inside TLS, routed by SNI.
    Tls,
}

impl Protocol {
    /// The scheme of a public URL: `http`, `https`, `tcp`, `tls`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// Whether exchanges can be seen on it.
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }
}

/// What a handler may know of the endpoint it serves. The same for all its connections.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The name in the agent's file, or the bind's id at the edge.
    pub name: String,
    /// The public URL.
    pub url: String,
    /// Protocol of the public URL.
    pub protocol: Protocol,
    /// Where it leads, for people: `http://localhost:8080`.
    pub upstream: String,
    /// `host[:port]` that an HTTP upstream expects in `Host`, if there is one; the port is left
    /// out when it is the scheme's default.
    pub upstream_host: Option<String>,
}

/// Facts of the TLS session that was terminated for a connection.
#[derive(Clone, Debug, Default)]
pub struct TlsInfo {
    /// Server name that the visitor asked for, lower case.
    pub sni: Option<String>,
    /// Protocol chosen by ALPN.
    pub alpn: Option<Vec<u8>>,
    /// `1.2` or `1.3`.
    pub version: &'static str,
    /// Cipher suite, by its standard name.
    pub cipher_suite: String,
    /// Certificates that the visitor presented, leaf first, DER.
    pub client_certificates: Vec<Vec<u8>>,
}

/// One visitor's connection to one endpoint.
#[derive(Debug)]
pub struct Conn {
    /// Identity, for logs and the inspector.
    pub id: Id,
    /// The visitor.
    pub client: SocketAddr,
    /// The public address that the visitor reached; at the agent, where it is not known, the
    /// unspecified address.
    pub server: SocketAddr,
    /// The endpoint that it came for.
    pub endpoint: Arc<Endpoint>,
    /// The TLS session, once one was terminated on this side.
    pub tls: OnceLock<TlsInfo>,
    /// When it was accepted.
    pub started: Instant,
}

impl Conn {
    /// A connection that has just been accepted.
    pub fn new(client: SocketAddr, server: SocketAddr, endpoint: Arc<Endpoint>) -> Self {
        let tls = OnceLock::new();
        Self { id: Id::next(), client, server, endpoint, tls, started: Instant::now() }
    }
}

/// What a connection carried, told when it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Bytes from the visitor to the upstream.
    pub bytes_in: u64,
    /// Bytes from the upstream to the visitor.
    pub bytes_out: u64,
}
