//! One public address of one session.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use adit_chain::{
    BuildCx, BuildError, Chain, Endpoint, Link, LinkSpec, OnError, Protocol, Registry, Side,
};
use adit_config::HandlerSpec;
use adit_proto::{
    ErrorText,
    message::{Bind, BindExtra, Proto},
    options::Options,
    proxy::EdgeType,
};
use adit_runtime::{HttpVersion, Route, RouteOptions, TlsDefault};
use parking_lot::Mutex;

use crate::{
    address::{Address, invalid},
    lower::{self, Lowered, Termination},
    neighbours,
    paths::Paths,
    shared::Shared,
    upstream::{AgentUpstream, Bounds},
};

/// One public address of one session.
#[derive(Debug)]
pub(crate) struct Tunnel {
    /// As the agent knows it; unique within its session.
    pub(crate) id: String,
    /// As operators and patches know it.
    pub(crate) tunnel_id: String,
    pub(crate) client_id: String,
    pub(crate) account: Arc<str>,
    pub(crate) address: Address,
    pub(crate) pooling: AtomicBool,
    pub(crate) about: Mutex<About>,
    pub(crate) forwards_to: String,
    pub(crate) route: Arc<Route>,
    pub(crate) paths: Arc<Paths>,
    /// A re-bind that asks for the same changes nothing.
    lowered: Lowered,
    forwards_proto: String,
}

/// What people said about it.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) metadata: String,
}

impl From<&BindExtra> for About {
    fn from(extra: &BindExtra) -> Self {
        Self {
            name: extra.name.clone(),
            description: extra.description.clone(),
            metadata: extra.metadata.clone(),
        }
    }
}

/// Whose a new tunnel is.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) client_id: String,
    pub(crate) account: Arc<str>,
    pub(crate) bind: String,
    pub(crate) tunnel_id: String,
}

impl Tunnel {
    /// Builds everything that can fail, before anything is changed.
    pub(crate) fn build(
        shared: &Shared,
        bind: &Bind,
        lowered: Lowered,
        address: Address,
        owner: Owner,
        paths: Arc<Paths>,
    ) -> Result<Self, ErrorText> {
        let endpoint = Arc::new(Endpoint {
            name: owner.bind.clone(),
            url: address.url(),
            protocol: protocol(bind.proto),
            upstream: bind.forwards_to.clone(),
            upstream_host: upstream_host(&bind.forwards_to),
        });
        let cx = BuildCx {
            endpoint: Arc::clone(&endpoint),
            side: Side::Edge,
            certificates: Some(Arc::clone(&shared.by_name)),
            on_error: OnError::Deny,
        };
        let chain = chain(&shared.registry, &lowered, &cx)?;
        let upstream = AgentUpstream {
            paths: Arc::clone(&paths),
            url: address.url(),
            bind: owner.bind.clone(),
            proto: bind.proto,
            edge_type: EdgeType::Undefined,
            proxy_proto: lowered.proxy_proto,
            version: http_version(&bind.forwards_proto),
            bounds: Bounds::from(&shared.settings.limits),
        };
        let is_ours = lowered.tls == Termination::Here && !lowered.brings_certificate();
        if is_ours && !address.is_internal() && !shared.certificates.has(&address.host) {
            tracing::warn!(
                url = address.url(),
                "no certificate is for this name: visitors get none"
            );
        }
        let tls = match (lowered.tls, bind.proto.is_http()) {
            (Termination::None, _) => TlsDefault::None,
            (Termination::Pass, _) => TlsDefault::Pass,
            (Termination::Here, true) => TlsDefault::Here(Arc::clone(&shared.tls.http)),
            (Termination::Here, false) => TlsDefault::Here(Arc::clone(&shared.tls.bytes)),
        };
        let neighbours = Some(neighbours::of(&shared.routes, &owner.account));
        let options = RouteOptions { tls, neighbours, ..RouteOptions::new(Side::Edge) };
        let route = Arc::new(Route::new(endpoint, chain, Arc::new(upstream), options));
        Ok(Self {
            id: owner.bind,
            tunnel_id: owner.tunnel_id,
            client_id: owner.client_id,
            account: owner.account,
            address,
            pooling: AtomicBool::new(bind.extra.pooling_enabled),
            about: Mutex::new(About::from(&bind.extra)),
            forwards_to: bind.forwards_to.clone(),
            route,
            paths,
            lowered,
            forwards_proto: bind.forwards_proto.clone(),
        })
    }

