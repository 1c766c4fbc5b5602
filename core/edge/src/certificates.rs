//! Which certificate a name gets: a configured one, or a leaf of the local CA made on demand.

mod flaws;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use adit_net::tls::identity;
use parking_lot::Mutex;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _, time::ASN1Time,
};

use self::flaws::flaws;
use crate::{
    ca::{Ca, CaError, Issued, LEAF_LIFE},
    edge::StartError,
    settings::Settings,
    state::StateDir,
};

/// Leaves that are kept. One is about 1 KiB; making one again costs some 100 µs.
const MAX_LEAVES: usize = 1024;

/// Certificates of this edge.
pub(crate) struct Certificates {
    configured: Vec<Configured>,
    local: Option<Local>,
}

struct Configured {
    /// DNS names of the leaf, lower case, wildcards included.
    names: Vec<String>,
    key: Arc<CertifiedKey>,
}

struct Local {
    ca: Ca,
    domain: String,
    connect: Vec<String>,
    leaves: Mutex<HashMap<Subject, Kept>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Name(String),
    /// For clients that name nobody: they came to this address.
    Ip(IpAddr),
}

struct Kept {
    key: Arc<CertifiedKey>,
    made: Instant,
}

impl Certificates {
    /// Loads the configured pairs; without any, opens or makes the local CA.
    pub(crate) fn open(settings: &Settings, state: &StateDir) -> Result<Self, StartError> {
        let mut configured = Vec::new();
        for pair in &settings.certificates {
            let key = identity::load(&pair.cert, &pair.key)?;
            let names = names_of(&key);
            let leaf = key.cert.first();
            for flaw in leaf.map(|leaf| flaws(leaf, ASN1Time::now())).unwrap_or_default() {
                tracing::warn!(cert = %pair.cert, flaw, "agents and visitors will refuse this certificate");
            }
            configured.push(Configured { names, key });
        }
        let local = if configured.is_empty() {
            let mut connect = settings.connect_names.clone();
            connect.extend([settings.connect_name(), settings.domain.clone()]);
            connect.sort();
            connect.dedup();
            let leaves = Mutex::default();
            Some(Local { ca: Ca::open(state)?, domain: settings.domain.clone(), connect, leaves })
        } else {
            None
        };
        Ok(Self { configured, local })
    }

    /// Whether a configured certificate names this host. Leaves of the local CA do not count:
    /// nobody outside has confirmed them.
    pub(crate) fn covers(&self, host: &str) -> bool {
        self.of_configured(host).is_some()
    }

    /// Whether visitors of this name are shown a certificate of the edge.
    pub(crate) fn has(&self, host: &str) -> bool {
        self.local.is_some() || self.covers(host)
    }

    /// Whether there is a certificate for a name below the domain that nobody serves.
    pub(crate) fn can_answer(&self, host: &str) -> bool {
        let below = |local: &Local| {
            host == local.domain
                || host.strip_suffix(&local.domain).is_some_and(|rest| rest.ends_with('.'))
        };
        self.covers(host) || self.local.as_ref().is_some_and(below)
    }

    /// The certificate for a name that this edge serves.
    pub(crate) fn for_name(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        if let Some(key) = self.of_configured(host) {
            return Some(Arc::clone(key));
        }
        self.local.as_ref()?.leaf(Subject::Name(host.to_owned()))
    }

    /// The certificate for clients that send no name.
    pub(crate) fn for_ip(&self, ip: IpAddr) -> Option<Arc<CertifiedKey>> {
        match &self.local {
            Some(local) => local.leaf(Subject::Ip(ip.to_canonical())),
            None => self.configured.first().map(|first| Arc::clone(&first.key)),
        }
    }

    /// The local CA's root, if there is one.
    pub(crate) fn ca_pem(&self) -> Option<&str> {
        self.local.as_ref().map(|local| local.ca.pem())
    }

    /// A certificate of the local CA for somebody else's use.
    pub(crate) fn issue(&self, name: &str) -> Option<Result<Issued, CaError>> {
        let ca = &self.local.as_ref()?.ca;
        Some(ca.issue(&[name.to_owned()], &[]).map(|leaf| leaf.to_pem(ca)))
    }

    fn of_configured(&self, host: &str) -> Option<&Arc<CertifiedKey>> {
        let exact = self.configured.iter().find(|c| c.names.iter().any(|name| name == host));
        // Fact: RFC 6125 lets a wildcard stand for one label.
        let parent = host.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        let wild = || {
            let parent = parent.as_deref()?;
            self.configured.iter().find(|c| c.names.iter().any(|name| name == parent))
        };
        exact.or_else(wild).map(|configured| &configured.key)
    }
}

