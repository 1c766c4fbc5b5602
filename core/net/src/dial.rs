//! Connecting to a host and port, or to a Unix socket.
//!
//! ```text
//! host --resolve--> addresses, families taking turns --attempt, one by one--> TcpStream
//! ```
//!
//! One deadline covers all of it. While addresses remain an attempt gets its share of the time
//! that is left, so that one silent address cannot use up all of it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, UnixStream};
use tokio::time::{Instant, timeout, timeout_at};

use crate::dns::Resolver;
use crate::{keepalive, limits};

/// No connection came about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The name has no address.
    #[error("could not resolve {host}")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The address refused, or cannot be reached. The first of several, if all failed.
    #[error("could not connect to {addr}")]
    Connect {
        /// The address that was tried.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// None of the name's addresses may be connected to.
    #[error("connections to {host} are not allowed")]
    Forbidden {
        /// The name.
        host: String,
    },
    /// The time was over.
    #[error("no connection to {target} within {after:?}")]
    Timeout {
        /// What was dialled: `host:port`, an address, or a path.
        target: String,
        /// The deadline.
        after: Duration,
    },
    /// The network interface cannot be used.
    #[error("could not use network interface {name:?}")]
    Interface {
        /// Its name.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// The Unix socket refused, or does not exist.
    #[error("could not connect to {}", path.display())]
    Unix {
        /// The socket's path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// How to connect. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dialer {
    /// Time for everything: resolving, and all attempts.
    pub timeout: Duration,
    /// The network interface to leave by; Linux only.
    pub interface: Option<Arc<str>>,
    /// Who answers what address a name has.
    pub resolver: Resolver,
}

impl Default for Dialer {
    fn default() -> Self {
        Self { timeout: limits::DIAL_TIMEOUT, interface: None, resolver: Resolver::System }
    }
}

impl Dialer {
    /// The same with another deadline.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Connects to a port of a host: a name, an IPv4 or an IPv6 address (brackets allowed).
    ///
    /// `localhost` and names below it are not looked up: they are `127.0.0.1`, then `::1`.
    ///
    /// # Errors
    ///
    /// See [`DialError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes what it opened.
    pub async fn tcp(&self, host: &str, port: u16) -> Result<TcpStream, DialError> {
        if let Some(addrs) = known(host, port) {
            return self.any_of(addrs.as_slice(), Instant::now() + self.timeout).await;
        }
        let deadline = Instant::now() + self.timeout;
        let addrs = self.look_up(host, port, deadline).await?;
        self.any_of(&addrs, deadline).await
    }

    /// As [`tcp`](Self::tcp), but only to addresses that `allows` lets pass. The addresses that are
    /// looked at are those that are connected to, so that a name that changes its meaning meanwhile
    /// does not get past it.
    ///
    /// # Errors
    ///
    /// See [`DialError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes what it opened.
    pub async fn tcp_where(
        &self,
        host: &str,
        port: u16,
        allows: impl Fn(IpAddr) -> bool + Send,
    ) -> Result<TcpStream, DialError> {
        let deadline = Instant::now() + self.timeout;
        let mut addrs = match known(host, port) {
            Some(addrs) => addrs.as_slice().to_vec(),
            None => self.look_up(host, port, deadline).await?,
        };
        addrs.retain(|addr| allows(addr.ip()));
        if addrs.is_empty() {
            return Err(DialError::Forbidden { host: host.to_owned() });
        }
        self.any_of(&addrs, deadline).await
    }

    /// Connects to an address.
    ///
    /// # Errors
    ///
    /// See [`DialError`].
    pub async fn addr(&self, addr: SocketAddr) -> Result<TcpStream, DialError> {
        self.any_of(&[addr], Instant::now() + self.timeout).await
    }

    /// The addresses of a name. There is at least one.
    async fn look_up(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<Vec<SocketAddr>, DialError> {
        match timeout_at(deadline, self.resolver.lookup(host, port)).await {
            Ok(Ok(addrs)) => Ok(take_turns(addrs)),
            Ok(Err(source)) => Err(DialError::Resolve { host: host.to_owned(), source }),
            Err(_) => Err(self.timed_out(format!("{host}:{port}"))),
        }
    }

    /// Connects to the first of `addrs` that answers. There is at least one.
    async fn any_of(
        &self,
        addrs: &[SocketAddr],
        deadline: Instant,
    ) -> Result<TcpStream, DialError> {
        let mut first_error = None;
        for (n, &addr) in addrs.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let share = share(left, addrs.len() - n);
            let error = match timeout(share, self.connect(addr)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => error,
                Err(_) => self.timed_out(addr.to_string()),
            };
            tracing::debug!(%addr, %error, "attempt failed");
            first_error.get_or_insert(error);
            if deadline <= Instant::now() {
                break;
            }
        }
        Err(first_error.expect("every list of addresses has one"))
    }

    async fn connect(&self, addr: SocketAddr) -> Result<TcpStream, DialError> {
        let failed = |source| DialError::Connect { addr, source };
        let socket = match addr {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }
        .map_err(failed)?;
        socket.set_nodelay(true).map_err(failed)?;
        // A peer on the same machine cannot vanish without a word. What it leaves half-closed can
        // (see `Io::ask_peer`).
        if !addr.ip().is_loopback() {
            keepalive::set(&socket).map_err(failed)?;
        }
        if let Some(name) = &self.interface {
            bind_interface(&socket, name)
                .map_err(|source| DialError::Interface { name: name.to_string(), source })?;
        }
        socket.connect(addr).await.map_err(failed)
    }

    fn timed_out(&self, target: String) -> DialError {
        DialError::Timeout { target, after: self.timeout }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn bind_interface(socket: &TcpSocket, name: &str) -> io::Result<()> {
    socket.bind_device(Some(name.as_bytes()))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn bind_interface(_: &TcpSocket, _: &str) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux can bind to an interface"))
}

/// Connects to a Unix socket.
///
/// # Errors
///
/// See [`DialError`].
pub async fn unix(path: &Path, within: Duration) -> Result<UnixStream, DialError> {
    match timeout(within, UnixStream::connect(path)).await {
        Ok(result) => result.map_err(|source| DialError::Unix { path: path.to_owned(), source }),
        Err(_) => Err(DialError::Timeout { target: path.display().to_string(), after: within }),
    }
}

/// One or two addresses, without an allocation.
enum Known {
    One([SocketAddr; 1]),
    Two([SocketAddr; 2]),
}

impl Known {
    const fn as_slice(&self) -> &[SocketAddr] {
        match self {
            Self::One(addrs) => addrs,
            Self::Two(addrs) => addrs,
        }
    }
}

/// Addresses that need no lookup.
fn known(host: &str, port: u16) -> Option<Known> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Some(Known::One([(ip, port).into()]));
    }
    // Fact: RFC 6761, 6.3: these names are loopback. IPv4 first: more services listen there.
    let name = bare.strip_suffix('.').unwrap_or(bare);
    let label = name.rsplit('.').next()?;
    label.eq_ignore_ascii_case("localhost").then(|| {
        Known::Two([(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()])
    })
}

/// Families taking turns, beginning with the one that the resolver prefers. Fact: RFC 8305, 4.
fn take_turns(addrs: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_ipv4 = addrs.first().is_some_and(SocketAddr::is_ipv4);
    let (preferred, other): (Vec<_>, Vec<_>) =
        addrs.into_iter().partition(|addr| addr.is_ipv4() == first_is_ipv4);
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    let mut mixed = Vec::new();
    while mixed.len() < limits::MAX_ADDRESSES {
        let pair = [preferred.next(), other.next()];
        if pair == [None, None] {
            break;
        }
        mixed.extend(pair.into_iter().flatten());
    }
    mixed
}

/// What one attempt may take of the time that is left.
fn share(left: Duration, n_addrs_left: usize) -> Duration {
    let n_addrs_left = u32::try_from(n_addrs_left).unwrap_or(u32::MAX).max(1);
    (left / n_addrs_left).max(limits::MIN_ATTEMPT).min(left)
}

#[cfg(test)]
#[path = "dial_tests.rs"]
mod tests;
