//! The edge inside the agent's process, for machines that have no other.

use std::{net::IpAddr, sync::Arc, time::Duration};

use adit_agent::Builder;
use adit_chain::Registry;
use adit_config::{
    Config,
    endpoint::{Address, Asked},
    endpoint_url::Scheme,
    file::TerminateAt,
};
use adit_edge::{Edge, EmbeddedAccounts, Settings, StartError, ca::CaError};
use anyhow::{Result, anyhow};
use tracing::warn;

use crate::edge::default_state_dir;

/// How long its connections may go on: the agent has drained before.
const GRACE: Duration = Duration::from_millis(100);

/// Ports that are tried first, so that a URL stays the same from run to run.
const HTTP_PORT: u16 = 7080;
const TLS_PORT: u16 = 7443;

/// An edge on loopback, joined to the agent by an in-memory pipe.
pub(crate) struct Embedded {
    edge: Arc<Edge>,
}

impl Embedded {
    pub(crate) async fn start(registry: Registry) -> Result<Self> {
        let accounts = Arc::new(EmbeddedAccounts::default());
        let mut settings = Settings::embedded();
        settings.state_dir = default_state_dir().ok();
        let edge = match Self::start_with(&settings, &registry, &accounts).await {
            // Many containers have no home that can be written. Only visitors who were told to
            // trust the authority of before miss it.
            Err(error @ (StartError::State(_) | StartError::Ca(CaError::State(_)))) => {
                let err = format!("{:#}", anyhow!(error));
                warn!(obj = "edge", err, "the authority of this edge is gone when it ends");
                settings.state_dir = None;
                Self::start_with(&settings, &registry, &accounts).await?
            }
            started => started?,
        };
        Ok(Self { edge: Arc::new(edge) })
    }

    async fn start_with(
        settings: &Settings,
        registry: &Registry,
        accounts: &Arc<EmbeddedAccounts>,
    ) -> Result<Edge, StartError> {
        let usual = Settings {
            http: settings.http.map(|addr| (addr.ip(), HTTP_PORT).into()),
            tls: settings.tls.map(|addr| (addr.ip(), TLS_PORT).into()),
            ..settings.clone()
        };
        match Box::pin(Edge::start(usual, registry.clone(), accounts.clone())).await {
            // Somebody else has the ports: any others will do.
            Err(StartError::Bind(_) | StartError::Listen(_)) => {
                Box::pin(Edge::start(settings.clone(), registry.clone(), accounts.clone())).await
            }
            started => started,
        }
    }

    /// Leads the agent to it.
    pub(crate) fn attach(&self, builder: Builder) -> Result<Builder> {
        let edge = Arc::clone(&self.edge);
        let builder = builder.certificates(self.edge.certificates());
        Ok(builder.link(move || Ok(edge.join())))
    }

    /// Nobody but this machine can reach it, and names under `.localhost` have no public
    /// certificates: an endpoint that chooses neither a scheme, nor who terminates, nor whose
    /// certificates visitors must have, gets `http`.
    pub(crate) fn adapt(config: &mut Config) {
        for endpoint in &mut config.endpoints {
            if endpoint.scheme == Asked::No
                && endpoint.tls.at == TerminateAt::Edge
                && endpoint.tls.client_cas.is_empty()
                && let Address::Urls(urls) = &mut endpoint.address
                && let [url] = urls.as_mut_slice()
                && url.scheme == Scheme::Https
                && url.host.is_none()
            {
                url.scheme = Scheme::Http;
            }
        }
    }

    /// Tells of names that lead elsewhere, as those do that belong to an account at a service.
    pub(crate) fn tell_foreign(config: &Config) {
        for endpoint in &config.endpoints {
            let Address::Urls(urls) = &endpoint.address else { continue };
            let mut hosts = urls.iter().filter_map(|url| url.host.as_deref());
            if let Some(host) = hosts.find(|host| !is_here(host)) {
                let name = endpoint.name.as_str();
                warn!(
                    obj = "edge",
                    name,
                    host,
                    "this host does not lead here: the edge is embedded; connect_url names another"
                );
            }
        }
    }

    pub(crate) async fn shutdown(self) {
        if let Ok(edge) = Arc::try_unwrap(self.edge) {
            let drained = edge.shutdown(GRACE).await;
            tracing::debug!(?drained, "embedded edge stopped");
        }
    }
}

/// Whether a name leads to this machine, or to no visitor at all.
fn is_here(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    matches!(last, "localhost" | "internal")
        || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use adit_config::{Layers, file::File};

    use super::*;

    fn schemes(endpoint: &str) -> Vec<Scheme> {
        let text = format!("version: 2\ntunnels:\n  a: {{proto: http, addr: 80, {endpoint}}}\n");
        let files = vec![File::parse("adit.yml", text.as_bytes())];
        let mut config = Layers { files, ..Layers::default() }.resolve().unwrap();
        Embedded::adapt(&mut config);
        config.endpoints[0].schemes()
    }

    #[test]
    fn only_who_asks_for_nothing_of_tls_gets_none() {
        assert_eq!(schemes(""), [Scheme::Http]);
        assert_eq!(schemes("domain: a.localhost"), [Scheme::Https]);
        for asks in
            ["url: 'https://'", "schemes: [https]", "terminate_at: agent", "mutual_tls_cas: ca.pem"]
        {
            assert_eq!(schemes(asks), [Scheme::Https], "{asks}");
        }
    }

    #[test]
    fn names_of_this_machine_and_of_no_visitor_lead_here() {
        for (host, leads_here) in [
            ("app.localhost", true),
            ("localhost", true),
            ("api.internal", true),
            ("127.0.0.1", true),
            ("::1", true),
            ("192.0.2.1", false),
            ("localhost.example.com", false),
        ] {
            assert_eq!(is_here(host), leads_here, "{host}");
        }
    }
}
