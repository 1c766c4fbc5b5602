//! A certificate authority of our own, for edges without certificates.

use std::{net::IpAddr, path::Path, sync::Arc, time::SystemTime};

use adit_net::tls;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::time::ASN1Time;

use crate::state::{StateDir, StateError};

const CERT_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca.key";

const DAY: i64 = 24 * 3600;
/// How long the authority itself is good.
const CA_LIFE: i64 = 10 * 365 * DAY;
/// How long a leaf is good. Fact: Apple's systems refuse more than 398 days of private roots made
/// for servers only beyond 825; a year passes everywhere.
pub(crate) const LEAF_LIFE: i64 = 365 * DAY;
/// Clocks of visitors may be behind ours.
const BACKDATE: i64 = DAY;

/// Issues certificates for names of this edge.
pub(crate) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate with its key, as PEM.
pub struct Issued {
    /// Leaf first, then the authority.
    pub chain_pem: String,
    /// The leaf's key.
    pub key_pem: String,
}

/// The authority cannot be used, or cannot issue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaError {
    /// Its files.
    #[error(transparent)]
    State(#[from] StateError),
    /// One of the two files is missing, or one is not what it should be.
    #[error(
        "the local CA in {file} is damaged: {reason}; restore it, or remove it and {CERT_FILE} beside it to get a new one, which agents and visitors must be told to trust"
    )]
    Damaged {
        /// Where its key and certificate are.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The cryptography refused.
    #[error("could not make a certificate")]
    Make(#[source] rcgen::Error),
    /// The TLS library refused what was made.
    #[error("could not use the certificate that was made")]
    Use(#[source] rustls::Error),
}

/// The root of the authority that an edge with this state directory has, PEM. It is made if no edge
/// has started there yet.
///
/// # Errors
/// The directory or its files cannot be used.
pub fn root_pem(state_dir: &Path) -> Result<String, CaError> {
    Ok(Ca::open(&StateDir::open(Some(state_dir))?)?.pem)
}

fn damaged(state: &StateDir, reason: &str) -> CaError {
    CaError::Damaged { file: state.path_of(KEY_FILE), reason: reason.to_owned() }
}

impl Ca {
    /// The authority of the state directory, made on first start.
    ///
    /// The key file holds both and is made in one step, so that processes that start at the same
    /// time agree; the certificate's own file is a copy for people.
    pub(crate) fn open(state: &StateDir) -> Result<Self, CaError> {
        let copy = state.read(CERT_FILE)?;
        let (known, is_lost) = match state.read(KEY_FILE)? {
            Some(known) => (Some(known), false),
            None => (None, copy.is_some()),
        };
        if is_lost {
            // A new one would not be trusted by those who trust the old one.
            return Err(damaged(state, "its key is missing"));
        }
        let ca = match known {
            Some(known) => Self::parse(known, state)?,
            None => {
                let (ca, key) = Self::make()?;
                match state.create(KEY_FILE, format!("{key}{}", ca.pem).as_bytes())? {
                    Some(known) => Self::parse(known, state)?,
                    None => ca,
                }
            }
        };
        if copy.as_deref() != Some(ca.pem.as_bytes()) {
            state.write(CERT_FILE, ca.pem.as_bytes())?;
        }
        Ok(ca)
    }

    fn parse(both: Vec<u8>, state: &StateDir) -> Result<Self, CaError> {
        let damaged = |reason: &str| damaged(state, reason);
        let both = String::from_utf8(both).map_err(|_| damaged("its key is not text"))?;
        let at = both.find("-----BEGIN CERTIFICATE-----");
        let (key, pem) = both.split_at(at.ok_or_else(|| damaged("its certificate is missing"))?);
        let key = KeyPair::from_pem(key).map_err(|_| damaged("its key is unreadable"))?;
        let issuer =
            Issuer::from_ca_cert_pem(pem, key).map_err(|error| damaged(&error.to_string()))?;
        Ok(Self { issuer, pem: pem.to_owned() })
    }

    fn make() -> Result<(Self, String), CaError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(CaError::Make)?;
        let mut params = CertificateParams::default();
        valid_for(&mut params, CA_LIFE);
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "adit local CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).map_err(CaError::Make)?.pem();
        let key_pem = key.serialize_pem();
        Ok((Self { issuer: Issuer::new(params, key), pem }, key_pem))
    }

    /// The root, for those who are to trust it.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for names and addresses, with its key.
    pub(crate) fn issue(&self, names: &[String], ips: &[IpAddr]) -> Result<Leaf, CaError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(CaError::Make)?;
        let mut params = CertificateParams::new(names.to_vec()).map_err(CaError::Make)?;
        params.subject_alt_names.extend(ips.iter().copied().map(SanType::IpAddress));
        valid_for(&mut params, LEAF_LIFE);
        params.distinguished_name = rcgen::DistinguishedName::new();
        let common = names.iter().find(|name| name.len() <= 64).map_or("adit", String::as_str);
        params.distinguished_name.push(DnType::CommonName, common);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let cert = params.signed_by(&key, &self.issuer).map_err(CaError::Make)?;
        Ok(Leaf { der: cert.der().clone(), pem: cert.pem(), key })
    }
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ca")
    }
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Issued")
    }
}