impl Local {
    fn leaf(&self, subject: Subject) -> Option<Arc<CertifiedKey>> {
        let fresh = Duration::from_secs(LEAF_LIFE.unsigned_abs() / 2);
        let mut leaves = self.leaves.lock();
        if let Some(kept) = leaves.get(&subject)
            && kept.made.elapsed() < fresh
        {
            return Some(Arc::clone(&kept.key));
        }
        let made = match &subject {
            Subject::Name(name) => self.ca.issue(std::slice::from_ref(name), &[]),
            Subject::Ip(ip) => {
                let mut names = self.connect.clone();
                names.push("localhost".to_owned());
                self.ca.issue(&names, &[*ip])
            }
        };
        let key = match made.and_then(|leaf| leaf.to_certified()) {
            Ok(key) => key,
            Err(error) => {
                tracing::warn!(?subject, %error, "could not issue a certificate");
                return None;
            }
        };
        if leaves.len() >= MAX_LEAVES {
            // Which one goes matters little: it is made again when it is asked for.
            let victim = leaves.keys().next().cloned();
            victim.and_then(|victim| leaves.remove(&victim));
        }
        leaves.insert(subject, Kept { key: Arc::clone(&key), made: Instant::now() });
        Some(key)
    }
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.configured.iter().flat_map(|c| &c.names).collect();
        f.debug_struct("Certificates")
            .field("configured", &names)
            .field("local", &self.local.is_some())
            .finish()
    }
}

/// Asks [`Certificates`] by server name. Which names may be asked for is decided before the
/// handshake, when the hello is looked at.
#[derive(Debug)]
pub(crate) struct ByName(pub(crate) Arc<Certificates>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name()?.to_ascii_lowercase();
        self.0.for_name(name.strip_suffix('.').unwrap_or(&name))
    }
}

/// As [`ByName`], for clients that may send no name.
#[derive(Debug)]
pub(crate) struct ByAddress {
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) ip: IpAddr,
}

impl ResolvesServerCert for ByAddress {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        match hello.server_name() {
            Some(name) => self.certificates.for_name(&name.to_ascii_lowercase()),
            None => self.certificates.for_ip(self.ip),
        }
    }
}

fn names_of(key: &CertifiedKey) -> Vec<String> {
    let Some(leaf) = key.cert.first() else { return Vec::new() };
    let Ok((_, leaf)) = X509Certificate::from_der(leaf) else { return Vec::new() };
    let Ok(Some(alternatives)) = leaf.subject_alternative_name() else { return Vec::new() };
    let names = alternatives.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use adit_net::tls::PemSource;

    use super::*;
    use crate::settings::CertificatePair;

    fn configured(names: &[&str]) -> Certificates {
        let ca = Ca::open(&StateDir::default()).unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let issued = ca.issue(&names, &[]).unwrap().to_pem(&ca);
        let mut settings = Settings::new("edge.test");
        settings.certificates = vec![CertificatePair {
            cert: PemSource::from_text_or_path(&issued.chain_pem),
            key: PemSource::from_text_or_path(&issued.key_pem),
        }];
        Certificates::open(&settings, &StateDir::default()).unwrap()
    }

    #[test]
    fn a_configured_wildcard_covers_one_label() {
        let certificates = configured(&["*.edge.test", "app.example"]);
        assert!(certificates.covers("a.edge.test"));
        assert!(certificates.covers("app.example"));
        assert!(!certificates.covers("a.b.edge.test"));
        assert!(!certificates.covers("edge.test"));
        assert!(certificates.has("*.edge.test"));
        assert!(!certificates.has("a.b.edge.test"));
        assert!(certificates.for_name("other.example").is_none());
        assert!(certificates.for_ip([127, 0, 0, 1].into()).is_some());
        assert!(certificates.ca_pem().is_none());
    }

    #[test]
    fn the_local_authority_makes_each_leaf_once_and_keeps_a_bounded_number() {
        let settings = Settings::new("edge.test");
        let certificates = Certificates::open(&settings, &StateDir::default()).unwrap();
        let first = certificates.for_name("a.edge.test").unwrap();
        let again = certificates.for_name("a.edge.test").unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(!certificates.covers("a.edge.test"));
        assert!(certificates.has("a.b.edge.test"));
        assert!(certificates.can_answer("b.edge.test"));
        assert!(!certificates.can_answer("bedge.test"));
        let leaves = &certificates.local.as_ref().unwrap().leaves;
        let kept = Kept { key: first, made: Instant::now() };
        let filler =
            |n: usize| (Subject::Name(n.to_string()), Kept { key: Arc::clone(&kept.key), ..kept });
        leaves.lock().extend((0..MAX_LEAVES).map(filler));
        leaves.lock().retain(|subject, _| *subject != Subject::Name("a.edge.test".into()));
        certificates.for_name("b.edge.test").unwrap();
        assert_eq!(leaves.lock().len(), MAX_LEAVES);
    }
}
