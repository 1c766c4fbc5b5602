//! Dialling through a proxy: HTTP CONNECT (also over TLS) and SOCKS5.
//!
//! The proxy resolves the name; what runs inside, TLS to the target included, is the caller's.

mod connect;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use tokio::time::timeout;
use tokio_socks::tcp::Socks5Stream;
use url::Url;

pub use connect::ConnectError;

use crate::dial::{DialError, Dialer};
use crate::io::Io;
use crate::rewind::Rewind;
use crate::tls::roots::RootsError;
use crate::tls::{self, HandshakeError, Roots};

/// A proxy, from its URL. Printing it never prints the password.
#[derive(Clone)]
pub struct Proxy {
    kind: Kind,
    host: String,
    port: u16,
    credentials: Option<Credentials>,
}

#[derive(Clone)]
enum Kind {
    Http,
    Https(Arc<ClientConfig>),
    Socks5,
}

#[derive(Clone)]
struct Credentials {
    user: String,
    password: String,
}

/// A URL does not name a proxy that we can use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// It is not a URL.
    #[error("proxy URL is not valid; write it like http://user:password@host:port")]
    Invalid {
        /// What is wrong with it.
        source: url::ParseError,
    },
    /// It has a scheme of another kind of proxy.
    #[error("proxy URL has the unknown scheme {scheme:?}; use http, https or socks5")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// It has no host.
    #[error("proxy URL has no host; write it like http://user:password@host:port")]
    NoHost,
    /// Authorities for verifying an https proxy could not be loaded.
    #[error("could not prepare TLS to the proxy")]
    Roots(#[from] RootsError),
}

/// No connection through the proxy came about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// The proxy could not be reached.
    #[error("could not reach the proxy")]
    Dial(#[from] DialError),
    /// No TLS session with the proxy.
    #[error("no TLS session with the proxy")]
    Tls(#[from] HandshakeError),
    /// The proxy's host cannot be verified.
    #[error("proxy cannot be verified")]
    Name(#[from] tls::handshake::BadName),
    /// The proxy refused CONNECT, or answered with something else.
    #[error("proxy did not connect to {target}")]
    Connect {
        /// `host:port`.
        target: String,
        /// What it answered.
        source: ConnectError,
    },
    /// The SOCKS proxy refused.
    #[error("SOCKS proxy did not connect to {target}")]
    Socks {
        /// `host:port`.
        target: String,
        /// What it answered.
        source: tokio_socks::Error,
    },
    /// The time was over.
    #[error("proxy did not connect to {target} within {after:?}")]
    Timeout {
        /// `host:port`.
        target: String,
        /// The deadline.
        after: Duration,
    },
}

impl Proxy {
    /// Reads a URL: `http`, `https`, `socks5` or `socks5h`; default ports 80, 443 and 1080.
    ///
    /// An `https` proxy is verified with the system's authorities, among which a company's own
    /// are. That reads files: not for a thread that must not block.
    ///
    /// # Errors
    ///
    /// See [`ProxyUrlError`]; none prints the URL, which may hold a password.
    pub fn parse(url: &str) -> Result<Self, ProxyUrlError> {
        let url = Url::parse(url).map_err(|source| ProxyUrlError::Invalid { source })?;
        let (kind, default_port) = match url.scheme() {
            "http" => (Kind::Http, 80),
            "https" => (Kind::Https(tls::client::verified(Roots::Host.load()?, &[])), 443),
            "socks5" | "socks5h" => (Kind::Socks5, 1080),
            scheme => return Err(ProxyUrlError::Scheme { scheme: scheme.to_owned() }),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(ProxyUrlError::NoHost)?;
        let credentials = (!url.username().is_empty()).then(|| Credentials {
            user: percent_decoded(url.username()),
            password: percent_decoded(url.password().unwrap_or_default()),
        });
        let port = url.port().unwrap_or(default_port);
        Ok(Self { kind, host: host.to_owned(), port, credentials })
    }

    /// The same, verifying an `https` proxy in another way.
    pub fn with_tls(mut self, config: Arc<ClientConfig>) -> Self {
        if let Kind::Https(current) = &mut self.kind {
            *current = config;
        }
        self
    }

    /// Connects to `host:port` through the proxy; the dialer's timeout covers all of it.
    ///
    /// # Errors
    ///
    /// See [`ProxyError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection to the proxy.
    pub async fn dial(&self, dialer: &Dialer, host: &str, port: u16) -> Result<Io, ProxyError> {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let target =
            if bare.contains(':') { format!("[{bare}]:{port}") } else { format!("{bare}:{port}") };
        match timeout(dialer.timeout, self.negotiate(dialer, bare, port, &target)).await {
            Ok(result) => result,
            Err(_) => Err(ProxyError::Timeout { target, after: dialer.timeout }),
        }
    }

    async fn negotiate(
        &self,
        dialer: &Dialer,
        host: &str,
        port: u16,
        target: &str,
    ) -> Result<Io, ProxyError> {
        let tcp = Io::from(dialer.tcp(&self.host, self.port).await?);
        match &self.kind {
            Kind::Http => self.http_connect(tcp, target).await,
            Kind::Https(config) => {
                let name = tls::server_name(&self.host)?;
                let config = Arc::clone(config);
                let tls = tls::connect(Rewind::new(tcp), config, name, dialer.timeout).await?;
                self.http_connect(tls.into(), target).await
            }
            Kind::Socks5 => {
                let stream = match &self.credentials {
                    None => Socks5Stream::connect_with_socket(tcp, (host, port)).await,
                    Some(Credentials { user, password }) => {
                        let target = (host, port);
                        Socks5Stream::connect_with_password_and_socket(tcp, target, user, password)
                            .await
                    }
                };
                stream
                    .map(Socks5Stream::into_inner)
                    .map_err(|source| ProxyError::Socks { target: target.to_owned(), source })
            }
        }
    }

    async fn http_connect(&self, io: Io, target: &str) -> Result<Io, ProxyError> {
        let authorization = self.credentials.as_ref().map(|Credentials { user, password }| {
            format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
        });
        connect::connect(io, target, authorization.as_deref())
            .await
            .map_err(|source| ProxyError::Connect { target: target.to_owned(), source })
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Https(_) => "https",
            Kind::Socks5 => "socks5",
        };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// Userinfo may hold any byte in its percent form; bytes that are not UTF-8 are replaced.
fn percent_decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
#[path = "proxy/tests.rs"]
mod tests;
