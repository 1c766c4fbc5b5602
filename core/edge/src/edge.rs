//! An edge that runs.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use adit_chain::{Protocol, Registry};
use adit_net::{
    Drained,
    listener::{self, BindError, Listener},
    per_source::PerSource,
    tasks::Tasks,
    tls::{
        self,
        identity::IdentityError,
        server::{self, ServerConfigError},
    },
};
use adit_runtime::{Route, Router};
use rustls::server::ResolvesServerCert;
use tokio::{io::DuplexStream, net::TcpListener, sync::Semaphore, time::Instant};

use crate::{
    account::Accounts,
    address::Places,
    ca::{CaError, Issued},
    certificates::{ByName, Certificates},
    control::Control,
    failures::Failures,
    leg::{self, Source},
    redirect,
    restart::Restart,
    router::{Plain, Secure},
    settings::Settings,
    shared::{Shared, TlsConfigs},
    state::{StateDir, StateError},
    table::Routes,
    ticket::Tickets,
    visitor::{Reception, without_memory},
};

/// How much of an in-memory link is buffered each way, in bytes.
const MEMORY_LINK: usize = 256 * 1024;
/// Time for agents to be told goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// An edge that runs. Dropping it cuts everything.
#[derive(Debug)]
pub struct Edge {
    pub(crate) shared: Arc<Shared>,
    addresses: Addresses,
    tls: Option<Listener>,
    http: Option<Listener>,
    legs: Tasks,
}

/// Where an edge listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The TLS port, for agents and visitors.
    pub tls: Option<SocketAddr>,
    /// The plain HTTP port.
    pub http: Option<SocketAddr>,
}

/// An edge could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A port cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A configured certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] IdentityError),
    /// The local CA cannot be used.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The state directory cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] ServerConfigError),
    /// A listener cannot be started.
    #[error("could not start a listener")]
    Listen(#[source] std::io::Error),
}

impl Edge {
    /// Starts an edge: when this returns, its ports are open.
    ///
    /// # Errors
    /// A port, a certificate or the state directory cannot be used; nothing keeps running.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[expect(clippy::unused_async, reason = "it needs a runtime, and will read a store")]
    pub async fn start(
        settings: Settings,
        registry: Registry,
        accounts: Arc<dyn Accounts>,
    ) -> Result<Self, StartError> {
        let state = StateDir::open(settings.state_dir.as_deref())?;
        let tickets = Tickets::new(state.key()?, settings.limits.token_life);
        let certificates = Arc::new(Certificates::open(&settings, &state)?);
        let by_name: Arc<dyn ResolvesServerCert> = Arc::new(ByName(Arc::clone(&certificates)));
        let http_options = server::Options::default().alpn(&[tls::ALPN_H2, tls::ALPN_HTTP1]);
        let configs = TlsConfigs {
            http: server::from_resolver(Arc::clone(&by_name), http_options)?,
            bytes: server::from_resolver(Arc::clone(&by_name), server::Options::default())?,
        };
        let nobody = server::from_resolver(Arc::new(NoCertificate), server::Options::default())?;
        let nobody = without_memory(nobody);

        let bind = |addr: Option<SocketAddr>| addr.map(listener::bind).transpose();
        let (tls_socket, http_socket) = (bind(settings.tls)?, bind(settings.http)?);
        let addr = |socket: &Option<TcpListener>| {
            socket.as_ref().map(TcpListener::local_addr).transpose().map_err(StartError::Listen)
        };
        let addresses = Addresses { tls: addr(&tls_socket)?, http: addr(&http_socket)? };
        let connect = settings.connect_name();
        let dialled = settings.connect_names.first().unwrap_or(&connect);
        if addresses.tls.is_some() && !certificates.has(dialled) {
            tracing::warn!(name = dialled, "no certificate is for the name that agents dial");
        }
        let port = |addr: Option<SocketAddr>| addr.map(|addr| addr.port());
        let places = Places::new(&settings, port(addresses.http), port(addresses.tls));

        let legs = Tasks::new();
        let routes = Arc::new(Routes::default());
        let limits = settings.limits.clone();
        let redirect = places.tls_port.map(redirect::route);
        let restart = Arc::new(Restart::new(settings.restart_wait));
        let shared = Arc::new(Shared {
            failures: Failures::new(limits.failed_auth_per_minute),
            restart: Arc::clone(&restart),
            settings,
            places,
            accounts,
            registry,
            tickets,
            certificates,
            by_name,
            tls: configs,
            routes: Arc::clone(&routes),
            control: parking_lot::Mutex::new(Control::default()),
            legs: legs.spawner(),
        });
        let plain: Arc<dyn Router> =
            Arc::new(Plain { routes: Arc::clone(&routes), to_https: redirect, restart });
        let reception = Arc::new(Reception {
            shared: Arc::clone(&shared),
            plain,
            secure: Arc::new(Secure(routes)),
            nobody,
            unauthenticated: PerSource::new(limits.unauthenticated_per_source),
            legs: Arc::new(Semaphore::new(limits.legs)),
            own: parking_lot::Mutex::default(),
            region: Arc::from(&*shared.settings.region),
        });
        let mut admission = listener::Limits::connections(limits.visitors);
        admission.per_source = shared.visitors_per_source();
        let tls = tls_socket
            .map(|socket| {
                let reception = Arc::clone(&reception);
                Listener::spawn(socket, admission.clone(), move |tcp, peer, stop| {
                    Arc::clone(&reception).tls(tcp, peer, stop)
                })
            })
            .transpose()
            .map_err(StartError::Listen)?;
        let http = http_socket
            .map(|socket| {
                Listener::spawn(socket, admission, move |tcp, peer, stop| {
                    Arc::clone(&reception).http(tcp, peer, stop)
                })
            })
            .transpose()
            .map_err(StartError::Listen)?;
        tracing::info!(
            domain = shared.settings.domain,
            tls = addresses.tls.map(tracing::field::display),
            http = addresses.http.map(tracing::field::display),
            "edge started"
        );
        Ok(Self { shared, addresses, tls, http, legs })
    }