    /// The same tunnel with another traffic policy. Its paths are shared: what is under way goes on.
    pub(crate) fn with_policy(
        &self,
        shared: &Shared,
        policy: Option<HandlerSpec>,
    ) -> Result<Self, ErrorText> {
        let mut bind = Bind::new(self.address.proto, Options::default());
        bind.forwards_to.clone_from(&self.forwards_to);
        bind.forwards_proto.clone_from(&self.forwards_proto);
        bind.extra.pooling_enabled = self.pooling.load(Ordering::Relaxed);
        let owner = Owner {
            client_id: self.client_id.clone(),
            account: Arc::clone(&self.account),
            bind: self.id.clone(),
            tunnel_id: self.tunnel_id.clone(),
        };
        let lowered = Lowered { policy, ..self.lowered.clone() };
        let (address, paths) = (self.address.clone(), Arc::clone(&self.paths));
        let new = Self::build(shared, &bind, lowered, address, owner, paths)?;
        Ok(Self { about: Mutex::new(self.about.lock().clone()), ..new })
    }

    /// Takes over what a bind says of the tunnel, beyond what its route is made of.
    pub(crate) fn heed(&self, bind: &Bind) {
        self.pooling.store(bind.extra.pooling_enabled, Ordering::Relaxed);
        *self.about.lock() = About::from(&bind.extra);
    }

    /// Whether a bind asks for just this tunnel, so that its route can stay as it is.
    pub(crate) fn is_same(&self, bind: &Bind, lowered: &Lowered) -> bool {
        self.forwards_to == bind.forwards_to
            && self.forwards_proto == bind.forwards_proto
            && self.lowered == *lowered
    }
}

fn chain(registry: &Registry, lowered: &Lowered, cx: &BuildCx) -> Result<Chain, ErrorText> {
    let link = |spec: &LinkSpec| registry.link(spec, cx).map_err(|error| misbuilt(spec, &error));
    let mut links: Vec<Link> = lowered.links.iter().map(link).collect::<Result<_, _>>()?;
    if let Some(policy) = &lowered.policy {
        let (kind, options) = (policy.kind.clone(), policy.options.clone());
        let spec = LinkSpec { kind, options, on_error: OnError::Deny };
        let built = registry.link(&spec, cx);
        links.push(built.map_err(|error| lower::policy::misbuilt(policy, &error))?);
    }
    if let Some(last) = &lowered.last {
        links.push(link(last)?);
    }
    Ok(Chain::new(links))
}

fn misbuilt(spec: &LinkSpec, error: &BuildError) -> ErrorText {
    let message = format!("The options for {} are invalid: {error}.", spec.kind);
    match lower::policy::code_of(spec, error) {
        Some(code) => ErrorText::new(code, message),
        None => invalid(message),
    }
}

pub(crate) fn protocol(proto: Proto) -> Protocol {
    match proto {
        Proto::Http => Protocol::Http,
        Proto::Https => Protocol::Https,
        Proto::Tcp => Protocol::Tcp,
        Proto::Tls => Protocol::Tls,
    }
}

pub(crate) fn http_version(forwards_proto: &str) -> HttpVersion {
    if forwards_proto == "http2" { HttpVersion::Http2 } else { HttpVersion::Http1 }
}

/// What a display URL says of the `Host` that the service expects.
fn upstream_host(forwards_to: &str) -> Option<String> {
    let url = url::Url::parse(forwards_to).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_upstream_leaves_out_the_scheme_s_port() {
        assert_eq!(upstream_host("http://localhost:8080"), Some("localhost:8080".to_owned()));
        assert_eq!(upstream_host("https://localhost:443/x"), Some("localhost".to_owned()));
        assert_eq!(upstream_host("app://host/exe?pid=1"), None);
        assert_eq!(upstream_host("localhost:80"), None);
    }
}
