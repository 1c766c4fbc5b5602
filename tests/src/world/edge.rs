//! The edge of a world, which can be stopped and started again at the same place.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::Deref,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use adit_config::edge::TokenHash;
use adit_edge::{
    Account, Edge, FileAccounts, Settings,
    account::Credential,
    acl::Acl,
    settings::{CustomHosts, Ports, TcpPorts},
};
use adit_net::Drained;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::{io::DuplexStream, net::TcpListener};

use super::registry;
use crate::eventually;

/// The edge's base domain.
pub const DOMAIN: &str = "tunnel.test";

/// The authtoken that the edge takes.
pub const TOKEN: &str = "token-of-the-tests";

/// An authtoken of another account, which may only bind names below `other.test`.
pub const OTHER_TOKEN: &str = "token-of-others";

/// An edge, and what outlives it. Gives the running edge's operations.
#[derive(Debug)]
pub struct EdgeHost {
    settings: Settings,
    accounts: FileAccounts,
    running: Arc<Mutex<Option<Arc<Edge>>>>,
    current: Option<Arc<Edge>>,
    root: String,
    _state: TempDir,
}

/// Joins agents in memory to whichever edge is running.
#[derive(Clone, Debug)]
pub(super) struct Memory(Arc<Mutex<Option<Arc<Edge>>>>);

impl EdgeHost {
    /// Settings that tests begin with: every listener on a free port of a loopback address that no
    /// other edge of these tests has, so that a restart finds its ports free.
    pub fn settings() -> Settings {
        let ip = own_ip();
        let any = SocketAddr::new(ip, 0);
        Settings {
            connect_names: vec!["localhost".to_owned()],
            tls: Some(any),
            http: Some(any),
            tcp: TcpPorts { host: String::new(), ip, ports: Ports::Any },
            custom_hosts: CustomHosts::Any,
            ..Settings::new(DOMAIN)
        }
    }

    /// # Panics
    /// If the edge does not start.
    pub(super) async fn start(mut settings: Settings) -> Self {
        let state = tempfile::tempdir().expect("a directory for temporary files");
        settings.state_dir.get_or_insert_with(|| state.path().to_owned());
        let mut host = Self {
            settings,
            accounts: accounts(),
            running: Arc::default(),
            current: None,
            root: String::new(),
            _state: state,
        };
        host.start_again().await;
        let addresses = *host.addresses();
        host.settings.tls = addresses.tls;
        host.settings.http = addresses.http;
        host.root = host.ca_pem().unwrap_or_default();
        host
    }

    /// Starts it at the same place and with the same state.
    ///
    /// # Panics
    /// If it does not start, or still runs.
    pub async fn start_again(&mut self) {
        assert!(self.current.is_none(), "it runs");
        let (settings, accounts) = (self.settings.clone(), Arc::new(self.accounts.clone()));
        let edge = Box::pin(Edge::start(settings, registry(), accounts)).await;
        let edge = Arc::new(edge.expect("the edge starts"));
        *self.running.lock().expect("no test panics with it") = Some(Arc::clone(&edge));
        self.current = Some(edge);
    }

    /// As after a loss of what it keeps, except for the certificates: once it is started again it
    /// knows no session of before.
    ///
    /// # Panics
    /// If it runs, or has no key.
    pub fn lose_key(&self) {
        assert!(self.current.is_none(), "it runs");
        let dir = self.settings.state_dir.as_ref().expect("there is a state directory");
        std::fs::remove_file(dir.join("session.key")).expect("it had a key");
    }

    /// Stops it politely. Nothing to do if it does not run.
    ///
    /// # Panics
    /// If somebody still holds it.
    pub async fn stop(&mut self, grace: Duration) -> Drained {
        match self.take() {
            None => Drained::Clean,
            Some(edge) => Box::pin(edge.shutdown(grace)).await,
        }
    }

    /// Ends it as a crash would: nobody is told. When this returns, its ports are free.
    ///
    /// # Panics
    /// If somebody still holds it.
    pub async fn crash(&mut self) {
        drop(self.take());
        for addr in [self.settings.tls, self.settings.http].into_iter().flatten() {
            eventually("the port is free", async || TcpListener::bind(addr).await.ok()).await;
        }
    }

    fn take(&mut self) -> Option<Edge> {
        self.running.lock().expect("no test panics with it").take();
        let edge = self.current.take()?;
        Some(Arc::try_unwrap(edge).expect("nobody else holds the edge"))
    }

    /// The TLS port.
    ///
    /// # Panics
    /// If there is none.
    pub fn tls_addr(&self) -> SocketAddr {
        self.settings.tls.expect("there is a TLS port")
    }

    /// The plain HTTP port.
    ///
    /// # Panics
    /// If there is none.
    pub fn http_addr(&self) -> SocketAddr {
        self.settings.http.expect("there is an HTTP port")
    }

    /// The root of its local CA, PEM.
    pub fn root(&self) -> &str {
        &self.root
    }

    pub(super) fn memory(&self) -> Memory {
        Memory(Arc::clone(&self.running))
    }
}

impl Deref for EdgeHost {
    type Target = Edge;

    fn deref(&self) -> &Edge {
        self.current.as_ref().expect("the edge runs")
    }
}

impl Memory {
    /// # Errors
    /// No edge runs.
    pub(super) fn join(&self) -> io::Result<DuplexStream> {
        let running = self.0.lock().expect("no test panics with it");
        let edge = running.as_ref().ok_or(io::ErrorKind::ConnectionRefused)?;
        Ok(edge.join())
    }
}

fn accounts() -> FileAccounts {
    let credential = |token: &str, account| {
        let hash = TokenHash::new(Sha256::digest(token.as_bytes()).into());
        Credential { hash, account }
    };
    let rules = Acl::parse(["bind:*.other.test", "bind:shared.tunnel.test"]);
    let other = Account {
        id: "other".into(),
        credential: "cr_other".into(),
        acl: rules.expect("good rules"),
        ..Account::local()
    };
    FileAccounts::new(vec![credential(TOKEN, Account::local()), credential(OTHER_TOKEN, other)])
}

/// An address of loopback of its own. Fact: on Linux all of `127.0.0.0/8` is loopback; elsewhere
/// only the first address is.
fn own_ip() -> IpAddr {
    static NEXT: AtomicU16 = AtomicU16::new(1);
    if !cfg!(target_os = "linux") {
        return Ipv4Addr::LOCALHOST.into();
    }
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let process = 1 + u8::try_from(std::process::id() % 254).unwrap_or_default();
    Ipv4Addr::new(127, process, high, low).into()
}
