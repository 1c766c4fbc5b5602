//! Certificates for services and visitors.

use std::sync::Arc;

use bytes::Bytes;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

/// A certificate with its key, and the authority that issued it and nothing else.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate, PEM.
    pub cert: String,
    /// Its key, PEM.
    pub key: String,
    /// The authority's certificate, PEM.
    pub root: String,
}

impl Identity {
    /// Makes one for a name or an IP address.
    ///
    /// # Panics
    /// If the name is none.
    pub fn new(name: &str) -> Self {
        let mut root = CertificateParams::default();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root = CertifiedIssuer::self_signed(root, key()).expect("the parameters are good");
        let mut leaf = CertificateParams::new([name.to_owned()]).expect("a DNS name or an IP");
        leaf.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let leaf_key = key();
        let cert = leaf.signed_by(&leaf_key, &root).expect("the parameters are good");
        Self { cert: cert.pem(), key: leaf_key.serialize_pem(), root: root.pem() }
    }

    /// Serves as this.
    ///
    /// # Panics
    /// Never: the pair fits.
    pub fn server(&self, alpn: &[&[u8]]) -> Arc<ServerConfig> {
        let (chain, key) = self.pair();
        let mut config = ServerConfig::builder_with_provider(Arc::clone(adit_net::tls::provider()))
            .with_safe_default_protocol_versions()
            .expect("there are cipher suites")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("key and certificate fit");
        config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
        Arc::new(config)
    }

    /// Visits as this, and trusts these roots.
    ///
    /// # Panics
    /// Never: the pair fits.
    pub fn client(&self, roots: RootCertStore) -> Arc<ClientConfig> {
        let (chain, key) = self.pair();
        let config = ClientConfig::builder_with_provider(Arc::clone(adit_net::tls::provider()))
            .with_safe_default_protocol_versions()
            .expect("there are cipher suites")
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .expect("key and certificate fit");
        Arc::new(config)
    }

    fn pair(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let chain = CertificateDer::from_pem_slice(self.cert.as_bytes()).expect("our own PEM");
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("our own PEM");
        (vec![chain], key)
    }
}

/// The roots of some PEM text.
///
/// # Panics
/// If there are none.
pub fn roots(pem: &str) -> RootCertStore {
    let pem = Bytes::copy_from_slice(pem.as_bytes());
    adit_net::tls::Roots::Pem(pem).load().expect("PEM with certificates")
}

fn key() -> KeyPair {
    KeyPair::generate().expect("the system has random bytes")
}
