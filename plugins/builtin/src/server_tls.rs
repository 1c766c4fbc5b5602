//! TLS that ends on this side: the server's configuration, from certificates in PEM form.

mod any_client;

use std::sync::Arc;

use adit_chain::TlsMode;
use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{
        NoClientAuth, ResolvesServerCert, ServerSessionMemoryCache, WebPkiClientVerifier,
        danger::ClientCertVerifier,
    },
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use x509_parser::prelude::{FromDer, X509Certificate};

use self::any_client::AnyClient;

/// TLS 1.2 sessions that can be resumed by id; tickets need no memory.
const MAX_SESSIONS: usize = 1024;

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.2
    Tls12,
    /// 1.3
    Tls13,
}

impl Version {
    /// Reads `1.2` or `1.3`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "1.2" => Some(Self::Tls12),
            "1.3" => Some(Self::Tls13),
            _ => None,
        }
    }
}

/// What visitors have to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// A certificate that one of the authorities vouches for; nothing, where there are none.
    #[default]
    RequireAndVerify,
    /// Any certificate whose key they have.
    RequireAny,
    /// As before, or none.
    Request,
}

/// How visitors' TLS ends.
#[derive(Clone)]
pub struct ServerTls {
    /// Certificate, with the chain above it, and key, both PEM. `None`: those of this side.
    pub identity: Option<Identity>,
    /// Who may vouch for visitors, PEM.
    pub authorities: Vec<String>,
    /// What visitors have to show.
    pub client_auth: ClientAuth,
    /// The oldest version that is spoken.
    pub min_version: Version,
    /// The newest.
    pub max_version: Version,
    /// The application protocols to choose from; none for those that do not choose.
    pub alpn: Vec<Vec<u8>>,
}

/// A certificate, with the chain above it, and its key, both PEM.
#[derive(Clone)]
pub struct Identity {
    /// Leaf first.
    pub certificate: String,
    /// Of the leaf.
    pub private_key: String,
}

impl Default for ServerTls {
    fn default() -> Self {
        Self {
            identity: None,
            authorities: Vec::new(),
            client_auth: ClientAuth::default(),
            min_version: Version::Tls12,
            max_version: Version::Tls13,
            alpn: Vec::new(),
        }
    }
}

/// TLS cannot be set up so. Says nothing of keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// What stands for an authority is none.
    #[error("{reason}")]
    Authority {
        /// Which.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate cannot be used.
    #[error("{0}")]
    Certificate(String),
    /// There is none, neither given nor on this side.
    #[error("no certificate; give server_certificate and server_private_key")]
    NoCertificate,
    /// The key cannot be used.
    #[error("{0}")]
    PrivateKey(String),
    /// No version is left.
    #[error("the oldest version is newer than max_version")]
    Versions,
    /// It is something else.
    #[error("{0}")]
    Other(String),
}

impl From<rustls::Error> for SetupError {
    fn from(error: rustls::Error) -> Self {
        Self::Other(error.to_string())
    }
}

impl ServerTls {
    /// What `http` and `https` endpoints choose from.
    pub fn http_alpn() -> Vec<Vec<u8>> {
        vec![b"h2".to_vec(), b"http/1.1".to_vec()]
    }

    /// Makes the configuration; `own` are the certificates of this side.
    ///
    /// # Errors
    /// It cannot be set up so.
    pub fn build(&self, own: Option<&Arc<dyn ResolvesServerCert>>) -> Result<TlsMode, SetupError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions()?)?
            .with_client_cert_verifier(self.verifier(&provider)?)
            .with_cert_resolver(self.certificates(&provider, own)?);
        config.alpn_protocols.clone_from(&self.alpn);
        config.session_storage = ServerSessionMemoryCache::new(MAX_SESSIONS);
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        let config = Arc::new(config);
        Ok(if self.demands_certificate() { TlsMode::Mutual(config) } else { TlsMode::Here(config) })
    }

    fn demands_certificate(&self) -> bool {
        match self.client_auth {
            ClientAuth::RequireAndVerify => !self.authorities.is_empty(),
            ClientAuth::RequireAny => true,
            ClientAuth::Request => false,
        }
    }

    fn versions(&self) -> Result<Vec<&'static SupportedProtocolVersion>, SetupError> {
        let known = [(Version::Tls12, &TLS12), (Version::Tls13, &TLS13)];
        let wanted = self.min_version..=self.max_version;
        let wanted = known.into_iter().filter(|(version, _)| wanted.contains(version));
        let wanted: Vec<_> = wanted.map(|(_, version)| version).collect();
        if wanted.is_empty() { Err(SetupError::Versions) } else { Ok(wanted) }
    }

    /// Who looks at what visitors show.
    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, SetupError> {
        let roots = self.roots()?;
        let is_mandatory = match self.client_auth {
            ClientAuth::RequireAndVerify if roots.is_empty() => return Ok(Arc::new(NoClientAuth)),
            ClientAuth::RequireAndVerify => {
                let provider = Arc::clone(provider);
                let roots = Arc::new(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                return verifier.map_err(|error| SetupError::Other(error.to_string()));
            }
            ClientAuth::RequireAny => true,
            ClientAuth::Request => false,
        };
        Ok(Arc::new(AnyClient::new(provider, roots.subjects(), is_mandatory)))
    }

    fn roots(&self) -> Result<RootCertStore, SetupError> {
        let mut roots = RootCertStore::empty();
        for (index, pem) in self.authorities.iter().enumerate() {
            let wrong = |reason: String| SetupError::Authority { index, reason };
            for certificate in certificates(pem).map_err(wrong)? {
                if !is_authority(&certificate) {
                    return Err(wrong("not the certificate of an authority".into()));
                }
                roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
            }
        }
        Ok(roots)
    }

    fn certificates(
        &self,
        provider: &CryptoProvider,
        own: Option<&Arc<dyn ResolvesServerCert>>,
    ) -> Result<Arc<dyn ResolvesServerCert>, SetupError> {
        match &self.identity {
            Some(identity) => Ok(Arc::new(SingleCertAndKey::from(identity.load(provider)?))),
            None => own.cloned().ok_or(SetupError::NoCertificate),
        }
    }
}

impl Identity {
    fn load(&self, provider: &CryptoProvider) -> Result<CertifiedKey, SetupError> {
        let wrong_key = |message: &str| SetupError::PrivateKey(message.into());
        let chain = certificates(&self.certificate).map_err(SetupError::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(self.private_key.as_bytes())
            .map_err(|_| wrong_key("no private key in PEM form"))?;
        let key = provider.key_provider.load_private_key(key);
        let key = key.map_err(|_| wrong_key("a private key of a kind that cannot be used"))?;
        let pair = CertifiedKey::new(chain, key);
        match pair.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
                Ok(pair)
            }
            Err(rustls::Error::InconsistentKeys(_)) => {
                Err(wrong_key("the key does not belong to server_certificate"))
            }
            Err(error) => Err(SetupError::Certificate(error.to_string())),
        }
    }
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|error| format!("bad PEM: {error}"))?;
    if certificates.is_empty() {
        return Err("no certificate in PEM form".into());
    }
    Ok(certificates)
}

fn is_authority(certificate: &CertificateDer<'_>) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    certificate.is_ca()
}
