//! Tunnels that are found by what they are called instead of by an address.

use std::{collections::BTreeMap, sync::Arc};

use adit_chain::{Chain, Endpoint, Protocol, Side};
use adit_proto::{
    ErrorCode, ErrorText,
    message::{Proto, StartTunnelWithLabel},
    options::ProxyProto,
    proxy::EdgeType,
};
use adit_runtime::{HttpVersion, Route, RouteOptions, TlsDefault};

use super::Control;
use crate::{
    address::invalid,
    paths::{AgentLeg, Paths, Reach},
    random,
    shared::Shared,
    tunnel::http_version,
    upstream::{AgentUpstream, Bounds},
};

/// A tunnel that is found by its labels.
#[derive(Debug)]
pub(crate) struct Labelled {
    pub(crate) id: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) forwards_to: String,
    pub(crate) paths: Arc<Paths>,
    version: HttpVersion,
}

impl Control {
    /// Registers a labelled tunnel, held until the agent is ready.
    pub(crate) fn start_labelled(
        &mut self,
        shared: &Shared,
        client_id: &str,
        leg: &Arc<AgentLeg>,
        start: StartTunnelWithLabel,
    ) -> Result<Arc<Labelled>, ErrorText> {
        let limits = &shared.settings.limits;
        let session = self.sessions.get_mut(client_id).filter(|session| session.has_leg(leg));
        let session = session.ok_or_else(gone)?;
        if start.labels.is_empty() || start.labels.len() > limits.labels {
            return Err(invalid(format!("A tunnel has 1 to {} labels.", limits.labels)));
        }
        if start.metadata.len() > limits.metadata_len {
            return Err(invalid(format!("Metadata has at most {} bytes.", limits.metadata_len)));
        }
        let account = &session.account;
        for (key, value) in &start.labels {
            if !account.acl.allows_label(key, value) {
                let credential = &account.credential;
                let message = format!(
                    "The rules of credential {credential} do not allow the label {key}={value}."
                );
                return Err(ErrorText::new(ErrorCode(399), message));
            }
        }
        session.room(limits)?;
        let labelled = Arc::new(Labelled {
            id: random::id("tn"),
            labels: start.labels,
            forwards_to: start.forwards_to,
            paths: Arc::new(Paths::new()),
            version: http_version(&start.forwards_proto),
        });
        labelled.paths.hold(leg);
        session.labelled.insert(labelled.id.clone(), Arc::clone(&labelled));
        Ok(labelled)
    }

    /// The tunnels of an account that have all of these labels, those soonest to be reached first.
    pub(crate) fn labelled(
        &self,
        account: &str,
        labels: &BTreeMap<String, String>,
    ) -> Vec<Arc<Labelled>> {
        let sessions = self.sessions.values().filter(|session| &*session.account.id == account);
        let all = sessions.flat_map(|session| session.labelled.values());
        let has_all = |tunnel: &&Arc<Labelled>| {
            labels.iter().all(|(key, value)| tunnel.labels.get(key) == Some(value))
        };
        let mut found: Vec<_> = all.filter(has_all).map(Arc::clone).collect();
        found.sort_by(|a, b| {
            let order =
                |tunnel: &Labelled| (tunnel.paths.reach() != Reach::Online, tunnel.id.clone());
            order(a).cmp(&order(b))
        });
        found
    }
}

impl Labelled {
    /// A route to it from a public address that the caller has.
    pub(crate) fn route(&self, shared: &Shared, url: &str, protocol: Protocol) -> Arc<Route> {
        let (proto, edge_type, tls) = match protocol {
            Protocol::Http => (Proto::Http, EdgeType::Https, TlsDefault::None),
            Protocol::Https => {
                (Proto::Https, EdgeType::Https, TlsDefault::Here(Arc::clone(&shared.tls.http)))
            }
            Protocol::Tcp => (Proto::Tcp, EdgeType::Tcp, TlsDefault::None),
            Protocol::Tls => (Proto::Tls, EdgeType::Tls, TlsDefault::Pass),
        };
        let endpoint = Arc::new(Endpoint {
            name: self.id.clone(),
            url: url.to_owned(),
            protocol,
            upstream: self.forwards_to.clone(),
            upstream_host: None,
        });
        let upstream = AgentUpstream {
            paths: Arc::clone(&self.paths),
            url: url.to_owned(),
            bind: self.id.clone(),
            proto,
            edge_type,
            proxy_proto: ProxyProto::None,
            version: self.version,
            bounds: Bounds::from(&shared.settings.limits),
        };
        let options = RouteOptions { tls, ..RouteOptions::new(Side::Edge) };
        Arc::new(Route::new(endpoint, Chain::default(), Arc::new(upstream), options))
    }
}

pub(super) fn gone() -> ErrorText {
    ErrorText::new(ErrorCode::TRANSIENT, "The session has just ended; connect again.")
}
