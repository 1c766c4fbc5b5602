//! TLS that ends on this side.

pub(crate) mod refused;

use std::{sync::Arc, time::Duration};

use adit_chain::{Presented, TlsInfo};
use adit_net::{
    Io, Rewind,
    tls::{self, HandshakeError},
};
use rustls::{ProtocolVersion, ServerConfig};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

/// Time for the visitor's handshake.
pub const HANDSHAKE_TIMEOUT: Duration = adit_net::limits::TLS_HANDSHAKE_DEADLINE;

/// Accepts the visitor's TLS session.
///
/// # Errors
/// See [`HandshakeError`]; an alert was sent where there was somebody to send it to.
pub async fn terminate(
    io: Rewind<Io>,
    config: Arc<ServerConfig>,
) -> Result<(Io, TlsInfo), HandshakeError> {
    let accepting = tls::accept_presenting(io, config, HANDSHAKE_TIMEOUT);
    let (stream, presented) = Box::pin(accepting).await?;
    let presented = presented.map(Presented);
    let info = TlsInfo { presented, ..info(stream.get_ref().1) };
    Ok((Io::from(stream), info))
}

/// What handlers may know of a session.
pub fn info(session: &rustls::ServerConnection) -> TlsInfo {
    let certificates = session.peer_certificates().unwrap_or_default();
    TlsInfo {
        sni: session.server_name().map(str::to_ascii_lowercase),
        alpn: session.alpn_protocol().map(<[u8]>::to_vec),
        version: match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "1.2",
            _ => "1.3",
        },
        cipher_suite: session
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str())
            .unwrap_or_default()
            .to_owned(),
        client_subject: certificates.first().and_then(|leaf| subject(leaf)),
        client_certificates: certificates.iter().map(|der| der.as_ref().to_vec()).collect(),
        presented: None,
    }
}

/// The name that a certificate is for. `None`: it has none.
fn subject(der: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate.subject().to_string()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};
    use rustls::{
        ClientConfig, ClientConnection, RootCertStore, ServerConnection,
        pki_types::{CertificateDer, PrivatePkcs8KeyDer},
        server::WebPkiClientVerifier,
    };

    use super::*;

    fn certificate(parts: &[(DnType, &str)]) -> Vec<u8> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (part, text) in parts {
            params.distinguished_name.push(part.clone(), *text);
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_tells_whom_it_is_for() {
        let der =
            certificate(&[(DnType::OrganizationName, "Example"), (DnType::CommonName, "ann")]);
        assert_eq!(subject(&der).as_deref(), Some("O=Example, CN=ann"));
    }

    /// A key pair's own certificate, for that common name.
    fn own(name: &str) -> (CertificateDer<'static>, PrivatePkcs8KeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        (certificate, PrivatePkcs8KeyDer::from(key.serialize_der()))
    }

    #[test]
    fn a_session_tells_whom_the_visitors_certificate_is_for() {
        let trusting = |certificate: &CertificateDer<'static>| {
            let mut roots = RootCertStore::empty();
            roots.add(certificate.clone()).unwrap();
            Arc::new(roots)
        };
        let ((ours, our_key), (theirs, their_key)) = (own("server"), own("ann"));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(trusting(&theirs), Arc::clone(&provider));
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![ours.clone()], our_key.into())
            .unwrap();
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(trusting(&ours))
            .with_client_auth_cert(vec![theirs.clone()], their_key.into())
            .unwrap();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        let name = "a.test".try_into().unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
        while server.is_handshaking() || client.is_handshaking() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut &wire[..]).unwrap();
            server.process_new_packets().unwrap();
            wire.clear();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut &wire[..]).unwrap();
            client.process_new_packets().unwrap();
        }
        let told = info(&server);
        assert_eq!(told.client_subject.as_deref(), Some("CN=ann"));
        assert_eq!(told.client_certificates, [theirs.to_vec()]);
        assert_eq!((told.sni.as_deref(), told.version), (Some("a.test"), "1.3"));
    }

    #[test]
    fn what_has_no_name_or_is_no_certificate_tells_nothing() {
        assert_eq!(subject(&certificate(&[])), None);
        assert_eq!(subject(b"no certificate"), None);
    }
}
