//! The public URL that an endpoint asks for.

use std::fmt;

use crate::{
    addr::{self, HostPort},
    read::choice,
};

choice! {
    /// What an endpoint carries.
    pub enum Kind {
        /// HTTP/1 and HTTP/2, with or without TLS in front.
        "http" => Http,
        /// Any bytes, told apart by port.
        "tcp" => Tcp,
        /// TLS, told apart by server name.
        "tls" => Tls,
    }
}

choice! {
    /// Scheme of a public URL.
    pub enum Scheme {
        /// HTTP in the clear.
        "http" => Http,
        /// HTTP over TLS.
        "https" => Https,
        /// A port of its own.
        "tcp" => Tcp,
        /// TLS by server name.
        "tls" => Tls,
    }
}

impl Kind {
    /// The scheme of an endpoint of this kind that does not say otherwise.
    pub fn default_scheme(self) -> Scheme {
        match self {
            Self::Http => Scheme::Https,
            Self::Tcp => Scheme::Tcp,
            Self::Tls => Scheme::Tls,
        }
    }
}

impl Scheme {
    /// What an endpoint with this scheme carries.
    pub fn kind(self) -> Kind {
        match self {
            Self::Http | Self::Https => Kind::Http,
            Self::Tcp => Kind::Tcp,
            Self::Tls => Kind::Tls,
        }
    }

    /// The port that need not be written.
    pub fn default_port(self) -> Option<u16> {
        match self {
            Self::Http => Some(80),
            Self::Https | Self::Tls => Some(443),
            Self::Tcp => None,
        }
    }
}

choice! {
    /// Who can reach an endpoint.
    pub enum Binding {
        /// Everybody.
        "public" => Public,
        /// Other endpoints of the same account.
        "internal" => Internal,
        /// Services of a cluster.
        "kubernetes" => Kubernetes,
    }
}

/// The URL that an endpoint asks for: at least a scheme. Prints as `https://example.org`,
/// `tcp://1.tcp.example:12345`, or `https://` when the edge shall choose.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EndpointUrl {
    /// Scheme.
    pub scheme: Scheme,
    /// Host in lower case, possibly with `*` as its first part; `None` lets the edge choose.
    pub host: Option<String>,
    /// Port, where it is not the scheme's default.
    pub port: Option<u16>,
}

/// Why a URL cannot be an endpoint's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointUrlError {
    /// Not a URL, a domain, or a scheme.
    #[error("{text:?} is not a URL: {reason}")]
    Malformed {
        /// What was written.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The scheme cannot be reached at this port.
    #[error("port {port} is not possible with {scheme}://; leave it out")]
    Port {
        /// Scheme of the URL.
        scheme: Scheme,
        /// Port that was asked for.
        port: u16,
    },
    /// The scheme does not exist, or not for this kind of endpoint.
    #[error("scheme {scheme:?} is not possible here; use {}", allowed(*kind))]
    Scheme {
        /// What stood in the scheme's place.
        scheme: String,
        /// The kind of endpoint, if that is what forbids it.
        kind: Option<Kind>,
    },
    /// Something before or after host and port.
    #[error("{text:?} has a {part}, which an endpoint's URL cannot have")]
    Part {
        /// What was written.
        text: String,
        /// `user name`, `path`, `query` or `fragment`.
        part: &'static str,
    },
    /// A slash at the end.
    #[error("{text:?} ends with a slash; leave it out")]
    TrailingSlash {
        /// What was written.
        text: String,
    },
    /// An internal endpoint without a name.
    #[error("an internal endpoint needs a host; write a URL such as https://name.internal")]
    InternalWithoutHost,
    /// An internal endpoint with a public name.
    #[error("{host:?} is not an internal host; its name must end with .internal")]
    NotInternal {
        /// Host that was asked for.
        host: String,
    },
}

fn allowed(kind: Option<Kind>) -> &'static str {
    match kind {
        None => "http, https, tcp or tls",
        Some(Kind::Http) => "http or https",
        Some(Kind::Tcp) => "tcp",
        Some(Kind::Tls) => "tls",
    }
}

impl EndpointUrlError {
    /// Number of the public error code.
    pub fn code(&self) -> u16 {
        match self {
            Self::Malformed { .. } => 9034,
            Self::Port { .. } => 9035,
            Self::Scheme { .. } => 9036,
            Self::Part { .. } => 9037,
            Self::TrailingSlash { .. } => 9038,
            Self::InternalWithoutHost => 9028,
            Self::NotInternal { .. } => 9029,
        }
    }
}

impl EndpointUrl {
    /// A URL whose host the edge shall choose.
    pub fn any(scheme: Scheme) -> Self {
        Self { scheme, host: None, port: None }
    }

