//! How bytes get to the edge.

use std::{fmt, io, sync::Arc, time::Duration};

use adit_chain::BoxFuture;
use adit_config::addr::HostPort;
use adit_net::{Duplex, Io, Rewind, dial, limits, proxy::Proxy, tls};
use rustls::{ClientConfig, pki_types::ServerName};

use crate::DialError;

/// Makes the connection that a session runs over. Called again for every reconnect, so that
/// everything on the way (names, addresses, proxies) is looked up anew.
pub trait Dialer: fmt::Debug + Send + Sync + 'static {
    /// Connects, within a deadline of its own.
    ///
    /// # Errors
    /// Which step failed.
    fn dial(&self) -> BoxFuture<'_, Result<Io, DialError>>;

    /// The same way to another address of the edge, for further connections of one session. `None`
    /// if there is no such thing.
    fn to(&self, address: &str) -> Option<Arc<dyn Dialer>> {
        let _ = address;
        None
    }

    /// Kind of the proxy on the way, for the edge's operator; empty if there is none.
    fn proxy_type(&self) -> &'static str {
        ""
    }
}

/// To an edge on the network: name, TCP (perhaps through a proxy), TLS without ALPN.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) dialer: dial::Dialer,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) name: ServerName<'static>,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) proxy: Option<Proxy>,
}

impl Dialer for Network {
    fn dial(&self) -> BoxFuture<'_, Result<Io, DialError>> {
        Box::pin(async {
            let io = match &self.proxy {
                Some(proxy) => proxy.dial(&self.dialer, &self.host, self.port).await?,
                None => Io::from(self.dialer.tcp(&self.host, self.port).await?),
            };
            let (config, name) = (Arc::clone(&self.tls), self.name.clone());
            let within = limits::TLS_HANDSHAKE_DEADLINE;
            match tls::connect(Rewind::new(io.read_ahead()), config, name, within).await {
                Ok(stream) => Ok(stream.into()),
                Err(source) => Err(DialError::Tls { host: self.host.clone(), source }),
            }
        })
    }

    fn to(&self, address: &str) -> Option<Arc<dyn Dialer>> {
        let HostPort { host, port } = address.parse().ok()?;
        let name = tls::server_name(&host).ok()?;
        Some(Arc::new(Self { host, port, name, ..self.clone() }))
    }

    fn proxy_type(&self) -> &'static str {
        let printed = self.proxy.as_ref().map(ToString::to_string).unwrap_or_default();
        ["https", "http", "socks5"].into_iter().find(|kind| printed.starts_with(kind)).unwrap_or("")
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Network({}:{}, proxy: {:?})", self.host, self.port, self.proxy)
    }
}

/// To an edge in the same process, or wherever a function connects to. No TLS is added.
pub(crate) struct Link<F> {
    connect: F,
}

impl<F> Link<F> {
    pub(crate) fn new(connect: F) -> Self {
        Self { connect }
    }
}

impl<F, D> Dialer for Link<F>
where
    F: Fn() -> io::Result<D> + Send + Sync + 'static,
    D: Duplex + 'static,
{
    fn dial(&self) -> BoxFuture<'_, Result<Io, DialError>> {
        Box::pin(async { (self.connect)().map(Io::other).map_err(DialError::Link) })
    }
}

impl<F> fmt::Debug for Link<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

/// Longest time that one dial may take whatever the dialer thinks: DNS, TCP, proxy and TLS.
pub(crate) const DIAL_LIMIT: Duration = Duration::from_secs(60);
