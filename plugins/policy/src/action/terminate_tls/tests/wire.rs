//! Certificates, and handshakes in memory.

use std::sync::Arc;

use adit_chain::TlsMode;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, SignatureScheme,
    SupportedProtocolVersion,
    client::ResolvesClientCert,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

/// A certificate and its key, PEM.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Pair {
    /// A certificate for a host, signed with its own key.
    pub(super) fn own(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        Self { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    /// That of an authority.
    pub(super) fn authority(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
    }

    /// A certificate that this authority signs.
    pub(super) fn vouch_for(&self, name: &str) -> Self {
        let issuer_key = KeyPair::from_pem(&self.key).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&self.certificate, issuer_key).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = named(name).signed_by(&key, &issuer).unwrap();
        Self { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    pub(super) fn der(&self) -> Vec<u8> {
        self.parsed().to_vec()
    }

    fn parsed(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// What a policy made, and the certificate that visitors trust.
pub(super) struct Server {
    pub(super) mode: TlsMode,
    pub(super) pair: Pair,
}

impl Server {
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        match &self.mode {
            TlsMode::Here(config) | TlsMode::Mutual(config) => Arc::clone(config),
            TlsMode::Pass => panic!("TLS does not end here"),
        }
    }
}

pub(super) fn kind_of(mode: &TlsMode) -> &'static str {
    match mode {
        TlsMode::Here(_) => "here",
        TlsMode::Mutual(_) => "mutual",
        TlsMode::Pass => "pass",
    }
}

/// The server's side of a handshake with a visitor who has this pair, or what was wrong with it.
pub(super) fn handshake(
    server: &Server,
    identity: Option<&Pair>,
) -> Result<ServerConnection, rustls::Error> {
    handshake_in(server, identity, rustls::ALL_VERSIONS)
}

pub(super) fn handshake_in(
    server: &Server,
    identity: Option<&Pair>,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ServerConnection, rustls::Error> {
    run(server, "app.example", identity, versions)
}

/// As [`handshake`], with a visitor who asks for another name and has nothing to show.
pub(super) fn handshake_for(
    name: &str,
    server: &Server,
) -> Result<ServerConnection, rustls::Error> {
    run(server, name, None, rustls::ALL_VERSIONS)
}

fn run(
    server: &Server,
    name: &str,
    identity: Option<&Pair>,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ServerConnection, rustls::Error> {
    let client = client(&server.pair, identity, versions);
    let mut server = ServerConnection::new(server.config()).unwrap();
    let name = name.to_owned().try_into().unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    while client.wants_write() || server.wants_write() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut rest = &wire[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets()?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut rest = &wire[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    assert!(!server.is_handshaking());
    Ok(server)
}

fn client(
    trusted: &Pair,
    identity: Option<&Pair>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.parsed()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(pair) => builder.with_client_cert_resolver(Arc::new(Shows(pair.clone()))),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// Shows a certificate, whoever is welcome, and even with a key that is not its own.
#[derive(Debug)]
struct Shows(Pair);

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pair")
    }
}

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let key = PrivateKeyDer::from_pem_slice(self.0.key.as_bytes()).unwrap();
        let key = aws_lc_rs::sign::any_supported_type(&key).unwrap();
        Some(Arc::new(CertifiedKey::new(vec![self.0.parsed()], key)))
    }

    fn has_certs(&self) -> bool {
        true
    }
}
