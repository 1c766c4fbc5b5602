//! From the description of an endpoint to what runs: a chain, an upstream, and a request for an
//! address.
//!
//! ```text
//! EndpointSpec ── files read, names checked ──> Plan ── the edge's URL ──> Route
//! ```
//!
//! The chain is built twice where the URL is not known beforehand: once to find mistakes before the
//! edge is asked, once with the URL that the edge chose.

pub(crate) mod blocking;
mod explain;
mod links;
mod options;
mod policy;
mod service;

use std::sync::Arc;

use adit_chain::{Endpoint, Protocol, Registry, Side};
use adit_config::{
    EndpointUrl,
    endpoint::{Address, ProxyProtocol},
    endpoint_url::{Kind, Scheme},
    file::TerminateAt,
};
use adit_proto::message::{Bind, StartTunnelWithLabel};
use adit_runtime::{Forwarded, Neighbours, Observe, Route, RouteOptions, TlsDefault, tap::Tap};
use arc_swap::ArcSwap;
use rustls::server::ResolvesServerCert;

pub use self::explain::{ExplainedLink, ExplainedPolicy, Explanation, Reason, TlsEnd};
use self::links::Links;
pub use self::policy::check_policy;
use crate::{EndpointSpec, PlanError, spec::same_address, upstream::Service};

/// What plans are made with.
#[derive(Clone, Default)]
pub(crate) struct Tools {
    /// Makers of handlers; all copies of the tools see an exchange of it.
    pub(crate) registry: Arc<ArcSwap<Registry>>,
    /// Certificates for TLS that ends here and has none of its own.
    pub(crate) certificates: Option<Arc<dyn ResolvesServerCert>>,
    /// The internal endpoints of the session, once there is one.
    pub(crate) neighbours: Option<Arc<dyn Neighbours>>,
}

impl Tools {
    /// The same, with handlers of their own.
    pub(crate) fn with_registry(&self, registry: Registry) -> Self {
        Self { registry: Arc::new(ArcSwap::from_pointee(registry)), ..self.clone() }
    }
}

/// What is asked of the edge.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// An address.
    Bind(Bind),
    /// Whatever has these labels.
    Labelled(StartTunnelWithLabel),
}

impl Request {
    /// Whether it is the same, but for where traffic goes from here, which edges only show.
    fn asks_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bind(a), Self::Bind(b)) => {
                let Bind { forwards_to, forwards_proto, .. } = b;
                let mut a = a.clone();
                a.forwards_to.clone_from(forwards_to);
                a.forwards_proto.clone_from(forwards_proto);
                if let Some(scheme) = b.opts.as_map().get(LOCAL_SCHEME) {
                    a.opts.set(LOCAL_SCHEME, scheme.clone());
                }
                a == *b
            }
            (Self::Labelled(a), Self::Labelled(b)) => {
                (&a.labels, &a.metadata) == (&b.labels, &b.metadata)
            }
            _ => false,
        }
    }
}

/// The option that names the scheme of the upstream.
const LOCAL_SCHEME: &str = "LocalUrlScheme";

/// How the visitor's TLS gets here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tls {
    /// It does not: there is none, or the edge ends it.
    Ended,
    /// Here.
    EndsHere,
    /// Through here.
    Passes,
}

/// An endpoint that can be served as soon as the edge gives it an address.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// What is asked of the edge.
    pub(crate) request: Request,
    /// Whether the edge begins each connection with a PROXY header.
    pub(crate) proxy_protocol: ProxyProtocol,
    /// Where connections go.
    pub(crate) service: Arc<Service>,
    links: Links,
    tls: Tls,
    protocol: Protocol,
    /// The address as it was asked for.
    address: Address,
    upstream_host: Option<String>,
    observe: Option<Arc<dyn Observe>>,
    tap: Option<Arc<dyn Tap>>,
}

impl Plan {
    /// Reads files, checks names, and builds the chain for the first time. Blocks.
    ///
    /// # Errors
    /// The first mistake, and where it stands.
    pub(crate) fn new(spec: EndpointSpec, tools: &Tools) -> Result<Self, PlanError> {
        let plan = Self::read(spec)?;
        plan.route(&plan.provisional_url(), tools)?;
        Ok(plan)
    }

    /// What shall be served in the place of something else, at its address.
    ///
    /// # Errors
    /// The first mistake; or it asks for another address.
    pub(crate) fn in_place_of(old: &Self, spec: EndpointSpec) -> Result<Self, PlanError> {
        let place = spec.place.clone();
        let plan = Self::read(spec)?;
        let is_same = (&plan.name, plan.tls, plan.protocol) == (&old.name, old.tls, old.protocol)
            && plan.request.asks_the_same(&old.request);
        if !is_same {
            let text = format!(
                "endpoint {:?}: its address, its TLS and what the edge knows of it cannot change \
                 while it is served; close it and bind it again",
                old.name
            );
            return Err(PlanError::new(&place, text));
        }
        Ok(plan)
    }

