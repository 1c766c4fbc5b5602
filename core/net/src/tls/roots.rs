//! Whom to trust.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject as _};

use super::PemSource;

/// A set of certificate authorities, by where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// The public authorities that come with this program (Mozilla's list).
    #[default]
    Trusted,
    /// The system's own. Fact: the variables `SSL_CERT_FILE` and `SSL_CERT_DIR` replace them.
    Host,
    /// A PEM file.
    File(PathBuf),
    /// PEM text.
    Pem(Bytes),
}

/// A set of authorities could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootsError {
    /// The file cannot be read.
    #[error("could not read the CA file {from}")]
    Read {
        /// Which file.
        from: PemSource,
        /// What the system said.
        source: io::Error,
    },
    /// The text has no certificate.
    #[error("no certificate in {from}; it must hold \"-----BEGIN CERTIFICATE-----\" blocks")]
    Empty {
        /// Which text.
        from: PemSource,
    },
    /// The text is not PEM.
    #[error("{from} is not valid PEM: {reason}")]
    Pem {
        /// Which text.
        from: PemSource,
        /// What is wrong with it.
        reason: pem::Error,
    },
    /// A certificate cannot serve as an authority.
    #[error("certificate {index} in {from} is not usable as a certificate authority")]
    Unusable {
        /// Which text.
        from: PemSource,
        /// Which certificate of it, counted from 1.
        index: usize,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The system has none, or none that could be read.
    #[error(
        "the system has no usable certificate authorities{detail}; install its CA package or name a PEM file"
    )]
    HostEmpty {
        /// What went wrong while looking, empty if nothing did.
        detail: String,
    },
}

impl Roots {
    /// Takes what a user wrote: `trusted`, `host`, or the path of a PEM file.
    pub fn from_config(value: &str) -> Self {
        match value {
            "trusted" => Self::Trusted,
            "host" => Self::Host,
            other => match PemSource::from_text_or_path(other) {
                PemSource::File(path) => Self::File(path),
                PemSource::Text(text) => Self::Pem(text),
            },
        }
    }

    /// Loads the authorities. Reads files: not for a thread that must not block.
    ///
    /// # Errors
    ///
    /// See [`RootsError`]; each names the file.
    pub fn load(&self) -> Result<RootCertStore, RootsError> {
        match self {
            Self::Trusted => Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }),
            Self::Host => host(),
            Self::File(path) => parse(PemSource::File(path.clone())),
            Self::Pem(text) => parse(PemSource::Text(text.clone())),
        }
    }
}

fn host() -> Result<RootCertStore, RootsError> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "could not load a system certificate");
    }
    let mut store = RootCertStore::empty();
    // Systems carry certificates that cannot be parsed; the others are still good.
    let (n_added, _ignored) = store.add_parsable_certificates(found.certs);
    if n_added == 0 {
        let detail = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
        return Err(RootsError::HostEmpty { detail });
    }
    Ok(store)
}

fn parse(from: PemSource) -> Result<RootCertStore, RootsError> {
    let text = match from.read() {
        Ok(text) => text,
        Err(source) => return Err(RootsError::Read { from, source }),
    };
    let mut store = RootCertStore::empty();
    for (n, cert) in CertificateDer::pem_slice_iter(&text).enumerate() {
        let cert = match cert {
            Ok(cert) => cert,
            Err(reason) => return Err(RootsError::Pem { from: from.clone(), reason }),
        };
        if let Err(source) = store.add(cert) {
            return Err(RootsError::Unusable { from: from.clone(), index: n + 1, source });
        }
    }
    if store.is_empty() {
        return Err(RootsError::Empty { from: from.clone() });
    }
    Ok(store)
}
