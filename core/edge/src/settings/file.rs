//! From the edge's configuration file to its settings.

use std::sync::Arc;

use adit_config::{Diagnostic, Diagnostics, EdgeConfig};
use adit_net::tls::PemSource;
use adit_proto::peer::HeartbeatTiming;

use super::{CertificatePair, Ports, PublicPorts, Settings, TcpPorts};
use crate::{
    account::{Account, Credential, FileAccounts},
    acl::Acl,
    limits::Limits,
};

impl From<&EdgeConfig> for Settings {
    fn from(config: &EdgeConfig) -> Self {
        let tcp = TcpPorts {
            host: String::new(),
            ip: config.tcp_addr,
            ports: config.tcp_ports.map_or(Ports::None, |ports| Ports::Range(ports.range())),
        };
        let pair = |pair: &adit_config::edge::CertificateFiles| CertificatePair {
            cert: PemSource::File(pair.cert.value.clone()),
            key: PemSource::File(pair.key.value.clone()),
        };
        Self {
            connect_names: vec![config.connect_host.to_ascii_lowercase()],
            tls: Some(config.tls_addr),
            http: config.http_addr,
            tcp,
            public: PublicPorts { tls: config.public_tls_port, http: config.public_http_port },
            certificates: config.certificates.iter().map(pair).collect(),
            state_dir: config.state_dir.as_ref().map(|dir| dir.value.clone()),
            region: config.region.clone(),
            heartbeat: HeartbeatTiming {
                interval: config.heartbeat.interval,
                tolerance: config.heartbeat.tolerance,
            },
            // As for an agent that is away: after a start all are.
            restart_wait: config.limits.detached_wait,
            limits: Limits::from(config),
            ..Self::new(config.domain.as_str())
        }
    }
}

impl FileAccounts {
    /// The tokens of a file. Each is an account of its own.
    ///
    /// # Errors
    /// Every rule that does not parse, with its place.
    pub fn from_config(config: &EdgeConfig) -> Result<Self, Diagnostics> {
        let mut wrong = Diagnostics::default();
        let mut credentials = Vec::new();
        for token in &config.tokens {
            for rule in &token.acl {
                if let Err(error) = Acl::parse([&rule.value]) {
                    wrong.push(Diagnostic::new(rule.place.clone(), error.to_string()));
                }
            }
            let acl = Acl::parse(token.acl.iter().map(|rule| &rule.value));
            let id: Arc<str> = token.id.as_str().into();
            let account = Account {
                id: Arc::clone(&id),
                credential: id,
                name: match token.description.as_str() {
                    "" => token.id.clone(),
                    description => description.to_owned(),
                },
                acl: match (acl, token.acl.last()) {
                    (Ok(acl), _) => acl,
                    (Err(error), Some(rule)) if wrong.is_empty() => {
                        wrong.push(Diagnostic::new(rule.place.clone(), error.to_string()));
                        continue;
                    }
                    (Err(_), _) => continue, // reported above, rule by rule
                },
                max_sessions: token
                    .max_sessions
                    .map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX)),
                max_binds: config.limits.binds_per_session,
            };
            credentials.push(Credential { hash: token.hash, account });
        }
        wrong.into_result(Self::new(credentials))
    }
}
