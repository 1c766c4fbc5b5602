//! An endpoint that a session shall serve, as a program or a configuration describes it.

mod enforce;
mod same;

use std::{path::PathBuf, sync::Arc};

use adit_config::{
    At, Endpoint as Configured, EndpointUrl, HandlerSpec, Place, Secret, UpstreamAddr,
    endpoint::{Address, PemSource, ProxyProtocol, Termination, TrafficPolicy, Upstream},
    endpoint_url::{Binding, Kind, Scheme},
    file::{Enforce, HttpVersion, TerminateAt},
    middleware::POLICY_KIND,
};
use adit_runtime::{Observe, tap::Tap};
use serde_json::json;

pub use self::enforce::Enforced;
pub(crate) use self::same::same_address;
use crate::PlanError;

/// A public address, where its traffic goes, and what happens on the way.
///
/// Mistakes in texts are reported when the endpoint is bound, so that building reads as one
/// sentence:
///
/// ```
/// use adit_agent::EndpointSpec;
///
/// let spec = EndpointSpec::http("localhost:8080")
///     .url("https://app.example.org")
///     .basic_auth("ann", "a long password");
/// assert_eq!(spec.name(), "http");
/// ```
#[derive(Clone, Debug)]
pub struct EndpointSpec {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) address: Address,
    pub(crate) binding: Option<Binding>,
    pub(crate) description: String,
    pub(crate) metadata: String,
    pub(crate) pooling_enabled: bool,
    pub(crate) upstream: Upstream,
    pub(crate) tls: Termination,
    pub(crate) handlers: Vec<HandlerSpec>,
    /// The traffic policy, where the edge enforces it.
    pub(crate) edge_policy: Option<Arc<HandlerSpec>>,
    /// Where the traffic policy is enforced, if there is one.
    pub(crate) enforced: Option<Arc<Enforced>>,
    pub(crate) place: Place,
    /// The first mistake that was made while this was built.
    pub(crate) problem: Option<PlanError>,
    /// Told about connections and exchanges.
    pub(crate) observe: Option<Arc<dyn Observe>>,
    /// Watches its exchanges.
    pub(crate) tap: Option<Arc<dyn Tap>>,
}

impl EndpointSpec {
    /// An HTTP endpoint, `https` unless a URL says otherwise. The upstream is a port, `host:port`,
    /// `http://…`, `https://…`, `unix:/path`, or `file:///directory`.
    pub fn http(upstream: &str) -> Self {
        Self::new(Kind::Http, upstream)
    }

    /// A TCP endpoint to a port, `host:port` or `unix:/path`.
    pub fn tcp(upstream: &str) -> Self {
        Self::new(Kind::Tcp, upstream)
    }

    /// A TLS endpoint, routed by server name. Whose end the TLS is at, [`terminate_at`] says; by
    /// default it is the upstream.
    ///
    /// [`terminate_at`]: Self::terminate_at
    pub fn tls(upstream: &str) -> Self {
        Self::new(Kind::Tls, upstream)
    }

    fn new(kind: Kind, upstream: &str) -> Self {
        let place = Place::of(format!("{kind} endpoint"));
        let (addr, problem) = match UpstreamAddr::parse(upstream, kind) {
            Ok(addr) => (addr, None),
            Err(error) => (
                UpstreamAddr::Unix { path: PathBuf::new() },
                Some(PlanError::new(&place, error.to_string())),
            ),
        };
        let at = match kind {
            Kind::Tls => TerminateAt::Upstream,
            Kind::Http | Kind::Tcp => TerminateAt::Edge,
        };
        Self {
            name: kind.to_string(),
            kind,
            address: Address::Urls(vec![EndpointUrl::any(kind.default_scheme())]),
            binding: None,
            description: String::new(),
            metadata: String::new(),
            pooling_enabled: false,
            upstream: Upstream {
                addr: At::new(addr, place.clone()),
                protocol: HttpVersion::Http1,
                proxy_protocol: ProxyProtocol::None,
                tls_verify: false,
                tls_verify_cas: None,
            },
            tls: Termination { at, certificate: None, client_cas: Vec::new() },
            handlers: Vec::new(),
            edge_policy: None,
            enforced: None,
            place,
            problem,
            observe: None,
            tap: None,
        }
    }

    /// The endpoints of one entry of a configuration: one per scheme. Reads the file of its traffic
    /// policy; blocks. One at a URL has to be fetched before.
    ///
    /// # Errors
    /// The traffic policy cannot be read, or an option lacks something; the error says where.
    pub fn from_config(endpoint: &Configured) -> Result<Vec<Self>, PlanError> {
        if let Some(incomplete) = endpoint.middleware.incomplete(&endpoint.place) {
            return Err(PlanError::from(incomplete).of_endpoint(&endpoint.name));
        }
        let document = endpoint.traffic_policy.as_ref().map(TrafficPolicy::document).transpose();
        let document = document.map_err(|problems| {
            PlanError::of_document(&endpoint.name, &endpoint.place, problems)
        })?;
        let policy = document.and_then(TrafficPolicy::handler);
        let enforced = policy.as_ref().map(|policy| Enforced::decide(policy, endpoint));
        let enforced = enforced.transpose()?;
        let parts = endpoint.clone().split_schemes().into_iter();
        Ok(parts.map(|one| Self::from_one(one, policy.clone(), enforced.clone())).collect())
    }

