//! An endpoint, however it was written: an entry of `endpoints:` or of `tunnels:`, or flags.

use std::{fs, io, path::PathBuf};

use serde_json::json;

pub use crate::traffic_policy::TrafficPolicy;
use crate::{
    diagnostic::Diagnostic,
    endpoint_url::{Binding, EndpointUrl, Kind, Scheme},
    file::{Enforce, HttpVersion, TerminateAt},
    handler::HandlerSpec,
    middleware::Middleware,
    place::{At, Place},
    upstream::UpstreamAddr,
};

/// A public address and where its traffic goes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Endpoint {
    /// Unique in this agent.
    pub name: String,
    /// Where it is described.
    pub place: Place,
    /// What it carries.
    pub kind: Kind,
    /// How it is reached.
    pub address: Address,
    /// Whether somebody asked for its scheme.
    pub scheme: Asked,
    /// Who can reach it, where that is said; otherwise the edge infers it from the URL.
    pub binding: Option<At<Binding>>,
    /// Text for people.
    pub description: String,
    /// Text for programs.
    pub metadata: String,
    /// Whether other agents may share the URL.
    pub pooling_enabled: bool,
    /// Whether exchanges are captured. Only HTTP can be.
    pub inspect: bool,
    /// Where traffic goes.
    pub upstream: Upstream,
    /// Who ends a visitor's TLS, and with what. Means nothing for `http` and `tcp` schemes.
    pub tls: Termination,
    /// Rules, if any.
    pub traffic_policy: Option<TrafficPolicy>,
    /// Where the rules run, if that is said.
    pub enforce: Option<At<Enforce>>,
    /// The classic options, each of which stands for a handler.
    pub middleware: Middleware,
    /// The user's own handlers, in order.
    pub handlers: Vec<HandlerSpec>,
    /// What was written and has nothing to act on. No mistakes: it is served all the same.
    pub warnings: Vec<Diagnostic>,
}

/// Whether a setting was written, or follows from nothing having been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nobody said anything.
    No,
    /// It was written.
    Yes,
}

/// How an endpoint is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// By the edge's labels; there is no URL.
    Labels(Vec<(String, String)>),
    /// At a name below the edge's own domain, with each of the schemes.
    Subdomain {
        /// One or more parts of a name.
        name: At<String>,
        /// At least one; `https` first.
        schemes: Vec<Scheme>,
    },
    /// At these URLs, which differ in their scheme only; at least one, `https` first.
    Urls(Vec<EndpointUrl>),
}

/// Where traffic goes and how.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The address, and where it was written.
    pub addr: At<UpstreamAddr>,
    /// What is spoken to an HTTP upstream.
    pub protocol: HttpVersion,
    /// The PROXY header that each connection begins with.
    pub proxy_protocol: ProxyProtocol,
    /// Whether the upstream's certificate is verified. Naming `tls_verify_cas` implies it.
    pub tls_verify: bool,
    /// PEM file that it is verified against, instead of the system's roots.
    pub tls_verify_cas: Option<At<PathBuf>>,
}

/// The PROXY header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// None.
    #[default]
    None,
    /// Version 1, text.
    V1,
    /// Version 2, binary.
    V2,
}

/// Who ends a visitor's TLS, and with what.
#[derive(Clone, Debug)]
pub struct Termination {
    /// Who.
    pub at: TerminateAt,
    /// The certificate; without one, whoever terminates uses the edge's.
    pub certificate: Option<KeyPair>,
    /// Who must have signed a visitor's certificate; empty asks for none.
    pub client_cas: Vec<At<PemSource>>,
}

/// A certificate chain and its key.
#[derive(Clone, Debug)]
pub struct KeyPair {
    /// The chain, leaf first.
    pub certificate: At<PemSource>,
    /// The key of the leaf.
    pub key: At<PemSource>,
}

/// PEM, here or in a file. Text may be a key, so `Debug` shows paths only.
#[derive(Clone)]
pub enum PemSource {
    /// In a file. A relative path starts at the working directory, as in the reference.
    File(PathBuf),
    /// Written in place.
    Text(String),
}

/// Largest PEM file that is read, in bytes.
const MAX_PEM_LEN: u64 = 1024 * 1024;

impl PemSource {
    /// Tells PEM text from a path by its first line.
    pub fn from_text(text: String) -> Self {
        match text.trim_start().starts_with("-----BEGIN ") {
            true => Self::Text(text),
            false => Self::File(text.into()),
        }
    }

    /// The PEM text, read from its file if need be. Blocks.
    ///
    /// # Errors
    /// If the file cannot be read, is larger than 1 MiB, or is not text; the error names it.
    pub fn read(&self) -> io::Result<String> {
        let path = match self {
            Self::Text(text) => return Ok(text.clone()),
            Self::File(path) => path,
        };
        let text = match fs::metadata(path) {
            Ok(found) if found.len() > MAX_PEM_LEN => {
                Err(io::Error::other("larger than any certificate"))
            }
            Ok(_) => fs::read_to_string(path),
            Err(error) => Err(error),
        };
        text.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }
}

