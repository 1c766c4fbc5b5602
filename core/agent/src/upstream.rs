//! The local service that an endpoint leads to.

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use adit_chain::{Body, BoxFuture, Conn, Exchange};
use adit_net::{Io, Rewind, dial, limits, proxy_protocol, tls};
use adit_runtime::{HttpVersion, Leg, PassthroughTls, Upstream, UpstreamError};
use http::Response;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{io::AsyncWriteExt, time::timeout};

use crate::files::Files;

/// Time for a service on this side of the tunnel to accept a connection.
///
/// Reason: it is near; a visitor who waits longer has given up.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the bytes go.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// Nowhere: the agent answers from a directory.
    Files(Files),
    /// A port of a host. `localhost` is tried in both families.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A Unix socket.
    Unix(PathBuf),
}

/// TLS towards the service.
#[derive(Clone)]
pub(crate) struct ServiceTls {
    /// Whom to trust, and which protocols to offer.
    pub(crate) config: Arc<ClientConfig>,
    /// The name that is asked for, and verified if anything is.
    pub(crate) name: ServerName<'static>,
}

impl fmt::Debug for ServiceTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServiceTls").field(&self.name).finish()
    }
}

/// The local service that an endpoint leads to.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// Where the bytes go.
    pub(crate) target: Target,
    /// As people know it: `http://localhost:8080`.
    pub(crate) display: Arc<str>,
    /// As records name it: `localhost:8080`.
    pub(crate) address: Arc<str>,
    /// TLS, unless the visitor's own passes through.
    pub(crate) tls: Option<ServiceTls>,
    /// What is spoken to it on HTTP endpoints.
    pub(crate) http_version: HttpVersion,
    /// The PROXY header that each connection begins with.
    pub(crate) proxy_header: Option<proxy_protocol::Version>,
}

impl Service {
    async fn dial(&self, conn: &Conn, tls: PassthroughTls) -> Result<Leg, UpstreamError> {
        let mut io = match &self.target {
            Target::Files(_) => return Err(self.unreachable("it is a directory")),
            Target::Tcp { host, port } => {
                let dialer = dial::Dialer::default().with_timeout(DIAL_TIMEOUT);
                Io::from(dialer.tcp(host, *port).await.map_err(|e| self.failed(&e))?)
            }
            Target::Unix(path) => {
                Io::from(dial::unix(path, DIAL_TIMEOUT).await.map_err(|e| self.failed(&e))?)
            }
        };
        if let Some(version) = self.proxy_header {
            // Before TLS: the header is for whoever accepts the connection.
            let header = header_of(conn).to_bytes(version);
            let written = timeout(limits::PROXY_HEADER_DEADLINE, async {
                io.write_all(&header).await?;
                io.flush().await
            });
            match written.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(self.unreachable(&words(&error))),
                Err(_) => return Err(self.timed_out(limits::PROXY_HEADER_DEADLINE)),
            }
        }
        match (&self.tls, tls) {
            (Some(tls), PassthroughTls::No) => self.encrypt(io, tls).await.map(Leg::from),
            _ => Ok(io.into()),
        }
    }

    async fn encrypt(&self, io: Io, tls: &ServiceTls) -> Result<Io, UpstreamError> {
        let (config, name) = (Arc::clone(&tls.config), tls.name.clone());
        let within = limits::TLS_HANDSHAKE_DEADLINE;
        match tls::connect(Rewind::new(io), config, name, within).await {
            Ok(stream) => Ok(stream.into()),
            Err(tls::HandshakeError::Timeout { after }) => Err(self.timed_out(after)),
            Err(error) => {
                let reason = match &error {
                    tls::HandshakeError::Failed { source } => tls_words(source),
                    other => other.to_string(),
                };
                Err(UpstreamError::TlsFailed { address: self.display.to_string(), reason })
            }
        }
    }

    fn failed(&self, error: &dial::DialError) -> UpstreamError {
        use dial::DialError as E;
        match error {
            E::Timeout { after, .. } => self.timed_out(*after),
            E::Resolve { host, .. } => self.unreachable(&format!("{host} has no address")),
            E::Connect { source, .. } | E::Interface { source, .. } | E::Unix { source, .. } => {
                self.unreachable(&words(source))
            }
            other => self.unreachable(&other.to_string()),
        }
    }

    fn unreachable(&self, reason: &str) -> UpstreamError {
        UpstreamError::Unreachable { address: self.display.to_string(), reason: reason.to_owned() }
    }

    fn timed_out(&self, after: Duration) -> UpstreamError {
        UpstreamError::Timeout { address: self.display.to_string(), after }
    }
}

/// Whom a connection to the service speaks for.
fn header_of(conn: &Conn) -> proxy_protocol::Header {
    if conn.client.ip().is_unspecified() {
        return proxy_protocol::Header::Local;
    }
    proxy_protocol::Header::Proxied { source: conn.client, destination: conn.server }
}

/// A system error as visitors read it: the same on every system where that is possible.
fn words(error: &io::Error) -> String {
    use io::ErrorKind as Kind;
    let text = match error.kind() {
        Kind::ConnectionRefused => "connection refused",
        Kind::ConnectionReset => "connection reset",
        Kind::ConnectionAborted => "connection aborted",
        Kind::NotFound => "no such file or directory",
        Kind::PermissionDenied => "permission denied",
        Kind::HostUnreachable => "no route to the host",
        Kind::NetworkUnreachable => "the network is unreachable",
        Kind::TimedOut => "timed out",
        Kind::UnexpectedEof => "the connection was closed",
        _ => return error.to_string(),
    };
    text.to_owned()
}

/// Why there is no TLS with a service, as visitors read it.
fn tls_words(error: &io::Error) -> String {
    use rustls::Error as E;
    let inner: Option<&E> = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(E::InvalidMessage(_)) => "it does not speak TLS".to_owned(),
        Some(inner) => match tls::words::of_certificate(inner) {
            Some(words) => format!("its certificate {words}"),
            None => error.to_string(),
        },
        None => words(error),
    }
}

impl Upstream for Service {
    fn connect<'a>(
        &'a self,
        conn: &'a Conn,
        tls: PassthroughTls,
    ) -> BoxFuture<'a, Result<Leg, UpstreamError>> {
        Box::pin(self.dial(conn, tls))
    }

    fn http_version(&self) -> HttpVersion {
        self.http_version
    }

    fn answers(&self) -> bool {
        matches!(self.target, Target::Files(_))
    }

    fn respond<'a>(&'a self, exchange: &'a mut Exchange) -> Option<BoxFuture<'a, Response<Body>>> {
        let Target::Files(files) = &self.target else { return None };
        // Its parts, because the request as a whole, with its body, cannot be shared.
        let request = &exchange.request;
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        Some(Box::pin(files.respond(method, uri.path(), uri.query(), headers)))
    }
}