    /// Where it listens, with the real ports.
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// A link for an agent in the same process. It is trusted: no TLS, and any token will do.
    pub fn join(&self) -> DuplexStream {
        let (near, far) = tokio::io::duplex(MEMORY_LINK);
        let shared = Arc::clone(&self.shared);
        let deadline = Instant::now() + shared.settings.limits.auth;
        self.legs.spawn(async move {
            Box::pin(leg::serve(shared, far, Source::Memory, deadline)).await;
        });
        near
    }

    /// The root of the local CA, PEM, for agents and visitors to trust. None: the certificates are
    /// configured.
    pub fn ca_pem(&self) -> Option<String> {
        self.shared.certificates.ca_pem().map(str::to_owned)
    }

    /// A certificate of the local CA, for an agent that terminates TLS itself. None: there is no
    /// local CA.
    ///
    /// # Errors
    /// The name cannot stand in a certificate.
    pub fn issue(&self, name: &str) -> Result<Option<Issued>, CaError> {
        self.shared.certificates.issue(name).transpose()
    }

    /// The certificates of this edge by name, for an agent in the same process that terminates TLS
    /// itself.
    pub fn certificates(&self) -> Arc<dyn ResolvesServerCert> {
        Arc::clone(&self.shared.by_name)
    }

    /// A route to a tunnel of an account that has all of these labels, for a public address that
    /// the caller has.
    pub fn route_labels(
        &self,
        account: &str,
        labels: &BTreeMap<String, String>,
        url: &str,
        protocol: Protocol,
    ) -> Option<Arc<Route>> {
        let found = self.shared.control.lock().labelled(account, labels);
        found.first().map(|tunnel| tunnel.route(&self.shared, url, protocol))
    }

    /// Ends in phases: no new visitors, those who are there finish until `grace` ends and are then
    /// cut, and at last the agents are told goodbye.
    pub async fn shutdown(self, grace: Duration) -> Drained {
        let Self { shared, tls, http, legs, .. } = self;
        tracing::debug!(?grace, "edge is stopping");
        let ports = shared.control.lock().take_listeners();
        let of_ports = async {
            let mut all = tokio::task::JoinSet::new();
            for port in ports {
                all.spawn(port.shutdown(grace));
            }
            all.join_all().await.into_iter().fold(Drained::Clean, Drained::and)
        };
        let of = |listener: Option<Listener>| async move {
            match listener {
                Some(listener) => listener.shutdown(grace).await,
                None => Drained::Clean,
            }
        };
        let (tls, http, ports) = tokio::join!(of(tls), of(http), of_ports);
        // Agents hear the goodbye from their own tasks.
        let goodbye = legs.shutdown(GOODBYE).await;
        drop(shared.control.lock().close());
        let drained = tls.and(http).and(ports);
        if goodbye != Drained::Clean {
            tracing::debug!(?goodbye, "some agents did not take the goodbye");
        }
        tracing::debug!(?drained, "edge stopped");
        drained
    }
}

/// Has no certificate for anybody: the handshake ends with an alert.
#[derive(Debug)]
struct NoCertificate;

impl ResolvesServerCert for NoCertificate {
    fn resolve(
        &self,
        _: rustls::server::ClientHello<'_>,
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }
}
