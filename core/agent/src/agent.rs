//! What an agent is made of.

use std::{fmt, io, net::IpAddr, sync::Arc, time::Duration};

use adit_chain::Registry;
use adit_config::{At, Config, addr::HostPort, config::ConnectCas};
use adit_net::{Duplex, dial, dns::Resolver, proxy::Proxy, tasks::Tasks, tls};
use adit_proto::{peer::HeartbeatTiming, secret::Secret};
use rustls::server::ResolvesServerCert;

use crate::{
    BuildError, ConnectError, Connecting, Dialer, EndpointSpec, PlanError, RemoteOrders, Session,
    dial::{Link, Network},
    plan::{Explanation, Tools, blocking},
    shared::{Legs, Settings, Shared},
};

/// An agent: knows an edge, and how to present itself there. Cheap to clone.
#[derive(Clone)]
pub struct Agent {
    settings: Settings,
}

/// Puts an [`Agent`] together.
#[derive(Default)]
#[must_use]
pub struct Builder {
    connect: Option<Connect>,
    roots: tls::Roots,
    resolver: Resolver,
    interface: Option<Arc<str>>,
    timeout: Option<Duration>,
    proxy: Option<Secret>,
    authtoken: Secret,
    metadata: String,
    user_agent: String,
    heartbeat: HeartbeatTiming,
    orders: RemoteOrders,
    legs: Legs,
    tools: Tools,
    /// What a configuration calls its plugins, and where; they have to be among the handlers.
    plugins: Vec<At<String>>,
    /// The first thing that a configuration asked for and that does not work yet.
    unsupported: Option<String>,
}

enum Connect {
    Address(String),
    Dialer(Arc<dyn Dialer>),
}

impl Agent {
    /// Begins with the defaults: public roots, heartbeat every 10 s, no handlers.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// An agent as a configuration describes it. Its endpoints are not bound; see
    /// [`EndpointSpec::from_config`](crate::EndpointSpec::from_config). Reads files.
    ///
    /// # Errors
    /// See [`BuildError`]; [`BuildError::NoEdge`] if the configuration leaves the edge to the
    /// program.
    pub fn from_config(config: &Config, registry: Registry) -> Result<Self, BuildError> {
        Self::builder().config(config).registry(registry).build()
    }

    /// Looks whether an endpoint could be served, as far as that can be known without an edge:
    /// reads its files and builds its handlers.
    ///
    /// # Errors
    /// The first mistake in its description.
    pub async fn check(&self, spec: EndpointSpec) -> Result<(), PlanError> {
        blocking::plan(self.settings.tools.clone(), spec).await.map(drop)
    }

    /// What would happen to the connections of an endpoint: the plan of one that is served, made
    /// without an edge.
    ///
    /// # Errors
    /// The first mistake in its description.
    pub async fn explain(&self, spec: EndpointSpec) -> Result<Explanation, PlanError> {
        blocking::explain(self.settings.tools.clone(), spec).await
    }

    /// As [`check`](Self::check), with other handlers than those of now.
    ///
    /// # Errors
    /// The first mistake in its description.
    pub async fn check_with(
        &self,
        registry: Registry,
        spec: EndpointSpec,
    ) -> Result<(), PlanError> {
        blocking::plan(self.settings.tools.with_registry(registry), spec).await.map(drop)
    }

    /// Lets endpoints have these handlers from now on, in all sessions. What is served stays as it
    /// is until it is updated.
    pub fn set_registry(&self, registry: Registry) {
        self.settings.tools.registry.store(Arc::new(registry));
    }

    /// Connects and authenticates. Trouble on the way is tried again for as long as it takes.
    ///
    /// # Errors
    /// What time does not heal: the edge refuses the credential, or we refuse its certificate.
    ///
    /// # Cancel safety
    /// Dropping the future closes what it opened.
    pub async fn start(&self) -> Result<Session, ConnectError> {
        self.begin().established().await
    }

    /// A session that is used and watched before it is there. Nothing is dialled until somebody
    /// waits for it to be [`established`](Connecting::established).
    pub fn begin(&self) -> Connecting {
        let tasks = Tasks::new();
        let shared = Arc::new(Shared::new(self.settings.clone(), tasks.spawner()));
        Connecting::new(shared, tasks)
    }
}

impl Builder {
    /// Where the edge is: `host:port`.
    pub fn connect(mut self, address: &str) -> Self {
        self.connect = Some(Connect::Address(address.to_owned()));
        self
    }

    /// Connects by a function, without TLS: to an edge in the same process. `connect` is called
    /// for each connection.
    pub fn link<F, D>(self, connect: F) -> Self
    where
        F: Fn() -> io::Result<D> + Send + Sync + 'static,
        D: Duplex + 'static,
    {
        self.dialer(Link::new(connect))
    }

    /// Connects in a way of your own.
    pub fn dialer(mut self, dialer: impl Dialer) -> Self {
        self.connect = Some(Connect::Dialer(Arc::new(dialer)));
        self
    }

    /// Who vouches for the edge's certificate.
    pub fn roots(mut self, roots: tls::Roots) -> Self {
        self.roots = roots;
        self
    }

    /// Goes through a proxy: `http://`, `https://` or `socks5://`, with name and password if it
    /// asks for them.
    pub fn proxy(mut self, url: &str) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Asks these name servers for the edge's address, instead of the system.
    pub fn resolver_ips(mut self, ips: impl IntoIterator<Item = IpAddr>) -> Self {
        self.resolver = Resolver::servers(ips);
        self
    }

