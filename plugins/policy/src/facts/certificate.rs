//! Certificates: what `conn.tls.client` and `conn.tls.server` tell.

mod name;
mod san;

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::DateTime;
use x509_parser::{
    certificate::X509Certificate,
    prelude::{ASN1Time, FromDer as _},
};

use super::{
    fact::{Boxed, Fact},
    object::Object,
};
use crate::expr::Type;

/// A certificate in DER. One that cannot be read, or is not there, tells nothing.
pub(super) fn of(ty: Type, der: Option<&[u8]>) -> Fact<'_> {
    let Some(der) = der else { return Fact::Unknown };
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return Fact::Unknown };
    // Fields are read one by one, and some are nested: they share it.
    let certificate = Arc::new(certificate);
    Fact::object(ty, move |field, ty| match field {
        "extensions" => extensions(ty, &certificate),
        "issuer" => name::name(ty, certificate.issuer()),
        "pem" => Fact::text(pem(der)),
        "san" => san::san(ty, &certificate),
        "serial_number" => Fact::text(format!("{:x}", certificate.serial)),
        "signature_algorithm" => Fact::text(algorithm(&certificate)),
        "subject" => name::name(ty, certificate.subject()),
        "validity" => {
            let validity = certificate.validity().clone();
            Fact::object(ty, move |field, _| match field {
                "not_before" => time(validity.not_before),
                "not_after" => time(validity.not_after),
                _ => Fact::Unknown,
            })
        }
        _ => Fact::Unknown,
    })
}

fn time<'v>(at: ASN1Time) -> Fact<'v> {
    let at = DateTime::from_timestamp(at.timestamp(), 0);
    at.map_or(Fact::Unknown, |at| Fact::timestamp(at.fixed_offset()))
}

fn extensions<'v>(ty: Type, certificate: &X509Certificate<'v>) -> Fact<'v> {
    let Type::List(ty) = ty else { return Fact::Unknown };
    let all = certificate.extensions().iter().map(|extension| {
        let (id, is_critical, value) =
            (extension.oid.to_id_string(), extension.critical, extension.value);
        Box::new(Object::new(*ty, move |field, _| match field {
            "critical" => Fact::bool(is_critical),
            "id" => Fact::text(id.clone()),
            "value" => Fact::bytes(value.to_vec()),
            _ => Fact::Unknown,
        })) as Boxed<'v>
    });
    Fact::list(all.collect())
}

fn pem(der: &[u8]) -> String {
    /// Fact: RFC 7468, section 2.
    const LINE: usize = 64;
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let text = BASE64_STANDARD.encode(der);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(rest.len().min(LINE));
        pem.push_str(line);
        pem.push('\n');
        rest = behind;
    }
    pem + "-----END CERTIFICATE-----\n"
}

/// The name of the algorithm of the signature, as Go's programs write it; its number if it has
/// none.
fn algorithm(certificate: &X509Certificate<'_>) -> String {
    let oid = certificate.signature_algorithm.algorithm.to_id_string();
    let name = match oid.as_str() {
        "1.2.840.113549.1.1.4" => "MD5-RSA",
        "1.2.840.113549.1.1.5" => "SHA1-RSA",
        "1.2.840.113549.1.1.10" => pss(certificate),
        "1.2.840.113549.1.1.11" => "SHA256-RSA",
        "1.2.840.113549.1.1.12" => "SHA384-RSA",
        "1.2.840.113549.1.1.13" => "SHA512-RSA",
        "1.2.840.10045.4.1" => "ECDSA-SHA1",
        "1.2.840.10045.4.3.2" => "ECDSA-SHA256",
        "1.2.840.10045.4.3.3" => "ECDSA-SHA384",
        "1.2.840.10045.4.3.4" => "ECDSA-SHA512",
        "1.3.101.112" => "Ed25519",
        _ => return oid,
    };
    name.to_owned()
}

/// Which hash an RSA-PSS signature uses.
fn pss(certificate: &X509Certificate<'_>) -> &'static str {
    use x509_parser::signature_algorithm::SignatureAlgorithm::RSASSA_PSS;
    let parsed = x509_parser::signature_algorithm::SignatureAlgorithm::try_from(
        &certificate.signature_algorithm,
    );
    let Ok(RSASSA_PSS(parameters)) = parsed else { return "RSAPSS" };
    match parameters.hash_algorithm_oid().to_id_string().as_str() {
        "2.16.840.1.101.3.4.2.1" => "SHA256-RSAPSS",
        "2.16.840.1.101.3.4.2.2" => "SHA384-RSAPSS",
        "2.16.840.1.101.3.4.2.3" => "SHA512-RSAPSS",
        _ => "RSAPSS",
    }
}

#[cfg(test)]
mod tests;
