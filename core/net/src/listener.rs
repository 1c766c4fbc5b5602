//! A TCP listener that owns its connections.
//!
//! The accept loop only accepts: it takes a permit, accepts, and starts the connection's own task.
//! Handshakes and lookups are the handler's, in that task, under the handler's deadlines.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::per_source::PerSource;
use crate::tasks::{ConnStop, Drained, Spawner, Tasks};
use crate::{keepalive, limits};

/// A socket could not be bound. Reads like `listen tcp 127.0.0.1:4040: bind: address already in use`.
#[derive(Debug, thiserror::Error)]
#[error("listen tcp {addr}: bind: {}", reason(.error))]
pub struct BindError {
    /// The address that was asked for.
    pub addr: SocketAddr,
    /// What the system said. Not the `source`: it is part of the message already.
    pub error: io::Error,
}

/// The system's reason as scripts know it: lower case, without the number.
fn reason(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(at) = text.find(" (os error") {
        text.truncate(at);
    }
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    text
}

/// Binds and listens. Port 0 lets the system choose one; an IPv6 wildcard takes IPv4 as well.
///
/// # Errors
///
/// If the address is in use, not ours, or not permitted.
///
/// # Panics
///
/// Outside of a tokio runtime.
pub fn bind(addr: SocketAddr) -> Result<TcpListener, BindError> {
    listen(addr).map_err(|error| BindError { addr, error })
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    if addr.is_ipv6() && addr.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    // A restart must not wait for connections in TIME_WAIT. On Windows the option means something
    // else: that another process may take the port over.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    // Accepted sockets inherit both on Linux and the BSDs, which saves system calls for each.
    socket.set_tcp_nodelay(true)?;
    keepalive::set(&socket)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(limits::LISTEN_BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// What a listener lets in.
#[derive(Clone, Debug)]
pub struct Limits {
    /// One permit per connection. Listeners that are given clones share them.
    pub permits: Arc<Semaphore>,
    /// Connections of one source address; more are closed at once.
    pub per_source: Option<PerSource>,
}

impl Limits {
    /// At most `max` connections at a time; further ones wait in the kernel's queue.
    pub fn connections(max: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(max)), per_source: None }
    }

    /// The same, with at most `max` connections of one source address.
    pub fn per_source(mut self, max: u32) -> Self {
        self.per_source = Some(PerSource::new(max));
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::connections(limits::MAX_CONNECTIONS)
    }
}

/// Accepts connections and owns their tasks. Dropping it stops accepting and cuts them.
#[derive(Debug)]
pub struct Listener {
    local_addr: SocketAddr,
    accepting: JoinHandle<Option<()>>,
    connections: Tasks,
}

impl Listener {
    /// Starts accepting; each connection runs `handler`'s future in a task of its own.
    ///
    /// The future is dropped when the connection is cut.
    ///
    /// # Errors
    ///
    /// If the socket has no address, which a bound one has.
    pub fn spawn<H, F>(socket: TcpListener, limits: Limits, handler: H) -> io::Result<Self>
    where
        H: Fn(TcpStream, SocketAddr, ConnStop) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let local_addr = socket.local_addr()?;
        let connections = Tasks::new();
        let accept = accept_loop(socket, limits, handler, connections.spawner());
        let accepting = connections.spawn(accept);
        Ok(Self { local_addr, accepting, connections })
    }

    /// The address that is listened on, with the real port.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Connections that are open now.
    pub fn n_connections(&self) -> usize {
        let n_accepting = usize::from(!self.accepting.is_finished());
        self.connections.len().saturating_sub(n_accepting)
    }

    /// The tokens that its connections see.
    pub const fn signals(&self) -> &ConnStop {
        self.connections.signals()
    }

    /// Stops accepting, lets connections finish until `grace` ends, then cuts the rest.
    pub async fn shutdown(self, grace: Duration) -> Drained {
        self.connections.stop();
        // It heeds the stop at once. Waiting for it frees the port and keeps it out of the count.
        if self.accepting.await.is_err() {
            tracing::error!(addr = %self.local_addr, "the accept loop had panicked");
        }
        self.connections.shutdown(grace).await
    }
}

async fn accept_loop<H, F>(socket: TcpListener, limits: Limits, handler: H, spawner: Spawner)
where
    H: Fn(TcpStream, SocketAddr, ConnStop) -> F + Send,
    F: Future<Output = ()> + Send + 'static,
{
    let signals = spawner.signals().clone();
    let mut backoff = Backoff::default();
    // Made once: a new one per connection would take the token's lock each time.
    let stopped = signals.stop.cancelled();
    tokio::pin!(stopped);
    loop {
        // `biased`: after the stop nothing more is accepted. Both operations are cancel-safe.
        let permit = tokio::select! {
            biased;
            () = &mut stopped => return,
            permit = Arc::clone(&limits.permits).acquire_owned() => permit,
        };
        let Ok(permit) = permit else {
            return; // the owner of the permits closed them: nothing may be accepted any more
        };
        let accepted = tokio::select! {
            biased;
            () = &mut stopped => return,
            accepted = socket.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok((stream, peer)) => (stream, canonical(peer)),
            Err(error) if concerns_one_connection(&error) => {
                tracing::debug!(%error, "a connection ended before it was accepted");
                continue;
            }
            Err(error) => {
                let pause = backoff.next();
                tracing::warn!(%error, ?pause, "cannot accept connections");
                tokio::select! {
                    biased;
                    () = &mut stopped => return,
                    () = tokio::time::sleep(pause) => continue,
                }
            }
        };
        backoff = Backoff::default();
        let guard = match &limits.per_source {
            None => None,
            Some(sources) => match sources.admit(peer.ip()) {
                Some(guard) => Some(guard),
                None => {
                    tracing::debug!(%peer, "source has all connections it may have");
                    continue;
                }
            },
        };
        #[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd")))]
        if let Err(error) = stream.set_nodelay(true).and_then(|()| keepalive::set(&stream)) {
            tracing::debug!(%error, "could not set an accepted socket's options");
        }
        let connection = handler(stream, peer, signals.clone());
        spawner.spawn(async move {
            connection.await;
            drop((permit, guard));
        });
    }
}

/// An IPv4 address as itself, also where it came to a socket for both families, which writes it as
/// `::ffff:192.0.2.1`.
pub(crate) fn canonical(addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => (v4, v6.port()).into(),
            None => addr,
        },
        SocketAddr::V4(_) => addr,
    }
}

/// Errors of the accept call that say something of the connection, not of us.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

#[derive(Debug)]
struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(limits::ACCEPT_BACKOFF_MIN)
    }
}

impl Backoff {
    fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(limits::ACCEPT_BACKOFF_MAX);
        pause
    }
}

#[cfg(test)]
#[path = "listener_tests.rs"]
mod tests;
