//! The web service: the local API that clients know, what the page needs beyond it, and the page.
//!
//! ```text
//! connection ── Host rule ── route ── method ── content type ── body ── handler ── Answer
//!                  401        404       405          415       413/408
//! ```
//!
//! Reading order: [`Web`] listens, `service` decides who is answered, `route` what there is; then
//! `endpoints`, `captured` and `status` for what clients know, and the rest for the page.

mod again;
mod answer;
mod archive;
mod captured;
mod connection;
mod detail;
mod endpoints;
mod error;
mod events;
mod exchanges;
mod files;
mod host;
mod input;
mod limits;
mod messages;
mod openapi;
mod overview;
mod payload;
mod place;
mod prometheus;
mod record;
mod route;
mod row;
mod service;
mod session;
mod steady;
mod time;

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use adit_net::{
    Drained,
    listener::{Limits, Listener},
    tasks::Tasks,
};
use tokio::net::TcpListener;

pub use self::place::{WebAddr, WebBindError};
use self::service::Service;
use crate::{capture::Store, control::Control, replay::Replayer};

/// What the web service shows.
#[derive(Clone, Debug)]
pub struct Shown {
    control: Arc<dyn Control>,
    store: Option<Arc<Store>>,
    replayer: Option<Arc<dyn Replayer>>,
    allow_hosts: Vec<String>,
}

impl Shown {
    /// An agent that captures nothing.
    pub fn new(control: Arc<dyn Control>) -> Self {
        Self { control, store: None, replayer: None, allow_hosts: Vec::new() }
    }

    /// What was captured.
    #[must_use]
    pub fn store(mut self, store: Arc<Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Who sends exchanges again.
    #[must_use]
    pub fn replayer(mut self, replayer: Arc<dyn Replayer>) -> Self {
        self.replayer = Some(replayer);
        self
    }

    /// Values of `Host` that are answered besides the local ones: addresses, networks, names, and
    /// `.suffix` for every name below one.
    #[must_use]
    pub fn allow_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.allow_hosts = hosts.into_iter().map(Into::into).collect();
        self
    }
}

/// A web service that has its address and does not answer yet.
#[derive(Debug)]
pub struct Web {
    socket: TcpListener,
    addr: SocketAddr,
}

impl Web {
    /// Takes an address.
    ///
    /// # Errors
    /// The text reads like `listen tcp 127.0.0.1:4040: bind: address already in use`: clients look
    /// for it.
    pub async fn bind(wanted: &WebAddr) -> Result<Self, WebBindError> {
        let socket = place::bind(wanted).await?;
        let addr = socket.local_addr().map_err(|error| {
            let addr = SocketAddr::from(([0, 0, 0, 0], 0));
            WebBindError::Bind(adit_net::listener::BindError { addr, error })
        })?;
        Ok(Self { socket, addr })
    }

    /// The address, with the real port.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers from now on, until it is shut down or dropped.
    ///
    /// # Errors
    /// If the socket has no address, which a bound one has.
    pub fn serve(self, shown: Shown) -> io::Result<Serving> {
        let work = Tasks::new();
        let service = Arc::new(Service::new(shown, self.addr, &work));
        let limits = Limits::connections(limits::MAX_CONNECTIONS);
        let listener = Listener::spawn(self.socket, limits, move |stream, _, signals| {
            connection::serve(Arc::clone(&service), stream, signals)
        })?;
        Ok(Serving { listener, work })
    }
}

/// A web service that answers. Dropping it cuts its connections.
#[must_use]
pub struct Serving {
    listener: Listener,
    work: Tasks,
}

impl Serving {
    /// Where it is.
    pub const fn addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// Stops accepting, ends streams of events, lets answers finish until `grace` ends, then cuts
    /// the rest.
    pub async fn shutdown(self, grace: Duration) -> Drained {
        let (listener, work) =
            tokio::join!(self.listener.shutdown(grace), self.work.shutdown(grace));
        listener.and(work)
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serving({})", self.addr())
    }
}

#[cfg(test)]
mod rig;
#[cfg(test)]
mod tests;