/// What the authority made.
pub(crate) struct Leaf {
    der: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Leaf {
    /// For our own TLS. The root is not sent: who trusts it has it.
    pub(crate) fn to_certified(&self) -> Result<Arc<CertifiedKey>, CaError> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        CertifiedKey::from_der(vec![self.der.clone()], key, tls::provider())
            .map(Arc::new)
            .map_err(CaError::Use)
    }

    /// For somebody else's TLS.
    pub(crate) fn to_pem(&self, ca: &Ca) -> Issued {
        Issued { chain_pem: format!("{}{}", self.pem, ca.pem), key_pem: self.key.serialize_pem() }
    }
}

fn valid_for(params: &mut CertificateParams, life: i64) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let at = |seconds: i64| ASN1Time::from_timestamp(seconds).map(|time| time.to_datetime());
    // Times outside the calendar leave rcgen's own defaults, which span all of it.
    if let (Ok(begin), Ok(end)) = (at(now.saturating_sub(BACKDATE)), at(now.saturating_add(life))) {
        params.not_before = begin;
        params.not_after = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_authority_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(Some(dir.path())).unwrap();
        let first = Ca::open(&state).unwrap();
        let again = Ca::open(&state).unwrap();
        assert_eq!(first.pem(), again.pem());
        assert!(first.pem().starts_with("-----BEGIN CERTIFICATE-----"));
    }

    #[test]
    fn two_that_start_at_once_agree() {
        let dir = tempfile::tempdir().unwrap();
        let open =
            || Ca::open(&StateDir::open(Some(dir.path())).unwrap()).unwrap().pem().to_owned();
        let pems: Vec<String> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(pems.iter().all(|pem| *pem == pems[0]));
        assert_eq!(std::fs::read_to_string(dir.path().join(CERT_FILE)).unwrap(), pems[0]);
    }

    #[test]
    fn an_authority_without_its_key_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(Some(dir.path())).unwrap();
        Ca::open(&state).unwrap();
        std::fs::remove_file(dir.path().join(KEY_FILE)).unwrap();
        assert!(matches!(Ca::open(&state), Err(CaError::Damaged { .. })));
    }

    #[test]
    fn a_reopened_authority_issues_leaves_that_its_root_vouches_for() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(Some(dir.path())).unwrap();
        Ca::open(&state).unwrap();
        let ca = Ca::open(&state).unwrap();
        let leaf = ca.issue(&names(&["a.example"]), &["127.0.0.1".parse().unwrap()]).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        let root = <CertificateDer<'_> as rustls_pki_types::pem::PemObject>::from_pem_slice(
            ca.pem().as_bytes(),
        );
        roots.add(root.unwrap()).unwrap();
        let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::clone(tls::provider()),
        );
        let verifier = verifier.build().unwrap();
        let verify = |name: &str| {
            use rustls::client::danger::ServerCertVerifier as _;
            let now = rustls_pki_types::UnixTime::now();
            let name = name.to_owned().try_into().unwrap();
            verifier.verify_server_cert(&leaf.der, &[], &name, &[], now)
        };
        assert!(verify("a.example").is_ok());
        assert!(verify("127.0.0.1").is_ok());
        assert!(verify("b.example").is_err());
        assert!(leaf.to_certified().is_ok());
    }
}
