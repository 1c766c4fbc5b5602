//! Where an endpoint's traffic goes.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use crate::{
    addr::{self, HostPort, HostPortError},
    endpoint_url::Kind,
};

/// Longest path of a Unix socket, in bytes: what fits `sun_path` on every system, with its end mark.
pub const MAX_SOCKET_PATH_LEN: usize = 103;

/// Where an endpoint's traffic goes. Prints in its normal form: `http://localhost:8080`,
/// `localhost:22`, `unix:/run/app.sock`, `file:///srv/www`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UpstreamAddr {
    /// A directory that the agent serves itself. The path is absolute.
    Files {
        /// The directory.
        dir: PathBuf,
    },
    /// An HTTP server.
    Http(HostPort),
    /// An HTTP server behind TLS.
    Https(HostPort),
    /// Anything that accepts connections.
    Tcp {
        /// Where it listens.
        addr: HostPort,
        /// How it was written, and is shown: `tcp://host:port` or `host:port`.
        form: TcpForm,
    },
    /// Anything that accepts TLS. Traffic is encrypted again if it was decrypted before.
    Tls(HostPort),
    /// A Unix socket; what is spoken over it is the endpoint's kind.
    Unix {
        /// The socket's path.
        path: PathBuf,
    },
}

/// The two ways to write the address of a TCP upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TcpForm {
    /// `host:port`.
    Bare,
    /// `tcp://host:port`.
    Url,
}

/// Why an upstream address was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// Nothing was written.
    #[error("the upstream address is empty; write a port, host:port or a URL")]
    Empty,
    /// Host or port are wrong.
    #[error("upstream address {text:?}: {source}")]
    Address {
        /// What was written.
        text: String,
        /// What is wrong with it.
        source: HostPortError,
    },
    /// A scheme that is unknown, or not possible for this kind of endpoint.
    #[error(
        "upstream address {text:?}: {scheme}:// is not possible for a {kind} endpoint; use {}",
        forms(*kind)
    )]
    Scheme {
        /// What was written.
        text: String,
        /// Its scheme.
        scheme: String,
        /// The kind of endpoint.
        kind: Kind,
    },
    /// More than an origin.
    #[error("upstream address {text:?} has a {part}; write only scheme, host and port")]
    Part {
        /// What was written.
        text: String,
        /// `path`, `query`, `fragment` or `user name`.
        part: &'static str,
    },
    /// A path of the file system and nothing else.
    #[error(
        "upstream address {text:?} is a path; write file:///srv/www for a directory, \
         unix:/run/app.sock for a socket"
    )]
    BarePath {
        /// What was written.
        text: String,
    },
    /// A directory whose place depends on where the agent was started.
    #[error("upstream address {text:?}: the directory must be absolute, as in file:///srv/www")]
    RelativeDir {
        /// What was written.
        text: String,
    },
    /// A socket path that is empty or longer than systems allow.
    #[error("upstream address {text:?}: a socket path has 1 to {MAX_SOCKET_PATH_LEN} bytes")]
    SocketPath {
        /// What was written.
        text: String,
    },
    /// A directory that is not there.
    #[error("cannot serve {}: {reason}", dir.display())]
    Dir {
        /// The directory.
        dir: PathBuf,
        /// What the system says.
        reason: String,
    },
}

fn forms(kind: Kind) -> &'static str {
    match kind {
        Kind::Http => "a port, host:port, http://, https://, file:// or unix:",
        Kind::Tcp => "a port, host:port, tcp:// or unix:",
        Kind::Tls => "a port, host:port, tcp://, tls:// or unix:",
    }
}

/// Whether `https://` with no host means localhost, as it does in `upstream.url` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BareScheme {
    Localhost,
    Refused,
}

impl UpstreamAddr {
    /// Reads the address of an upstream as the commands and a tunnel's `addr` take it.
    ///
    /// # Errors
    /// [`UpstreamError`] names what was written and what is possible.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, UpstreamError> {
        Self::parse_with(text, kind, BareScheme::Refused)
    }

    /// Reads `upstream.url` of an endpoint, where `https://` alone means this machine.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_endpoint(text: &str, kind: Kind) -> Result<Self, UpstreamError> {
        Self::parse_with(text, kind, BareScheme::Localhost)
    }

    pub(crate) fn parse_with(
        text: &str,
        kind: Kind,
        bare: BareScheme,
    ) -> Result<Self, UpstreamError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(UpstreamError::Empty);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return parse_socket(text, path);
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return parse_url(text, &scheme.to_ascii_lowercase(), rest, kind, bare);
        }
        // No host begins so.
        if text.starts_with(['/', '.', '~']) || text.starts_with("file:/") {
            return Err(UpstreamError::BarePath { text: text.to_owned() });
        }
        refuse_parts(text, text)?;
        let bad = |source| UpstreamError::Address { text: text.to_owned(), source };
        if text.bytes().all(|b| b.is_ascii_digit()) {
            let port = addr::parse_port(text).map_err(bad)?;
            let addr = HostPort::new("localhost", port);
            return Ok(match (kind, port) {
                (Kind::Tls, 443) => Self::Tls(addr),
                _ => Self::bare(addr, kind),
            });
        }
        match addr::split(text).map_err(bad)? {
            (host, Some(port)) => Ok(Self::bare(HostPort::new(host, port), kind)),
            (host, None) if kind == Kind::Http => Ok(Self::Http(HostPort::new(host, 80))),
            (_, None) => Err(bad(HostPortError::NoPort { text: text.to_owned() })),
        }
    }

    /// What `host:port` means: an HTTP upstream at port 443 speaks TLS.
    fn bare(addr: HostPort, kind: Kind) -> Self {
        match (kind, addr.port) {
            (Kind::Http, 443) => Self::Https(addr),
            (Kind::Http, _) => Self::Http(addr),
            (Kind::Tcp | Kind::Tls, _) => Self::Tcp { addr, form: TcpForm::Bare },
        }
    }

    /// Host and port, for upstreams that have them.
    pub fn host_port(&self) -> Option<&HostPort> {
        match self {
            Self::Http(addr) | Self::Https(addr) | Self::Tls(addr) | Self::Tcp { addr, .. } => {
                Some(addr)
            }
            Self::Files { .. } | Self::Unix { .. } => None,
        }
    }

    /// Looks whether the directory of a file upstream is there. Others pass.
    ///
    /// # Errors
    /// [`UpstreamError::Dir`] if it is missing, not a directory, or out of reach.
    pub fn check_dir(&self) -> Result<(), UpstreamError> {
        let Self::Files { dir } = self else { return Ok(()) };
        let found = std::fs::metadata(dir).and_then(|m| match m.is_dir() {
            true => Ok(()),
            false => Err(io::Error::other("not a directory")),
        });
        found.map_err(|e| UpstreamError::Dir { dir: dir.clone(), reason: e.to_string() })
    }
}

