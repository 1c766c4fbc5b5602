//! Why agents and visitors will refuse a configured certificate, as far as it tells itself.

use x509_parser::{certificate::X509Certificate, prelude::FromDer as _, time::ASN1Time};

/// What is wrong with a certificate, and what is to be done about it.
pub(super) fn flaws(leaf: &[u8], now: ASN1Time) -> Vec<&'static str> {
    let Ok((_, leaf)) = X509Certificate::from_der(leaf) else { return Vec::new() };
    let validity = leaf.validity();
    let has_names = matches!(leaf.subject_alternative_name(), Ok(Some(_)));
    let flaws = [
        (now > validity.not_after, "it has expired; renew it"),
        (now < validity.not_before, "it is not valid yet; look at the clock"),
        // Fact: `openssl req -x509` makes one unless it is told otherwise.
        (leaf.is_ca(), "it is that of an authority; make it with basicConstraints=CA:FALSE"),
        (!has_names, "it names no host; make it with a subjectAltName"),
    ];
    flaws.into_iter().filter_map(|(is_so, text)| is_so.then_some(text)).collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

    use super::*;

    fn found(names: &[&str], is_ca: IsCa, at: i64) -> Vec<&'static str> {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut params = CertificateParams::new(names).unwrap();
        params.is_ca = is_ca;
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        flaws(made.der(), ASN1Time::from_timestamp(at).unwrap())
    }

    #[test]
    fn what_nobody_would_trust_is_told() {
        let (before, within, after) = (1_570_000_000, 1_600_000_000, 1_700_000_000);
        assert_eq!(found(&["*.a.example"], IsCa::NoCa, within), [""; 0]);
        let of_authority = IsCa::Ca(BasicConstraints::Unconstrained);
        assert_eq!(
            found(&[], of_authority, after),
            [
                "it has expired; renew it",
                "it is that of an authority; make it with basicConstraints=CA:FALSE",
                "it names no host; make it with a subjectAltName",
            ]
        );
        let early = found(&["a.example"], IsCa::NoCa, before);
        assert_eq!(early, ["it is not valid yet; look at the clock"]);
        assert_eq!(flaws(b"nonsense", ASN1Time::now()), [""; 0]);
    }
}
