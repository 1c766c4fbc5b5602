//! What the tests of this crate share: a scripted upstream, and visitors that speak raw bytes.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use adit_chain::{BoxFuture, Chain, Conn, Endpoint, Link, Protocol, Side};
use adit_net::{Io, Rewind};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use crate::{
    Closed, ForwardCx, HttpVersion, Leg, Live, PassthroughTls, Route, RouteOptions, Upstream,
    UpstreamError, forward_live,
};

/// No test waits longer for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// An upstream on loopback that counts its connections.
#[derive(Debug)]
pub(crate) struct Dialled {
    pub(crate) addr: SocketAddr,
    pub(crate) n_connects: AtomicUsize,
    pub(crate) version: HttpVersion,
    pub(crate) origin: Option<Arc<str>>,
}

impl Upstream for Dialled {
    fn connect<'a>(
        &'a self,
        _: &'a Conn,
        _: PassthroughTls,
    ) -> BoxFuture<'a, Result<Leg, UpstreamError>> {
        Box::pin(async {
            self.n_connects.fetch_add(1, SeqCst);
            let socket =
                TcpStream::connect(self.addr).await.map_err(|_| UpstreamError::Unreachable {
                    address: "localhost:1".into(),
                    reason: "connection refused".into(),
                })?;
            socket.set_nodelay(true).unwrap();
            Ok(Leg { io: Io::Tcp(socket), origin: self.origin.clone() })
        })
    }

    fn http_version(&self) -> HttpVersion {
        self.version
    }
}

/// One forwarded endpoint, with both ends in the hands of the test.
pub(crate) struct Rig {
    pub(crate) service: TcpListener,
    pub(crate) dialled: Arc<Dialled>,
    pub(crate) route: Arc<Route>,
    pub(crate) live: Arc<Live>,
    pub(crate) cx: ForwardCx,
    front: TcpListener,
    tasks: JoinSet<Closed>,
}

/// How a rig differs from the usual.
pub(crate) struct Plan {
    pub(crate) host: &'static str,
    pub(crate) protocol: Protocol,
    pub(crate) links: Vec<Link>,
    pub(crate) options: RouteOptions,
    pub(crate) version: HttpVersion,
    pub(crate) origin: Option<Arc<str>>,
}

impl Default for Plan {
    fn default() -> Self {
        let (links, version, origin) = (Vec::new(), HttpVersion::Http1, None);
        Self {
            host: "a.test",
            protocol: Protocol::Http,
            links,
            options: RouteOptions::new(Side::Edge),
            version,
            origin,
        }
    }
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(Plan::default()).await
    }

    pub(crate) async fn with(plan: Plan) -> Self {
        let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let front = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = service.local_addr().unwrap();
        let Plan { host, protocol, links, options, version, origin } = plan;
        let dialled = Dialled { addr, n_connects: AtomicUsize::new(0), version, origin };
        let dialled = Arc::new(dialled);
        let upstream: Arc<dyn Upstream> = Arc::<Dialled>::clone(&dialled);
        let chain = Chain::new(links);
        let live = Live::new(Route::new(endpoint(host, protocol), chain, upstream, options));
        let (route, live) = (live.route(), Arc::new(live));
        let (cx, tasks) = (ForwardCx::default(), JoinSet::new());
        Self { service, dialled, route, live, cx, front, tasks }
    }

    /// A visitor, whose connection is being forwarded.
    pub(crate) async fn visit(&mut self) -> Peer {
        let addr = self.front.local_addr().unwrap();
        let (visitor, accepted) = tokio::join!(TcpStream::connect(addr), self.front.accept());
        let (socket, client) = accepted.unwrap();
        socket.set_nodelay(true).unwrap();
        let (live, cx) = (Arc::clone(&self.live), self.cx.clone());
        let route = live.route();
        let conn = Arc::new(Conn::new(client, addr, Arc::clone(&route.endpoint)));
        self.tasks.spawn(async move {
            forward_live(conn, Rewind::new(Io::Tcp(socket)), route, live, &cx).await
        });
        Peer(visitor.unwrap())
    }

    /// The service's side of the next connection.
    pub(crate) async fn served(&self) -> Peer {
        let (socket, _) = within(self.service.accept()).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Peer(socket)
    }

    pub(crate) fn n_connects(&self) -> usize {
        self.dialled.n_connects.load(SeqCst)
    }

    /// How the next connection ended.
    pub(crate) async fn closed(&mut self) -> Closed {
        within(self.tasks.join_next()).await.unwrap().unwrap()
    }
}

pub(crate) fn endpoint(host: &str, protocol: Protocol) -> Arc<Endpoint> {
    Arc::new(Endpoint {
        name: host.into(),
        url: format!("{}://{host}", protocol.as_str()),
        protocol,
        upstream: "http://localhost:1".into(),
        upstream_host: None,
    })
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("in time")
}

/// One end of a connection, in raw bytes.
pub(crate) struct Peer(pub(crate) TcpStream);

impl Peer {
    pub(crate) async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads up to and including `end`.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        let mut text = Vec::new();
        while !text.ends_with(end.as_bytes()) {
            let byte = within(self.0.read_u8()).await;
            match byte {
                Ok(byte) => text.push(byte),
                Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&text)),
            }
        }
        String::from_utf8(text).unwrap()
    }

    /// Reads a head, without its `date`.
    pub(crate) async fn head(&mut self) -> String {
        let head = self.until("\r\n\r\n").await;
        head.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect()
    }

    /// Reads to the end.
    pub(crate) async fn rest(&mut self) -> String {
        let mut text = Vec::new();
        within(self.0.read_to_end(&mut text)).await.unwrap();
        String::from_utf8(text).unwrap()
    }

    pub(crate) async fn close_half(&mut self) {
        self.0.shutdown().await.unwrap();
    }
}
