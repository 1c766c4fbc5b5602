//! Configurations for dialling. TLS 1.2 and 1.3; no client certificate.
//!
//! Sessions are resumed per configuration, so keep and share one instead of making more.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    WantsVerifier,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::limits::TLS_SESSION_CACHE;

/// Requires a certificate for the dialled name that one of `roots` vouches for.
///
/// An empty `alpn` offers none, which is what sessions between agent and edge use.
pub fn verified(roots: RootCertStore, alpn: &[&[u8]]) -> Arc<ClientConfig> {
    finish(builder().with_root_certificates(roots).with_no_client_auth(), alpn)
}

/// Accepts any certificate. For services that the user runs and names himself; a connection is
/// encrypted, but not authenticated.
///
/// The server must still prove that it has the key of the certificate that it shows.
pub fn unverified(alpn: &[&[u8]]) -> Arc<ClientConfig> {
    let algorithms = super::provider().signature_verification_algorithms;
    let verifier = Arc::new(AnyCertificate { algorithms });
    let config =
        builder().dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    finish(config, alpn)
}

fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::clone(super::provider()))
        .with_safe_default_protocol_versions()
        .expect("aws-lc-rs has cipher suites for TLS 1.2 and 1.3")
}

fn finish(mut config: ClientConfig, alpn: &[&[u8]]) -> Arc<ClientConfig> {
    config.alpn_protocols = super::to_vecs(alpn);
    config.resumption = Resumption::in_memory_sessions(TLS_SESSION_CACHE);
    Arc::new(config)
}

#[derive(Debug)]
struct AnyCertificate {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
