//! Both handshakes, under a deadline.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ServerConfig, server::Acceptor, sign::CertifiedKey};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor, TlsConnector, client, server};

/// Time for a refused client to read why, and to close.
const LINGER: Duration = Duration::from_secs(1);
/// What it may still send in that time, in bytes: a flight of a handshake and some more.
const LINGER_LEN: u64 = 64 * 1024;

/// No TLS session came about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer did not finish in time.
    #[error("no TLS session within {after:?}")]
    Timeout {
        /// The deadline.
        after: Duration,
    },
    /// One side refused the other, or the connection failed.
    #[error("TLS handshake failed")]
    Failed {
        /// What went wrong; a refusal is a [`rustls::Error`] inside.
        source: io::Error,
    },
}

impl HandshakeError {
    /// The violation or refusal, unless the connection itself failed.
    pub fn refusal(&self) -> Option<&rustls::Error> {
        match self {
            Self::Timeout { .. } => None,
            Self::Failed { source } => source.get_ref()?.downcast_ref(),
        }
    }
}

/// Accepts a client.
///
/// # Errors
///
/// See [`HandshakeError`].
///
/// # Cancel safety
///
/// Dropping the future drops the connection.
pub async fn accept<T>(
    io: T,
    config: Arc<ServerConfig>,
    within: Duration,
) -> Result<server::TlsStream<T>, HandshakeError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let handshake = TlsAcceptor::from(config).accept(io).into_fallible();
    match timeout(within, handshake).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err((source, io))) => Err(failed(source, Some(io)).await),
        Err(_) => Err(HandshakeError::Timeout { after: within }),
    }
}

/// As [`accept`], and says which certificate the client gets: the one that the configuration has for
/// what it asks for. A session that is taken up again gets none, and is told of it all the same.
///
/// # Errors
///
/// See [`HandshakeError`].
///
/// # Cancel safety
///
/// Dropping the future drops the connection.
pub async fn accept_presenting<T>(
    io: T,
    config: Arc<ServerConfig>,
    within: Duration,
) -> Result<(server::TlsStream<T>, Option<Arc<CertifiedKey>>), HandshakeError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let handshake = async {
        let mut hello = LazyConfigAcceptor::new(Acceptor::default(), io);
        let start = match (&mut hello).await {
            Ok(start) => start,
            Err(source) => return Err((source, hello.take_io())),
        };
        let presented = config.cert_resolver.resolve(start.client_hello());
        match start.into_stream(config).into_fallible().await {
            Ok(stream) => Ok((stream, presented)),
            Err((source, io)) => Err((source, Some(io))),
        }
    };
    match timeout(within, handshake).await {
        Ok(Ok(accepted)) => Ok(accepted),
        Ok(Err((source, io))) => Err(failed(source, io).await),
        Err(_) => Err(HandshakeError::Timeout { after: within }),
    }
}

/// A client was refused, or went.
async fn failed<T>(source: io::Error, io: Option<T>) -> HandshakeError
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let error = HandshakeError::Failed { source };
    if let Some(io) = io
        && error.refusal().is_some()
    {
        part(io).await;
    }
    error
}

/// Ends a connection on which an alert was just sent: closing with bytes unread would reset it, and
/// the reset could overtake the alert.
async fn part<T: AsyncRead + AsyncWrite + Unpin>(mut io: T) {
    let goodbye = async {
        io.shutdown().await?;
        tokio::io::copy(&mut io.take(LINGER_LEN), &mut tokio::io::sink()).await
    };
    // Whether it hears the alert is the peer's affair.
    let _ = timeout(LINGER, goodbye).await;
}

/// Connects to a server that is to prove that it is `name`.
///
/// # Errors
///
/// See [`HandshakeError`].
///
/// # Cancel safety
///
/// Dropping the future drops the connection.
pub async fn connect<T>(
    io: T,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    within: Duration,
) -> Result<client::TlsStream<T>, HandshakeError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    match timeout(within, TlsConnector::from(config).connect(name, io)).await {
        Ok(result) => result.map_err(|source| HandshakeError::Failed { source }),
        Err(_) => Err(HandshakeError::Timeout { after: within }),
    }
}

/// A host is neither a DNS name nor an IP address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host:?} is not a name that a certificate can have")]
pub struct BadName {
    /// The host.
    pub host: String,
}

/// The name to verify for a host: a DNS name (sent as SNI) or an IP address (not sent).
///
/// # Errors
///
/// If it is neither.
pub fn server_name(host: &str) -> Result<ServerName<'static>, BadName> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ServerName::try_from(bare.to_owned()).map_err(|_| BadName { host: host.to_owned() })
}
