//! A certificate chain with the key that belongs to it.

use std::io;
use std::sync::Arc;

use rustls::InconsistentKeys;
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::PemSource;

/// A certificate and its key could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A file cannot be read.
    #[error("could not read {what} {from}")]
    Read {
        /// `certificate` or `private key`.
        what: &'static str,
        /// Which file.
        from: PemSource,
        /// What the system said.
        source: io::Error,
    },
    /// The text is not PEM, or its content not what PEM says.
    #[error("{what} {from} is not valid: {reason}")]
    Invalid {
        /// `certificate` or `private key`.
        what: &'static str,
        /// Which text.
        from: PemSource,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no certificate.
    #[error("no certificate in {from}; it must begin with \"-----BEGIN CERTIFICATE-----\"")]
    NoCertificate {
        /// Which text.
        from: PemSource,
    },
    /// There is no key.
    #[error(
        "no private key in {from}; it must hold a \"-----BEGIN PRIVATE KEY-----\" block (RSA and EC PRIVATE KEY work as well)"
    )]
    NoKey {
        /// Which text.
        from: PemSource,
    },
    /// The key is encrypted.
    #[error("private key {from} is encrypted; decrypt it with \"openssl pkey -in KEY -out PLAIN\"")]
    EncryptedKey {
        /// Which text.
        from: PemSource,
    },
    /// Both are good, but not for each other.
    #[error(
        "private key {key} does not belong to certificate {cert}; the first certificate must be the one that the key was made for"
    )]
    Mismatch {
        /// The certificate.
        cert: PemSource,
        /// The key.
        key: PemSource,
    },
}

const CERTIFICATE: &str = "certificate";
const KEY: &str = "private key";

/// Loads a chain (the server's own certificate first) and its key, and checks that they match.
///
/// Reads files: not for a thread that must not block.
///
/// # Errors
///
/// See [`IdentityError`]; each names the file and what to do.
pub fn load(cert: &PemSource, key: &PemSource) -> Result<Arc<CertifiedKey>, IdentityError> {
    let chain = load_chain(cert)?;
    let private = load_key(key)?;
    match CertifiedKey::from_der(chain, private, super::provider()) {
        Ok(identity) => Ok(Arc::new(identity)),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(IdentityError::Mismatch { cert: cert.clone(), key: key.clone() })
        }
        Err(error @ rustls::Error::InvalidCertificate(_)) => Err(IdentityError::Invalid {
            what: CERTIFICATE,
            from: cert.clone(),
            reason: error.to_string(),
        }),
        Err(error) => {
            Err(IdentityError::Invalid { what: KEY, from: key.clone(), reason: error.to_string() })
        }
    }
}

fn load_chain(from: &PemSource) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let text = from.read().map_err(|source| IdentityError::Read {
        what: CERTIFICATE,
        from: from.clone(),
        source,
    })?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(IdentityError::NoCertificate { from: from.clone() }),
        Ok(chain) => Ok(chain),
        Err(reason) => Err(IdentityError::Invalid {
            what: CERTIFICATE,
            from: from.clone(),
            reason: reason.to_string(),
        }),
    }
}

fn load_key(from: &PemSource) -> Result<PrivateKeyDer<'static>, IdentityError> {
    let text = from.read().map_err(|source| IdentityError::Read {
        what: KEY,
        from: from.clone(),
        source,
    })?;
    match PrivateKeyDer::from_pem_slice(&text) {
        Ok(key) if !is_encrypted(&text) => Ok(key),
        Ok(_) => Err(IdentityError::EncryptedKey { from: from.clone() }),
        Err(pem::Error::NoItemsFound) if is_encrypted(&text) => {
            Err(IdentityError::EncryptedKey { from: from.clone() })
        }
        Err(pem::Error::NoItemsFound) => Err(IdentityError::NoKey { from: from.clone() }),
        // The reason is not printed: some variants quote the text, which is a secret here.
        Err(_) => Err(IdentityError::Invalid {
            what: KEY,
            from: from.clone(),
            reason: "the PEM text is damaged".to_owned(),
        }),
    }
}

/// Both forms of encryption say so in text: PKCS#8 in the label, older ones in a header line.
fn is_encrypted(text: &[u8]) -> bool {
    const MARKS: [&[u8]; 2] = [b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"4,ENCRYPTED"];
    MARKS.iter().any(|mark| text.windows(mark.len()).any(|window| window == *mark))
}

/// Answers every client with the same certificate.
pub fn always(identity: Arc<CertifiedKey>) -> Arc<dyn ResolvesServerCert> {
    Arc::new(SingleCertAndKey::from(identity))
}