    fn from_one(
        endpoint: Configured,
        policy: Option<HandlerSpec>,
        enforced: Option<Enforced>,
    ) -> Self {
        let (here, edge_policy) = match &enforced {
            Some(Enforced { at: Enforce::Edge, .. }) => (None, policy),
            _ => (policy, None),
        };
        Self {
            handlers: endpoint.handler_specs(here),
            edge_policy: edge_policy.map(Arc::new),
            enforced: enforced.map(Arc::new),
            name: endpoint.name,
            kind: endpoint.kind,
            address: endpoint.address,
            binding: endpoint.binding.map(|b| b.value),
            description: endpoint.description,
            metadata: endpoint.metadata,
            pooling_enabled: endpoint.pooling_enabled,
            upstream: endpoint.upstream,
            tls: endpoint.tls,
            place: endpoint.place,
            problem: None,
            observe: None,
            tap: None,
        }
    }

    /// The name, by which logs and the edge's operator know it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Replaces the name, which is the kind of endpoint otherwise.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Asks for an address: a URL, a domain, or only a scheme such as `http://`.
    #[must_use]
    pub fn url(mut self, url: &str) -> Self {
        match EndpointUrl::parse(url, Some(self.kind), self.binding) {
            Ok(url) => self.address = Address::Urls(vec![url]),
            Err(error) => {
                let code = adit_proto::ErrorCode(error.code().into());
                let problem = PlanError::new(&self.place, error.to_string()).with_code(code);
                self.problem.get_or_insert(problem);
            }
        }
        self
    }

    /// Serves whatever address the edge chooses by these labels.
    #[must_use]
    pub fn labels<K: Into<String>, V: Into<String>>(
        mut self,
        labels: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let labels = labels.into_iter().map(|(k, v)| (k.into(), v.into()));
        self.address = Address::Labels(labels.collect());
        self
    }

    /// Opaque text that goes with the endpoint.
    #[must_use]
    pub fn metadata(mut self, metadata: impl Into<String>) -> Self {
        self.metadata = metadata.into();
        self
    }

    /// Text for people that goes with the endpoint.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Lets other agents serve the same address.
    #[must_use]
    pub fn pooled(mut self) -> Self {
        self.pooling_enabled = true;
        self
    }

    /// Says who ends the visitors' TLS.
    #[must_use]
    pub fn terminate_at(mut self, at: TerminateAt) -> Self {
        self.tls.at = at;
        self
    }

    /// The certificate for whoever ends the visitors' TLS: two PEM texts or paths.
    #[must_use]
    pub fn certificate(mut self, certificate: &str, key: &str) -> Self {
        let pem = |text: &str| At::new(PemSource::from_text(text.to_owned()), self.place.clone());
        let (certificate, key) = (pem(certificate), pem(key));
        self.tls.certificate = Some(adit_config::endpoint::KeyPair { certificate, key });
        self
    }

    /// Speaks HTTP/2 to the upstream, with prior knowledge.
    #[must_use]
    pub fn upstream_http2(mut self) -> Self {
        self.upstream.protocol = HttpVersion::Http2;
        self
    }

    /// Verifies the certificate of a TLS upstream, with the system's roots.
    #[must_use]
    pub fn verify_upstream_tls(mut self) -> Self {
        self.upstream.tls_verify = true;
        self
    }

    /// Begins each connection to the upstream with a PROXY header.
    #[must_use]
    pub fn proxy_protocol(mut self, version: ProxyProtocol) -> Self {
        self.upstream.proxy_protocol = version;
        self
    }

    /// Asks visitors for a name and a password. May be called again, for more of them.
    #[must_use]
    pub fn basic_auth(mut self, user: &str, password: &str) -> Self {
        let pair = Secret::new(format!("{user}:{password}"));
        let credentials = json!(pair.expose());
        if let Some(last) = self.handlers.iter_mut().find(|spec| spec.kind == "basic-auth")
            && let Some(list) = last.options["credentials"].as_array_mut()
        {
            list.push(credentials);
            return self;
        }
        self.handler("basic-auth", json!({ "credentials": [credentials] }))
    }

    /// Adds a handler behind those that are there.
    #[must_use]
    pub fn handler(mut self, kind: &str, options: serde_json::Value) -> Self {
        self.handlers.push(HandlerSpec::new(kind, options, self.place.clone()));
        self
    }

    /// Has somebody told about its connections and exchanges. Who was told first stays so for as
    /// long as the endpoint is served.
    #[must_use]
    pub fn observed(mut self, observe: Arc<dyn Observe>) -> Self {
        self.observe = Some(observe);
        self
    }

    /// Has somebody watch its exchanges, if it is an HTTP endpoint.
    #[must_use]
    pub fn tapped(mut self, tap: Arc<dyn Tap>) -> Self {
        self.tap = Some(tap);
        self
    }

    /// The kinds of its handlers, in order.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.handlers.iter().map(|handler| handler.kind.as_str())
    }

    /// The document of its traffic policy, wherever it is enforced.
    pub fn traffic_policy(&self) -> Option<&serde_json::Value> {
        self.enforced.as_ref()?;
        // It stands before the user's own handlers.
        let is_policy = |spec: &&HandlerSpec| spec.kind == POLICY_KIND && !spec.is_generated();
        let policy = self.edge_policy.as_deref();
        let policy = policy.or_else(|| self.handlers.iter().find(is_policy));
        policy.map(|policy| &policy.options)
    }

    /// The scheme that is asked for; `None` for labels.
    pub(crate) fn scheme(&self) -> Option<Scheme> {
        match &self.address {
            Address::Labels(_) => None,
            Address::Subdomain { schemes, .. } => schemes.first().copied(),
            Address::Urls(urls) => urls.first().map(|url| url.scheme),
        }
    }
}