    /// Reads what `--url` and `url:` accept: nothing, a scheme, a domain, or an origin.
    ///
    /// `kind` is the kind of endpoint where it is known, and gives a bare domain its scheme;
    /// without it, the URL decides and a bare domain is `https`. The default port is dropped.
    ///
    /// # Errors
    /// [`EndpointUrlError`], whose [`code`](EndpointUrlError::code) is public.
    pub fn parse(
        text: &str,
        kind: Option<Kind>,
        binding: Option<Binding>,
    ) -> Result<Self, EndpointUrlError> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (parse_scheme(scheme, kind)?, rest),
            None => (kind.unwrap_or(Kind::Http).default_scheme(), text),
        };
        refuse_parts(text, rest)?;
        let url = match rest {
            "" => Self::any(scheme),
            _ => Self::with_authority(text, scheme, rest)?,
        };
        url.check(text, binding)
    }

    fn with_authority(text: &str, scheme: Scheme, rest: &str) -> Result<Self, EndpointUrlError> {
        let malformed = |e: &dyn fmt::Display| EndpointUrlError::Malformed {
            text: text.into(),
            reason: e.to_string(),
        };
        let (wildcard, plain) = match rest.strip_prefix("*.") {
            Some(plain) => ("*.", plain),
            None => ("", rest),
        };
        let (host, port) = addr::split(plain).map_err(|e| malformed(&e))?;
        let port = port.filter(|p| Some(*p) != scheme.default_port());
        Ok(Self { scheme, host: Some(format!("{wildcard}{host}")), port })
    }

    /// The rules that depend on who can reach the endpoint.
    fn check(self, text: &str, binding: Option<Binding>) -> Result<Self, EndpointUrlError> {
        let Some(host) = self.host.as_deref() else {
            return match binding {
                Some(Binding::Internal) => Err(EndpointUrlError::InternalWithoutHost),
                _ => Ok(self),
            };
        };
        let malformed =
            |reason: &str| EndpointUrlError::Malformed { text: text.into(), reason: reason.into() };
        if host.ends_with(".internal") {
            return match host.split('.').count() {
                n if n > MAX_INTERNAL_PARTS => {
                    Err(malformed("an internal name has at most five parts"))
                }
                _ => Ok(self),
            };
        }
        match (binding, self.scheme.default_port(), self.port) {
            (Some(Binding::Internal), ..) => {
                Err(EndpointUrlError::NotInternal { host: host.to_owned() })
            }
            (Some(Binding::Kubernetes), ..) => Ok(self),
            (_, None, None) => Err(malformed("a tcp address needs a port")),
            (_, Some(_), Some(port)) if !is_local(host) => {
                Err(EndpointUrlError::Port { scheme: self.scheme, port })
            }
            _ => Ok(self),
        }
    }

    /// The port, also where it is the scheme's default.
    pub fn port_or_default(&self) -> Option<u16> {
        self.port.or_else(|| self.scheme.default_port())
    }

    /// Who can reach an endpoint with this URL that does not say so.
    pub fn inferred_binding(&self) -> Binding {
        match &self.host {
            Some(host) if host.ends_with(".internal") => Binding::Internal,
            _ => Binding::Public,
        }
    }
}

/// Most parts of an internal name, the last one included.
const MAX_INTERNAL_PARTS: usize = 5;

/// An edge on this machine serves `*.localhost` at whatever port it got.
fn is_local(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

fn parse_scheme(text: &str, kind: Option<Kind>) -> Result<Scheme, EndpointUrlError> {
    let bad = || EndpointUrlError::Scheme { scheme: text.to_owned(), kind };
    let scheme: Scheme = text.to_ascii_lowercase().parse().map_err(|_| bad())?;
    match kind {
        Some(kind) if kind != scheme.kind() => Err(bad()),
        _ => Ok(scheme),
    }
}

fn refuse_parts(text: &str, rest: &str) -> Result<(), EndpointUrlError> {
    let part = |part| Err(EndpointUrlError::Part { text: text.to_owned(), part });
    if rest.contains('?') {
        return part("query");
    }
    if rest.contains('#') {
        return part("fragment");
    }
    match rest.find('/') {
        Some(at) if at + 1 == rest.len() => {
            return Err(EndpointUrlError::TrailingSlash { text: text.to_owned() });
        }
        Some(_) => return part("path"),
        None => {}
    }
    match rest.contains('@') {
        true => part("user name"),
        false => Ok(()),
    }
}

impl From<(Scheme, HostPort)> for EndpointUrl {
    fn from((scheme, addr): (Scheme, HostPort)) -> Self {
        let port = Some(addr.port).filter(|p| Some(*p) != scheme.default_port());
        Self { scheme, host: Some(addr.host), port }
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        match self.host.as_deref() {
            Some(host) if host.contains(':') => write!(f, "[{host}]")?,
            host => f.write_str(host.unwrap_or_default())?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