    /// Leaves by this network interface; Linux only.
    pub fn interface(mut self, name: &str) -> Self {
        self.interface = Some(name.into());
        self
    }

    /// Longest time for reaching the edge's address, 10 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The credential.
    pub fn authtoken(mut self, token: &str) -> Self {
        self.authtoken = token.into();
        self
    }

    /// Opaque text that goes with the session.
    pub fn metadata(mut self, metadata: impl Into<String>) -> Self {
        self.metadata = metadata.into();
        self
    }

    /// Puts the products of the embedding program in front of ours: `my-app/1.0`.
    pub fn user_agent(mut self, products: impl Into<String>) -> Self {
        self.user_agent = products.into();
        self
    }

    /// How often to ping the edge, and how late an echo may be. Zero means the default, 10 s and
    /// 15 s.
    pub fn heartbeat(mut self, interval: Duration, tolerance: Duration) -> Self {
        self.heartbeat = HeartbeatTiming { interval, tolerance };
        self
    }

    /// Which orders of the edge are followed.
    pub fn orders(mut self, orders: RemoteOrders) -> Self {
        self.orders = orders;
        self
    }

    /// Connects to every address that the edge offers, and serves all endpoints over all of these
    /// connections, so that the loss of one is hardly noticed.
    pub fn multi_leg(mut self) -> Self {
        self.legs = Legs::AsOffered;
        self
    }

    /// The handlers that endpoints may use.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.tools = self.tools.with_registry(registry);
        self
    }

    /// Certificates for endpoints whose TLS ends at the agent and that bring none.
    pub fn certificates(mut self, certificates: Arc<dyn ResolvesServerCert>) -> Self {
        self.tools.certificates = Some(certificates);
        self
    }

    /// Takes over what a configuration says about the session.
    pub fn config(mut self, config: &Config) -> Self {
        self.roots = match &config.connect_cas {
            ConnectCas::Trusted => tls::Roots::Trusted,
            ConnectCas::Host => tls::Roots::Host,
            ConnectCas::File(path) => tls::Roots::File(path.value.clone()),
        };
        if let Some(token) = &config.authtoken {
            self.authtoken = token.expose().as_str().into();
        }
        if let Some(at) = &config.connect {
            self.connect = Some(Connect::Address(at.value.to_string()));
        }
        self.proxy = config.proxy_url.as_ref().map(|url| url.value.expose().as_str().into());
        self.interface = config.connect_interface.as_ref().map(|name| name.value.as_str().into());
        self.resolver = Resolver::servers(config.dns_resolver_ips.iter().copied());
        self.timeout = Some(config.connect_timeout);
        self.metadata.clone_from(&config.metadata);
        self.heartbeat = HeartbeatTiming {
            interval: config.heartbeat_interval,
            tolerance: config.heartbeat_tolerance,
        };
        if !config.remote_management {
            self.orders = RemoteOrders::disabled();
        }
        self.plugins = config.plugins.iter().map(|(name, _)| name.clone()).collect();
        self.unsupported = config.crl_url.as_ref().map(|url| format!("{}: crl_url", url.place));
        self
    }

    /// Puts the agent together. Reads the files that were named.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(self) -> Result<Agent, BuildError> {
        let registry = self.tools.registry.load_full();
        let unknown = self.plugins.iter().find(|name| !registry.has(&name.value));
        if let Some(name) = unknown {
            return Err(BuildError::Unsupported { key: format!("{}: plugins", name.place) });
        }
        if let Some(key) = self.unsupported {
            return Err(BuildError::Unsupported { key });
        }
        let custom_interface = self.interface.is_some();
        let custom_cas = self.roots != tls::Roots::Trusted;
        let dialer: Arc<dyn Dialer> = match self.connect {
            None => return Err(BuildError::NoEdge),
            Some(Connect::Dialer(dialer)) => dialer,
            Some(Connect::Address(text)) => {
                let bad = |reason: String| BuildError::Address { text: text.clone(), reason };
                let HostPort { host, port } =
                    text.parse::<HostPort>().map_err(|e| bad(e.to_string()))?;
                let name = tls::server_name(&host).map_err(|e| bad(e.to_string()))?;
                let mut dialer = dial::Dialer {
                    interface: self.interface,
                    resolver: self.resolver,
                    ..dial::Dialer::default()
                };
                if let Some(timeout) = self.timeout {
                    dialer = dialer.with_timeout(timeout);
                }
                let proxy = self.proxy.map(|url| Proxy::parse(url.expose())).transpose()?;
                // Fact: no agent offers ALPN on this connection.
                let tls = tls::client::verified(self.roots.load()?, &[]);
                Arc::new(Network { dialer, host, port, name, tls, proxy })
            }
        };
        let usual = HeartbeatTiming::default();
        let or = |set: Duration, usual| if set.is_zero() { usual } else { set };
        let heartbeat = HeartbeatTiming {
            interval: or(self.heartbeat.interval, usual.interval),
            tolerance: or(self.heartbeat.tolerance, usual.tolerance),
        };
        Ok(Agent {
            settings: Settings {
                dialer,
                tools: self.tools,
                authtoken: self.authtoken,
                metadata: self.metadata,
                heartbeat,
                user_agent: self.user_agent,
                orders: self.orders,
                legs: self.legs,
                custom_interface,
                custom_cas,
            },
        })
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("dialer", &self.settings.dialer).finish_non_exhaustive()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}
