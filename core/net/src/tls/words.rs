//! What is wrong with a certificate, as people read it.

use std::borrow::Cow;

use rustls::{CertificateError as Bad, Error};

/// Why a handshake failed for the sake of the peer's certificate, to follow `its certificate`.
/// `None`: it failed for something else.
pub fn of_certificate(error: &Error) -> Option<Cow<'static, str>> {
    let Error::InvalidCertificate(bad) = error else { return None };
    let words = match bad {
        Bad::Expired | Bad::ExpiredContext { .. } => "has expired",
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => "is not valid yet",
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => "is for another name",
        Bad::BadEncoding => "cannot be read",
        Bad::InvalidPurpose | Bad::InvalidPurposeContext { .. } => {
            "is not for this purpose (extendedKeyUsage)"
        }
        // The second if an authority of the same name is known.
        Bad::UnknownIssuer | Bad::BadSignature => "is from an unknown authority",
        Bad::Other(other) => match other.0.to_string().as_str() {
            // Fact: so webpki refuses what `openssl req -x509` makes if it is not told otherwise.
            "CaUsedAsEndEntity" => "is one for an authority (CA:TRUE)",
            // Fact: `openssl x509 -req` makes it where no extensions are asked for, until 3.3.
            "UnsupportedCertVersion" => {
                "is of X.509 version 1; one of version 3 is needed, with any extension"
            }
            _ => return Some(format!("is not accepted: {error}").into()),
        },
        _ => return Some(format!("is not accepted: {error}").into()),
    };
    Some(words.into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use rustls::{RootCertStore, server::WebPkiClientVerifier};
    use rustls_pki_types::{CertificateDer, UnixTime, pem::PemObject};

    use super::*;

    /// An authority's, until 2126.
    const AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBcTCCARegAwIBAgIUUR61S1lAg9RYYYqsl+YwkWFNINIwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTIzMTA0NDU5WhgPMjEyNjEwMzAxMDQ0NTla
MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1SM3Wyno
/svPEdwAn/Pqn7yoVHR5unN3EpvZeTmsxE9Fe2sCO4ubiq5gI70Ns8kegsQbdkB7
JkhQtCYi0kBzoKNTMFEwHQYDVR0OBBYEFPPZ83LvP/tRbQy/5PCYJ9EwBNPDMB8G
A1UdIwQYMBaAFPPZ83LvP/tRbQy/5PCYJ9EwBNPDMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDSAAwRQIhAIv3IUwnNUPmkfsuGBsoTIelFAaMsuxEf5PN8ZZN
kCUZAiB4WnTKXnrCoUaKnEprZRZE/Sj6zaDjfD7Zx9ikxv2RFA==
-----END CERTIFICATE-----
";
    /// What it made of a plain request: version 1.
    const FIRST_VERSION: &str = "\
-----BEGIN CERTIFICATE-----
MIIBFTCBvQIUFlKtZbZIw85DLOh/wdVqg0i++jgwCgYIKoZIzj0EAwIwDTELMAkG
A1UEAwwCY2EwIBcNMjYxMTIzMTA0NDU5WhgPMjEyNjEwMzAxMDQ0NTlaMA0xCzAJ
BgNVBAMMAnYxMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEtQ0VMY4CulRopHU2
nvpdEI6JhS9UJ2K+N7N9tkqDvZ8qHiSYScheRs/XInM5aSWytJrGT+Q7F0dmYCv4
lZddEDAKBggqhkjOPQQDAgNHADBEAiBsP+3ekdvrgtFrOqztkipBud2rU8QNuotu
XScuwM5auQIgTb2sB3WBLWkBOUM4o5fzT29auL6gu42OpgKJh4ZnV/w=
-----END CERTIFICATE-----
";

    #[test]
    fn a_certificate_of_the_first_version_is_told_as_one() {
        let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(der(AUTHORITY)).unwrap();
        let provider = Arc::clone(crate::tls::provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.build().unwrap();
        let error = verifier.verify_client_cert(&der(FIRST_VERSION), &[], UnixTime::now());
        assert_eq!(
            of_certificate(&error.unwrap_err()).as_deref(),
            Some("is of X.509 version 1; one of version 3 is needed, with any extension")
        );
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told_in_words() {
        let words = |error| of_certificate(&error);
        assert_eq!(words(Bad::Expired.into()).as_deref(), Some("has expired"));
        assert_eq!(
            words(Bad::Revoked.into()).as_deref(),
            Some("is not accepted: invalid peer certificate: Revoked")
        );
        assert_eq!(words(Error::NoCertificatesPresented), None);
    }
}
