//! `terminate-tls`: ends the visitor's TLS on this side.
//!
//! With the certificate and key in its options, or with those of this side. Client certificates are
//! demanded and verified where authorities are given.

use std::{fmt, sync::Arc};

use adit_chain::{
    BoxError, BoxHandler, BuildCx, BuildError, Conn, Handler, Needs, OnConnect, TlsMode,
};
use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ResolvesServerCert, ServerSessionMemoryCache, WebPkiClientVerifier},
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde::{Deserialize, Deserializer};
use x509_parser::prelude::{FromDer, X509Certificate};

/// TLS 1.2 sessions that can be resumed by id; tickets need no memory.
const MAX_SESSIONS: usize = 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    server_certificate: Option<String>,
    server_private_key: Option<String>,
    #[serde(default)]
    mutual_tls_certificate_authorities: Vec<String>,
    #[serde(default = "oldest")]
    min_version: Version,
    #[serde(default = "newest")]
    max_version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    Tls12,
    Tls13,
}

fn oldest() -> Version {
    Version::Tls12
}

fn newest() -> Version {
    Version::Tls13
}

impl<'de> Deserialize<'de> for Version {
    /// From text or a number: `1.3` without quotes is a number in YAML.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = serde_json::Value::deserialize(deserializer)?;
        let text = written.as_str().map_or_else(|| written.to_string(), str::to_owned);
        match text.as_str() {
            "1.2" => Ok(Self::Tls12),
            "1.3" => Ok(Self::Tls13),
            _ => Err(serde::de::Error::custom(format!(
                "TLS {text} is not supported; 1.2 and 1.3 are"
            ))),
        }
    }
}

pub(crate) fn build(options: Options, cx: &BuildCx) -> Result<BoxHandler, BuildError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let versions = versions(options.min_version, options.max_version)?;
    let broken = |error: rustls::Error| BuildError::new(error.to_string());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions)
        .map_err(broken)?;
    let is_mutual = !options.mutual_tls_certificate_authorities.is_empty();
    let builder = match client_roots(&options.mutual_tls_certificate_authorities)? {
        None => builder.with_no_client_auth(),
        Some(roots) => {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            let verifier = verifier
                .build()
                .map_err(|error| BuildError::new(error.to_string()).at([AUTHORITIES]))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_cert_resolver(certificates(&options, &provider, cx)?);
    if cx.endpoint.protocol.is_http() {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    }
    config.session_storage = ServerSessionMemoryCache::new(MAX_SESSIONS);
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(broken)?;
    let config = Arc::new(config);
    let mode = if is_mutual { TlsMode::Mutual(config) } else { TlsMode::Here(config) };
    Ok(BoxHandler::new(TerminateTls { mode }))
}

const AUTHORITIES: &str = "mutual_tls_certificate_authorities";
const CERTIFICATE: &str = "server_certificate";
const KEY: &str = "server_private_key";

fn versions(
    min: Version,
    max: Version,
) -> Result<Vec<&'static SupportedProtocolVersion>, BuildError> {
    if min > max {
        let message = "the oldest version is newer than max_version";
        return Err(BuildError::new(message).at(["min_version"]));
    }
    let known = [(Version::Tls12, &TLS12), (Version::Tls13, &TLS13)];
    let wanted = known.into_iter().filter(|(version, _)| (min..=max).contains(version));
    Ok(wanted.map(|(_, version)| version).collect())
}

/// The certificate and key of the options, or this side's.
fn certificates(
    options: &Options,
    provider: &CryptoProvider,
    cx: &BuildCx,
) -> Result<Arc<dyn ResolvesServerCert>, BuildError> {
    let (certificate, key) = match (&options.server_certificate, &options.server_private_key) {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, None) => {
            let message = "no certificate; give server_certificate and server_private_key";
            return cx.certificates.clone().ok_or_else(|| BuildError::new(message));
        }
        (Some(_), None) => {
            return Err(
                BuildError::new("a certificate needs its server_private_key").at([CERTIFICATE])
            );
        }
        (None, Some(_)) => {
            return Err(BuildError::new("a key needs its server_certificate").at([KEY]));
        }
    };
    let chain = pem_certificates(certificate).map_err(|error| error.at([CERTIFICATE]))?;
    let at_key = |message: String| BuildError::new(message).at([KEY]);
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| at_key("no private key in PEM form".into()))?;
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(|_| at_key("a private key of a kind that cannot be used".into()))?;
    let pair = CertifiedKey::new(chain, key);
    match pair.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(rustls::Error::InconsistentKeys(_)) => {
            return Err(at_key("the key does not belong to server_certificate".into()));
        }
        Err(error) => return Err(BuildError::new(error.to_string()).at([CERTIFICATE])),
    }
    Ok(Arc::new(SingleCertAndKey::from(pair)))
}

fn pem_certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, BuildError> {
    let certificates =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let certificates =
        certificates.map_err(|error| BuildError::new(format!("bad PEM: {error}")))?;
    if certificates.is_empty() {
        return Err(BuildError::new("no certificate in PEM form"));
    }
    Ok(certificates)
}

/// Who may vouch for visitors; `None` if nobody has to.
fn client_roots(pems: &[String]) -> Result<Option<RootCertStore>, BuildError> {
    let mut roots = RootCertStore::empty();
    for (i, pem) in pems.iter().enumerate() {
        let at = |error: BuildError| error.at([AUTHORITIES.to_owned(), i.to_string()]);
        for certificate in pem_certificates(pem).map_err(at)? {
            if !is_authority(&certificate) {
                return Err(at(BuildError::new("not the certificate of an authority")));
            }
            roots.add(certificate).map_err(|error| at(BuildError::new(error.to_string())))?;
        }
    }
    Ok((!roots.is_empty()).then_some(roots))
}

fn is_authority(certificate: &CertificateDer<'_>) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    certificate.is_ca()
}

struct TerminateTls {
    mode: TlsMode,
}

impl Handler for TerminateTls {
    fn needs(&self) -> Needs {
        Needs::CONNECT
    }

    async fn on_connect(&self, _: &Arc<Conn>) -> Result<OnConnect, BoxError> {
        Ok(OnConnect::Terminate(self.mode.clone()))
    }
}

impl fmt::Debug for TerminateTls {
    /// Not the configuration: it knows the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TerminateTls")
    }
}

#[cfg(test)]
mod tests;