    /// Whether it asks for the address that the other one has, and only wants something else done
    /// there.
    pub(crate) fn keeps_address_of(&self, old: &Self) -> bool {
        let has_proto = match (&self.request, &old.request) {
            (Request::Bind(new), Request::Bind(old)) => new.proto == old.proto,
            _ => false,
        };
        has_proto
            && (&self.name, self.protocol) == (&old.name, old.protocol)
            && same_address(&self.address, &old.address)
    }

    /// Reads files and checks names, all but those of handlers.
    fn read(spec: EndpointSpec) -> Result<Self, PlanError> {
        if let Some(problem) = spec.problem {
            return Err(problem);
        }
        let tls = tls(&spec)?;
        let upstream_host = service::host(&spec.upstream.addr.value);
        let service = Arc::new(service::service(&spec)?);
        Ok(Self {
            request: options::request(&spec, tls)?,
            proxy_protocol: spec.upstream.proxy_protocol,
            service,
            links: Links::new(&spec, tls)?,
            tls,
            protocol: protocol(spec.kind, spec.scheme()),
            address: spec.address,
            upstream_host,
            observe: spec.observe,
            tap: spec.tap,
            name: spec.name.into(),
        })
    }

    /// The route of an endpoint that is reached at `url`.
    ///
    /// # Errors
    /// A handler cannot be built.
    pub(crate) fn route(&self, url: &str, tools: &Tools) -> Result<Route, PlanError> {
        let endpoint = Arc::new(Endpoint {
            name: self.name.to_string(),
            url: url.to_owned(),
            protocol: self.protocol,
            upstream: self.service.display.to_string(),
            upstream_host: self.upstream_host.clone(),
        });
        let chain = self.links.build(&endpoint, tools, self.carries_http())?;
        let mut options = RouteOptions::new(Side::Agent);
        options.observe.clone_from(&self.observe);
        options.neighbours.clone_from(&tools.neighbours);
        // What passes through as TLS shows no exchanges.
        options.tap = self.tap.clone().filter(|_| self.tls != Tls::Passes);
        match self.tls {
            Tls::Ended => {}
            // The first that sees the visitor's HTTP says who the visitor is.
            Tls::EndsHere if self.protocol.is_http() => options.forwarded = Forwarded::Set,
            Tls::EndsHere => {}
            Tls::Passes => options.tls = TlsDefault::Pass,
        }
        let upstream = Arc::clone(&self.service) as Arc<dyn adit_runtime::Upstream>;
        Ok(Route::new(endpoint, chain, upstream, options))
    }

    /// The scheme of its public URL.
    pub(crate) const fn proto(&self) -> &'static str {
        self.protocol.as_str()
    }

    /// The URL as visitors write it, given what the edge reports. They differ where the edge
    /// passes TLS through to us and does not know that there is HTTP inside.
    pub(crate) fn public_url(&self, reported: &str) -> String {
        match reported.split_once("://") {
            Some(("tls", rest)) if self.protocol == Protocol::Https => format!("https://{rest}"),
            _ => reported.to_owned(),
        }
    }

    /// Stands for the URL while it is not known.
    fn provisional_url(&self) -> String {
        format!("{}://", self.protocol.as_str())
    }

    fn carries_http(&self) -> bool {
        self.protocol.is_http() && self.tls != Tls::Passes
    }
}

fn tls(spec: &EndpointSpec) -> Result<Tls, PlanError> {
    let has_tls = match spec.scheme() {
        Some(scheme) => matches!(scheme, Scheme::Https | Scheme::Tls),
        None => false,
    };
    match (has_tls, spec.tls.at) {
        (false, TerminateAt::Agent) => {
            let text = format!("endpoint {:?} has no TLS that could end at the agent", spec.name);
            Err(PlanError::new(&spec.place, text + "; use an https:// or tls:// URL"))
        }
        (false, _) | (true, TerminateAt::Edge) => Ok(Tls::Ended),
        (true, TerminateAt::Agent) => Ok(Tls::EndsHere),
        (true, TerminateAt::Upstream) => Ok(Tls::Passes),
    }
}

fn protocol(kind: Kind, scheme: Option<Scheme>) -> Protocol {
    match (scheme, kind) {
        (Some(Scheme::Http), _) => Protocol::Http,
        (Some(Scheme::Https), _) | (None, Kind::Http) => Protocol::Https,
        (Some(Scheme::Tcp), _) | (None, Kind::Tcp) => Protocol::Tcp,
        (Some(Scheme::Tls), _) | (None, Kind::Tls) => Protocol::Tls,
    }
}

/// The URL that is asked for, if one is.
fn requested(address: &Address) -> Option<&EndpointUrl> {
    match address {
        Address::Urls(urls) => urls.first(),
        Address::Labels(_) | Address::Subdomain { .. } => None,
    }
}

#[cfg(test)]
#[path = "plan/tests.rs"]
mod tests;
