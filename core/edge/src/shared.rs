//! What every task of an edge can reach.

use std::sync::Arc;

use adit_chain::Registry;
use adit_net::{per_source::PerSource, tasks::Spawner};
use parking_lot::Mutex;
use rustls::{ServerConfig, server::ResolvesServerCert};

use crate::{
    account::Accounts, address::Places, certificates::Certificates, control::Control,
    failures::Failures, restart::Restart, settings::Settings, table::Routes, ticket::Tickets,
};

/// What every task of an edge can reach.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) places: Places,
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) registry: Registry,
    pub(crate) tickets: Tickets,
    pub(crate) certificates: Arc<Certificates>,
    /// The same, as TLS asks for them.
    pub(crate) by_name: Arc<dyn ResolvesServerCert>,
    pub(crate) tls: TlsConfigs,
    pub(crate) routes: Arc<Routes>,
    /// Sessions and their tunnels. Locked for short sections only.
    pub(crate) control: Mutex<Control>,
    pub(crate) failures: Failures,
    /// Visitors of names whose agents may be on their way back.
    pub(crate) restart: Arc<Restart>,
    /// Starts legs and what belongs to them.
    pub(crate) legs: Spawner,
}

/// TLS that ends at the edge with the edge's certificates.
pub(crate) struct TlsConfigs {
    /// HTTP/2 or HTTP/1.1 inside.
    pub(crate) http: Arc<ServerConfig>,
    /// Bytes inside: no ALPN.
    pub(crate) bytes: Arc<ServerConfig>,
}

impl Shared {
    /// A fresh count of the connections of each source, for one listener.
    pub(crate) fn visitors_per_source(&self) -> Option<PerSource> {
        self.settings.limits.visitors_per_source.map(PerSource::new)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("domain", &self.settings.domain).finish_non_exhaustive()
    }
}
