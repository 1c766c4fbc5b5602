//! One endpoint: as it is wanted, and as it is served.

use std::sync::Arc;

use adit_agent::{Endpoint, EndpointSpec, PlanError};
use adit_config::{
    Endpoint as Configured, Place,
    endpoint::{Address, PemSource, ProxyProtocol, TrafficPolicy},
    endpoint_url::{Kind, Scheme},
};
use adit_inspect::{
    control::{EndpointState, EndpointView, Origin},
    meter::Meter,
};
use parking_lot::{Mutex, RwLock};

use crate::plugins::{Stamp, stamp};

/// An endpoint as somebody wants it: one address.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) configured: Configured,
    pub(crate) spec: EndpointSpec,
    pub(crate) origin: Origin,
    /// It shall have the host of the endpoint of this name, which the edge chooses.
    pub(crate) beside: Option<(String, Scheme)>,
    /// What the files that it names were like.
    stamps: Vec<Stamp>,
    /// The file of its traffic policy, and what that was like before it was read.
    policy_file: Option<(String, Stamp)>,
}

impl Wanted {
    /// One for each scheme. Looks at files.
    ///
    /// # Errors
    /// It asks for something that is not supported.
    pub(crate) fn all_of(endpoint: Configured, origin: Origin) -> Result<Vec<Self>, PlanError> {
        let policy_file = match &endpoint.traffic_policy {
            Some(TrafficPolicy::File(at)) => {
                Some((at.value.display().to_string(), stamp(&at.value)))
            }
            _ => None,
        };
        let specs = EndpointSpec::from_config(&endpoint)?;
        let first = endpoint.name.clone();
        let second = match &endpoint.address {
            Address::Urls(urls) => match urls.as_slice() {
                [first, second] if first.host.is_none() => Some(second.scheme),
                _ => None,
            },
            _ => None,
        };
        let parts = endpoint.split_schemes().into_iter().zip(specs).enumerate();
        let wanted = parts.map(|(i, (configured, spec))| {
            let beside = second.filter(|_| i > 0).map(|scheme| (first.clone(), scheme));
            let stamps = stamps(&configured);
            let policy_file = policy_file.clone();
            Self { configured, spec, origin, beside, stamps, policy_file }
        });
        Ok(wanted.collect())
    }

    pub(crate) fn name(&self) -> &str {
        self.spec.name()
    }

    pub(crate) const fn place(&self) -> &Place {
        &self.configured.place
    }

    /// The file of its traffic policy, and what that was like before it was read.
    pub(crate) fn policy_file(&self) -> Option<(&str, Stamp)> {
        self.policy_file.as_ref().map(|(path, stamp)| (path.as_str(), *stamp))
    }

    /// Whether it is what was wanted before, wherever it is written.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.beside, &self.stamps, self.configured.inspect)
            == (&other.beside, &other.stamps, other.configured.inspect)
            && self.spec.is_same(&other.spec)
    }

    /// Whether one of its handlers is of one of these kinds.
    pub(crate) fn uses(&self, kinds: &[String]) -> bool {
        self.spec.kinds().any(|kind| kinds.iter().any(|changed| changed == kind))
    }
}

/// A certificate that was renewed at its place is another one.
fn stamps(configured: &Configured) -> Vec<Stamp> {
    let tls = &configured.tls;
    let pair = tls.certificate.iter().flat_map(|pair| [&pair.certificate, &pair.key]);
    let pems = pair.chain(&tls.client_cas).filter_map(|pem| match &pem.value {
        PemSource::File(path) => Some(path),
        PemSource::Text(_) => None,
    });
    let cas = configured.upstream.tls_verify_cas.iter().map(|cas| &cas.value);
    pems.chain(cas).map(|path| stamp(path)).collect()
}

/// An endpoint that is served.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) endpoint: Endpoint,
    pub(crate) meter: Arc<Meter>,
    /// 32 hex digits.
    id: String,
    wanted: RwLock<Arc<Wanted>>,
    /// Why the edge did not take it back, if it did not.
    trouble: Mutex<Option<String>>,
}

impl Entry {
    pub(super) fn new(wanted: Wanted, endpoint: Endpoint, meter: Arc<Meter>, id: String) -> Self {
        let (name, origin) = (wanted.name().to_owned(), wanted.origin);
        let (wanted, trouble) = (RwLock::new(Arc::new(wanted)), Mutex::default());
        Self { name, origin, endpoint, meter, id, wanted, trouble }
    }

    pub(crate) fn wanted(&self) -> Arc<Wanted> {
        Arc::clone(&self.wanted.read())
    }

    pub(super) fn set_wanted(&self, wanted: Wanted) {
        *self.wanted.write() = Arc::new(wanted);
    }

    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock() = trouble;
    }

    /// The host of its public URL.
    pub(crate) fn has_host(&self, host: &str) -> bool {
        host_of(&self.endpoint.url()).eq_ignore_ascii_case(host)
    }

    /// Whether it has the very address that is asked for.
    pub(super) fn has_address_of(&self, wanted: &Wanted) -> bool {
        let url = self.endpoint.url();
        let host = host_of(&url);
        match &wanted.configured.address {
            Address::Urls(urls) => urls.first().and_then(|url| url.host.as_deref()) == Some(host),
            Address::Subdomain { name, .. } => {
                host.strip_prefix(&*name.value).is_some_and(|rest| rest.starts_with('.'))
            }
            Address::Labels(_) => false,
        }
    }

    /// What there is to see of it. `down`: why nobody can come, whatever the endpoint.
    pub(crate) fn view(&self, down: Option<&str>) -> EndpointView {
        let wanted = self.wanted();
        let configured = &wanted.configured;
        let url = self.endpoint.url();
        let public_url = url.trim_end_matches('/').to_owned();
        let proto = public_url.split_once("://").map_or("", |(scheme, _)| scheme);
        let trouble = self.trouble.lock().clone().or_else(|| down.map(str::to_owned));
        EndpointView {
            name: self.name.clone(),
            id: self.id.clone(),
            proto: proto.to_owned(),
            addr: self.endpoint.upstream().to_string(),
            protocol: configured.upstream.protocol.as_str().to_owned(),
            proxy_protocol: match configured.upstream.proxy_protocol {
                ProxyProtocol::None => None,
                ProxyProtocol::V1 => Some("1".to_owned()),
                ProxyProtocol::V2 => Some("2".to_owned()),
            },
            inspect: configured.inspect && configured.kind == Kind::Http,
            pooling_enabled: configured.pooling_enabled,
            traffic_policy: wanted.spec.traffic_policy().map(ToString::to_string),
            bindings: configured.binding.iter().map(|b| b.value.to_string()).collect(),
            metadata: configured.metadata.clone(),
            description: configured.description.clone(),
            handlers: wanted.spec.kinds().map(str::to_owned).collect(),
            origin: self.origin,
            state: trouble.map_or(EndpointState::Online, EndpointState::Offline),
            meter: Arc::clone(&self.meter),
            public_url,
        }
    }
}

/// The host of a public URL, without its port.
pub(super) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split('/').next().unwrap_or_default();
    rest.rsplit_once(':').map_or(rest, |(host, _)| host)
}
