//! Who comes from outside: an HTTP client of one endpoint, and raw connections to it.

mod connect;
mod visit;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use http::Method;
use rustls::ClientConfig;
use tokio::{net::TcpStream, task::JoinSet};

pub use self::{
    connect::{Requests, WebSocket, until_the_end},
    visit::{Reply, Visit},
};

/// Somebody who visits one address. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// `https`, `http`, `tls` or `tcp`.
    scheme: String,
    /// Name in the URL, without the port.
    host: String,
    /// Where that is.
    addr: SocketAddr,
    /// What is trusted and offered, except ALPN.
    tls: Arc<ClientConfig>,
    /// What is said at the TLS level, where it differs from the host.
    sni: Option<String>,
    pub(crate) tasks: Arc<Mutex<JoinSet<()>>>,
}

impl Visitor {
    /// Somebody who trusts `tls` and dials `addr` for whatever name the URL has.
    ///
    /// # Panics
    /// If it is no URL.
    pub fn new(url: &str, addr: SocketAddr, tls: Arc<ClientConfig>) -> Self {
        let (scheme, authority) = url.split_once("://").expect("a URL has a scheme");
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()),
            None => (authority, None),
        };
        Self {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            addr: (addr.ip(), port.unwrap_or(addr.port())).into(),
            tls,
            sni: None,
            tasks: Arc::default(),
        }
    }

    /// One whose tasks belong to somebody else.
    #[must_use]
    pub(crate) fn of(mut self, tasks: &Arc<Mutex<JoinSet<()>>>) -> Self {
        self.tasks = Arc::clone(tasks);
        self
    }

    /// Asks for a path.
    pub fn get(&self, path: &str) -> Visit {
        Visit::new(self.clone(), Method::GET, path)
    }

    /// Asks with a body.
    pub fn post(&self, path: &str, body: impl Into<bytes::Bytes>) -> Visit {
        Visit::new(self.clone(), Method::POST, path).body(body)
    }

    /// The same visitor, at another name of the same edge.
    #[must_use]
    pub fn at(mut self, host: &str) -> Self {
        self.host = host.to_owned();
        self
    }

    /// The same visitor, who names another server in the TLS session than in the request.
    #[must_use]
    pub fn with_sni(mut self, name: &str) -> Self {
        self.sni = Some(name.to_owned());
        self
    }

    /// The same visitor, with other trust or a certificate of his own.
    #[must_use]
    pub fn with_tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = config;
        self
    }

    /// `host:port` as it stands in a URL; without the port if it is the scheme's own.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.addr.port())
    }

    /// Where he dials.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A connection with nothing said on it, not even TLS.
    ///
    /// # Panics
    /// If nobody accepts it.
    pub async fn tcp(&self) -> TcpStream {
        self.try_tcp().await.expect("the listener accepts")
    }

    /// Tries to connect.
    ///
    /// # Errors
    /// What the system says.
    pub async fn try_tcp(&self) -> std::io::Result<TcpStream> {
        let socket = TcpStream::connect(self.addr).await?;
        socket.set_nodelay(true)?;
        Ok(socket)
    }
}