impl std::fmt::Debug for PemSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Text(_) => f.write_str("Text([redacted])"),
        }
    }
}

impl Endpoint {
    /// An endpoint at `url` that forwards to `upstream`, with every default.
    pub fn new(name: impl Into<String>, url: EndpointUrl, upstream: UpstreamAddr) -> Self {
        let place = Place::of("endpoint");
        Self {
            name: name.into(),
            kind: url.scheme.kind(),
            scheme: Asked::Yes,
            binding: None,
            description: String::new(),
            metadata: String::new(),
            pooling_enabled: false,
            inspect: url.scheme.kind() == Kind::Http,
            upstream: Upstream {
                addr: At::new(upstream, place.clone()),
                protocol: HttpVersion::Http1,
                proxy_protocol: ProxyProtocol::None,
                tls_verify: false,
                tls_verify_cas: None,
            },
            tls: Termination::by_default(url.scheme),
            traffic_policy: None,
            enforce: None,
            middleware: Middleware::default(),
            handlers: Vec::new(),
            warnings: Vec::new(),
            address: Address::Urls(vec![url]),
            place,
        }
    }

    /// The first URL that is asked for, unless it follows from labels or a subdomain.
    pub fn url(&self) -> Option<&EndpointUrl> {
        match &self.address {
            Address::Urls(urls) => urls.first(),
            Address::Labels(_) | Address::Subdomain { .. } => None,
        }
    }

    /// Its schemes, `https` first; empty for labels.
    pub fn schemes(&self) -> Vec<Scheme> {
        match &self.address {
            Address::Labels(_) => Vec::new(),
            Address::Subdomain { schemes, .. } => schemes.clone(),
            Address::Urls(urls) => urls.iter().map(|u| u.scheme).collect(),
        }
    }

    /// One endpoint per scheme: an endpoint with `http` and `https` is two, of which the second is
    /// called `NAME (http)`.
    pub fn split_schemes(self) -> Vec<Self> {
        let addresses: Vec<Address> = match &self.address {
            Address::Urls(urls) => urls.iter().map(|u| Address::Urls(vec![u.clone()])).collect(),
            Address::Subdomain { name, schemes } => {
                let one = |s: &Scheme| Address::Subdomain { name: name.clone(), schemes: vec![*s] };
                schemes.iter().map(one).collect()
            }
            Address::Labels(_) => return vec![self],
        };
        let split = addresses.into_iter().enumerate().map(|(i, address)| Self {
            name: if i == 0 { self.name.clone() } else { format!("{} (http)", self.name) },
            address,
            ..self.clone()
        });
        split.collect()
    }

    /// Everything that its chain consists of, in order: the classic options as handlers, then the
    /// traffic policy if it runs there, then the user's own. TLS termination is separate, see [`Termination::handler_spec`].
    ///
    /// The generated order, first seen by a visitor first: `ip-restriction`, `user-agent-filter`,
    /// the check of signatures, `basic-auth`, the logins, `circuit-breaker`, `compression`,
    /// `host-header`, `request-headers`, `response-headers`, then the policy and the user's, then `websocket-tcp-converter`, which ends the chain
    /// and must not hide a handler behind it. Responses pass the list backwards, so that header
    /// changes come before compression.
    pub fn handler_specs(&self, policy: Option<HandlerSpec>) -> Vec<HandlerSpec> {
        let mut specs = self.middleware.before();
        specs.extend(policy);
        specs.extend(self.handlers.iter().cloned());
        specs.extend(self.middleware.after());
        specs
    }
}

impl Termination {
    /// Who ends TLS if nobody says: the edge for HTTP, which it routes by; else the upstream.
    pub fn by_default(scheme: Scheme) -> Self {
        let at = match scheme.kind() {
            Kind::Http => TerminateAt::Edge,
            Kind::Tcp | Kind::Tls => TerminateAt::Upstream,
        };
        Self { at, certificate: None, client_cas: Vec::new() }
    }

    /// The `terminate-tls` handler for whoever terminates, with the PEM files read. Blocks.
    /// It belongs behind `ip-restriction` and before everything that sees HTTP.
    ///
    /// # Errors
    /// The place of a PEM source that cannot be read, and why.
    pub fn handler_spec(&self, place: &Place) -> Result<HandlerSpec, (Place, io::Error)> {
        let read = |pem: &At<PemSource>| pem.value.read().map_err(|e| (pem.place.clone(), e));
        let mut options = json!({});
        if let Some(pair) = &self.certificate {
            options["server_certificate"] = read(&pair.certificate)?.into();
            options["server_private_key"] = read(&pair.key)?.into();
        }
        if !self.client_cas.is_empty() {
            let cas: Result<Vec<_>, _> = self.client_cas.iter().map(read).collect();
            options["mutual_tls_certificate_authorities"] = cas?.into();
        }
        let pair = self.certificate.as_ref().map(|pair| &pair.certificate.place);
        let place = pair.or(self.client_cas.first().map(|cas| &cas.place)).unwrap_or(place);
        Ok(HandlerSpec::new("terminate-tls", options, place.clone()))
    }
}
