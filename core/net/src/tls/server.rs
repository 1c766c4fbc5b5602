//! Configurations for accepting.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{
    ResolvesServerCert, ServerSessionMemoryCache, VerifierBuilderError, WebPkiClientVerifier,
};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::PemSource;
use super::identity::{self, IdentityError};
use crate::limits::TLS_SESSION_CACHE;

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

/// Whether clients show a certificate.
#[derive(Clone, Debug, Default)]
pub enum ClientAuth {
    /// None is asked for.
    #[default]
    None,
    /// One may be shown; it must then be vouched for by these authorities.
    Optional(RootCertStore),
    /// One must be shown that these authorities vouch for.
    Required(RootCertStore),
}

/// What an accepting side allows.
#[derive(Clone, Debug)]
pub struct Options {
    /// Protocols that we speak, in our order of preference. Empty: no ALPN.
    pub alpn: Vec<Vec<u8>>,
    /// Client certificates.
    pub client_auth: ClientAuth,
    /// The oldest version.
    pub min: TlsVersion,
    /// The newest version.
    pub max: TlsVersion,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            alpn: Vec::new(),
            client_auth: ClientAuth::None,
            min: TlsVersion::V1_2,
            max: TlsVersion::V1_3,
        }
    }
}

impl Options {
    /// Protocols that we speak, in our order of preference.
    pub fn alpn(mut self, alpn: &[&[u8]]) -> Self {
        self.alpn = super::to_vecs(alpn);
        self
    }

    /// Client certificates.
    pub fn client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.client_auth = client_auth;
        self
    }
}

/// A configuration could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerConfigError {
    /// The certificate or its key.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The oldest allowed version is newer than the newest.
    #[error("minimum TLS version is above the maximum; swap them")]
    NoVersion,
    /// The authorities for client certificates are unusable.
    #[error("could not use the certificate authorities for clients")]
    ClientAuth {
        /// What is wrong with them.
        source: VerifierBuilderError,
    },
    /// The system gave no random bytes for the ticket key.
    #[error("could not make a session ticket key")]
    Tickets {
        /// What went wrong.
        source: rustls::Error,
    },
}

/// A configuration with one certificate.
///
/// # Errors
///
/// See [`ServerConfigError`].
pub fn from_pem(
    cert: &PemSource,
    key: &PemSource,
    options: Options,
) -> Result<Arc<ServerConfig>, ServerConfigError> {
    from_resolver(identity::always(identity::load(cert, key)?), options)
}

/// A configuration that asks `resolver` for the certificate of each connection.
///
/// Clients resume with stateless tickets, whose keys rotate and are this configuration's own: a
/// session of one configuration, with its rules for client certificates, is no good in another.
///
/// # Errors
///
/// See [`ServerConfigError`].
pub fn from_resolver(
    resolver: Arc<dyn ResolvesServerCert>,
    options: Options,
) -> Result<Arc<ServerConfig>, ServerConfigError> {
    let provider = super::provider();
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(versions(options.min, options.max)?)
        .expect("aws-lc-rs has cipher suites for TLS 1.2 and 1.3");
    let verifier = |roots: RootCertStore| {
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
    };
    let builder = match options.client_auth {
        ClientAuth::None => builder.with_no_client_auth(),
        ClientAuth::Optional(roots) => builder.with_client_cert_verifier(
            verifier(roots)
                .allow_unauthenticated()
                .build()
                .map_err(|source| ServerConfigError::ClientAuth { source })?,
        ),
        ClientAuth::Required(roots) => builder.with_client_cert_verifier(
            verifier(roots).build().map_err(|source| ServerConfigError::ClientAuth { source })?,
        ),
    };
    let mut config = builder.with_cert_resolver(resolver);
    config.alpn_protocols = options.alpn;
    config.ticketer = Ticketer::new().map_err(|source| ServerConfigError::Tickets { source })?;
    config.session_storage = ServerSessionMemoryCache::new(TLS_SESSION_CACHE);
    // Ours: one ticket per connection instead of two, which is one encryption and some hundred
    // bytes less for each new connection; a client that opens several at once resumes the first.
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

fn versions(
    min: TlsVersion,
    max: TlsVersion,
) -> Result<&'static [&'static SupportedProtocolVersion], ServerConfigError> {
    static ONLY_12: [&SupportedProtocolVersion; 1] = [&TLS12];
    static ONLY_13: [&SupportedProtocolVersion; 1] = [&TLS13];
    static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    match (min, max) {
        (TlsVersion::V1_2, TlsVersion::V1_2) => Ok(&ONLY_12),
        (TlsVersion::V1_3, TlsVersion::V1_3) => Ok(&ONLY_13),
        (TlsVersion::V1_2, TlsVersion::V1_3) => Ok(&BOTH),
        (TlsVersion::V1_3, TlsVersion::V1_2) => Err(ServerConfigError::NoVersion),
    }
}
