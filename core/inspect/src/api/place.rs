//! Where the web service listens.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use adit_net::listener::{self, BindError};
use tokio::net::TcpListener;
use tracing::warn;

use super::limits::MORE_PORTS;

/// Where the web service shall be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WebAddr {
    /// At 127.0.0.1:4040, or at the next port that is free.
    #[default]
    Default,
    /// There and nowhere else. `localhost` is 127.0.0.1: clients read an IPv4 address from the log.
    At {
        /// A name or an address.
        host: String,
        /// 0 lets the system choose.
        port: u16,
    },
}

/// Nothing listens where it shall.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebBindError {
    /// The system does not give us the address.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The host is not known.
    #[error("listen tcp {host}:{port}: lookup {host}: {error}")]
    Lookup {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What the resolver said. Not the `source`: it is part of the message already.
        error: io::Error,
    },
    /// Neither the default port nor any of the next ones is free.
    #[error("listen tcp 127.0.0.1:{first}-{last}: no free port")]
    NoPort {
        /// The first that was tried.
        first: u16,
        /// The last one.
        last: u16,
    },
}

const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4040);

pub(super) async fn bind(wanted: &WebAddr) -> Result<TcpListener, WebBindError> {
    match wanted {
        WebAddr::Default => first_free(DEFAULT),
        WebAddr::At { host, port } => Ok(listener::bind(resolve(host, *port).await?)?),
    }
}

/// The first free port from an address upwards.
fn first_free(default: SocketAddr) -> Result<TcpListener, WebBindError> {
    let error = match listener::bind(default) {
        Ok(socket) => return Ok(socket),
        Err(error) => error,
    };
    if error.error.kind() != io::ErrorKind::AddrInUse {
        return Err(error.into());
    }
    // Fact: clients give up when they read that an address is in use, and take the first `addr` of
    // the JSON log for the one of the service. So this record says neither.
    warn!(obj = "web", "can't bind default web address, trying alternatives");
    let last = default.port().saturating_add(MORE_PORTS);
    for port in default.port().saturating_add(1)..=last {
        match listener::bind(SocketAddr::new(default.ip(), port)) {
            Ok(socket) => return Ok(socket),
            Err(error) if error.error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(WebBindError::NoPort { first: default.port(), last })
}

async fn resolve(host: &str, port: u16) -> Result<SocketAddr, WebBindError> {
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    }
    if host.is_empty() {
        return Ok(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port));
    }
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    if let Ok(ip) = bare.parse() {
        return Ok(SocketAddr::new(ip, port));
    }
    let wrong = |error| WebBindError::Lookup { host: host.to_owned(), port, error };
    let found: Vec<_> = tokio::net::lookup_host((bare, port)).await.map_err(wrong)?.collect();
    let v4 = found.iter().find(|addr| addr.is_ipv4());
    v4.or(found.first())
        .copied()
        .ok_or_else(|| wrong(io::Error::new(io::ErrorKind::NotFound, "no such host")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> (TcpListener, SocketAddr) {
        let socket = listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let addr = socket.local_addr().unwrap();
        (socket, addr)
    }

    #[tokio::test]
    async fn a_default_port_that_is_taken_leads_to_the_next_free_one() {
        let (_held, taken) = held();
        let found = first_free(taken).unwrap().local_addr().unwrap();
        assert_eq!(found.ip(), taken.ip());
        assert!(found.port() > taken.port(), "{found} after {taken}");
    }

    #[tokio::test]
    async fn a_configured_port_that_is_taken_is_an_error_in_the_words_that_clients_look_for() {
        let (_held, taken) = held();
        let wanted = WebAddr::At { host: "localhost".to_owned(), port: taken.port() };
        let error = bind(&wanted).await.unwrap_err().to_string();
        assert_eq!(error, format!("listen tcp {taken}: bind: address already in use"));
    }

    #[tokio::test]
    async fn hosts_become_addresses() {
        let at = |host: &str| {
            let host = host.to_owned();
            async move { resolve(&host, 4041).await.map(|addr| addr.to_string()).unwrap() }
        };
        assert_eq!(at("LocalHost").await, "127.0.0.1:4041");
        assert_eq!(at("").await, "0.0.0.0:4041");
        assert_eq!(at("0.0.0.0").await, "0.0.0.0:4041");
        assert_eq!(at("::1").await, "[::1]:4041");
        assert_eq!(at("[::1]").await, "[::1]:4041");
    }

    #[tokio::test]
    async fn a_host_that_nobody_knows_is_an_error_with_its_name() {
        let error = resolve("no such host", 1).await.unwrap_err().to_string();
        assert!(error.starts_with("listen tcp no such host:1: lookup no such host: "), "{error}");
    }
}