fn parse_socket(text: &str, path: &str) -> Result<UpstreamAddr, UpstreamError> {
    // `unix:///run/app.sock` is the same as `unix:/run/app.sock`.
    let path = path.strip_prefix("//").unwrap_or(path);
    match path.len() {
        1..=MAX_SOCKET_PATH_LEN if !path.contains('\0') => {
            Ok(UpstreamAddr::Unix { path: path.into() })
        }
        _ => Err(UpstreamError::SocketPath { text: text.to_owned() }),
    }
}

fn parse_url(
    text: &str,
    scheme: &str,
    rest: &str,
    kind: Kind,
    bare: BareScheme,
) -> Result<UpstreamAddr, UpstreamError> {
    let wrong = || UpstreamError::Scheme { text: text.to_owned(), scheme: scheme.to_owned(), kind };
    let default_port = match (scheme, kind) {
        ("file", Kind::Http) => return parse_dir(text, rest),
        ("http", Kind::Http) => Some(80),
        ("https", Kind::Http) => Some(443),
        ("tcp", Kind::Tcp | Kind::Tls) | ("tls", Kind::Tls) => None,
        _ => return Err(wrong()),
    };
    let origin = rest.strip_suffix('/').unwrap_or(rest);
    refuse_parts(text, origin)?;
    let bad = |source| UpstreamError::Address { text: text.to_owned(), source };
    let addr = match default_port {
        Some(port) if rest.is_empty() && bare == BareScheme::Localhost => {
            HostPort::new("localhost", port)
        }
        default => {
            let (host, port) = addr::split(origin).map_err(bad)?;
            let no_port = || bad(HostPortError::NoPort { text: text.to_owned() });
            HostPort::new(host, port.or(default).ok_or_else(no_port)?)
        }
    };
    Ok(match scheme {
        "http" => UpstreamAddr::Http(addr),
        "https" => UpstreamAddr::Https(addr),
        "tls" => UpstreamAddr::Tls(addr),
        _ => UpstreamAddr::Tcp { addr, form: TcpForm::Url },
    })
}

/// `file:///dir` and, on Windows, `file://C:\dir` or `file:///C:/dir`. Nothing is decoded: the path is
/// what the shell made of `file://$PWD`.
fn parse_dir(text: &str, rest: &str) -> Result<UpstreamAddr, UpstreamError> {
    let drive =
        |p: &str| matches!(p.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    let path = match rest.strip_prefix('/') {
        Some(windows) if cfg!(windows) && drive(windows) => windows,
        _ => rest,
    };
    match Path::new(path).has_root() || drive(path) {
        true => Ok(UpstreamAddr::Files { dir: path.into() }),
        false => Err(UpstreamError::RelativeDir { text: text.to_owned() }),
    }
}

fn refuse_parts(text: &str, origin: &str) -> Result<(), UpstreamError> {
    let found = origin.find(['/', '?', '#', '@']).and_then(|at| origin.as_bytes().get(at));
    let part = match found {
        None => return Ok(()),
        Some(b'/') => "path",
        Some(b'?') => "query",
        Some(b'#') => "fragment",
        Some(_) => "user name",
    };
    Err(UpstreamError::Part { text: text.to_owned(), part })
}

impl fmt::Display for UpstreamAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files { dir } => write!(f, "file://{}", dir.display()),
            Self::Http(addr) => write!(f, "http://{addr}"),
            Self::Https(addr) => write!(f, "https://{addr}"),
            Self::Tcp { addr, form: TcpForm::Bare } => write!(f, "{addr}"),
            Self::Tcp { addr, form: TcpForm::Url } => write!(f, "tcp://{addr}"),
            Self::Tls(addr) => write!(f, "tls://{addr}"),
            Self::Unix { path } => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests;
