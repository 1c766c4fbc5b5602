//! Private services to put behind a tunnel.

use std::{net::SocketAddr, path::Path, sync::Arc};

use http::{Request, Response};
use hyper::body::Incoming;
use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, UnixListener},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    Identity, Socket,
    service::{self, Answer, Hits, Service},
};

/// A service on a free port of loopback. Dropping it ends it, connections included.
#[derive(Debug)]
pub struct Upstream {
    addr: Option<SocketAddr>,
    hits: Hits,
    _tasks: JoinSet<()>,
}

impl Upstream {
    /// Answers every request with this text.
    pub async fn counting(text: &'static str) -> Self {
        Self::serve(service::counting(text)).await
    }

    /// Answers with the request as it arrived.
    pub async fn mirror() -> Self {
        Self::serve(service::mirror()).await
    }

    /// Serves HTTP/1 and HTTP/2 with a function.
    pub async fn http<F, A>(answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response<Answer>> + Send + 'static,
    {
        Self::serve(service::http(answer)).await
    }

    /// Sends back what it gets, and ends when the sender does.
    pub async fn echo() -> Self {
        Self::serve(service::echo()).await
    }

    /// Reads everything, and answers how many bytes it was only when the sender ended.
    pub async fn counts_to_the_end() -> Self {
        Self::serve(service::counts_to_the_end()).await
    }

    /// Serves on a free port.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub async fn serve(service: Service) -> Self {
        Self::on_port(None, service).await
    }

    /// Serves on a free port, inside TLS.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub async fn over_tls(identity: &Identity, alpn: &[&[u8]], service: Service) -> Self {
        Self::on_port(Some(identity.server(alpn)), service).await
    }

    /// Serves on a Unix socket.
    ///
    /// # Panics
    /// If there cannot be one at this path.
    pub fn unix(path: &Path, service: Service) -> Self {
        let listener = UnixListener::bind(path).expect("the path is free and short enough");
        let hits = Hits::default();
        let mut tasks = JoinSet::new();
        let counter = hits.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(service(Box::new(socket), counter.clone()));
            }
        });
        Self { addr: None, hits, _tasks: tasks }
    }

    /// An address of loopback where nobody listens.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub async fn nobody() -> SocketAddr {
        bind().await.local_addr().expect("a bound socket has an address")
    }

    async fn on_port(tls: Option<Arc<ServerConfig>>, service: Service) -> Self {
        let listener = bind().await;
        let addr = listener.local_addr().expect("a bound socket has an address");
        let hits = Hits::default();
        let counter = hits.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let _ = socket.set_nodelay(true);
                let (service, tls, hits) = (service.clone(), tls.clone(), counter.clone());
                connections.spawn(async move {
                    let socket: Socket = match tls {
                        None => Box::new(socket),
                        Some(tls) => match TlsAcceptor::from(tls).accept(socket).await {
                            Ok(socket) => Box::new(socket),
                            Err(_) => return,
                        },
                    };
                    service(socket, hits).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { addr: Some(addr), hits, _tasks: tasks }
    }

    /// Where it listens.
    ///
    /// # Panics
    /// If it is a Unix socket.
    pub fn addr(&self) -> SocketAddr {
        self.addr.expect("it listens on a port")
    }

    /// As the upstream of a TCP or TLS endpoint.
    pub fn tcp_url(&self) -> String {
        self.addr().to_string()
    }

    /// As the upstream of an HTTP endpoint.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// As the upstream of an HTTP endpoint, with TLS.
    pub fn https_url(&self) -> String {
        format!("https://{}", self.addr())
    }

    /// Requests answered, or connections accepted where no HTTP is spoken.
    pub fn hits(&self) -> usize {
        self.hits.count()
    }
}

async fn bind() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has free ports")
}
