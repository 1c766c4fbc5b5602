#![allow(clippy::unwrap_used, reason = "tests")]

use adit_chain::{Chain, Connected, Endpoint, Link, Protocol, Side, conformance};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection,
    crypto::aws_lc_rs,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::{Value, json};

use super::*;
use crate::testing::{build, build_cx, certificate, refused};

/// The server configuration that these options make on an endpoint of this protocol.
async fn server(mut options: Value, protocol: Protocol) -> (Arc<ServerConfig>, String) {
    let (certificate, key) = certificate();
    let given = json!({"server_certificate": certificate, "server_private_key": key});
    options.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    let endpoint = Endpoint { protocol, ..(*conformance::endpoint()).clone() };
    let cx = BuildCx { endpoint: Arc::new(endpoint), ..build_cx() };
    let options = crate::options::parse(&options).unwrap();
    let chain = Chain::new(vec![Link::boxed("tls", super::build(options, &cx).unwrap())]);
    let mut connected = Connected::default();
    chain.connect(&conformance::conn(), &mut connected).await.unwrap();
    match connected.tls() {
        Some(TlsMode::Here(config) | TlsMode::Mutual(config)) => (Arc::clone(config), certificate),
        _ => panic!("TLS does not end here"),
    }
}

fn trust(pem: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    roots
}

fn client(trusted: &str, identity: Option<(&str, &str)>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trust(trusted));
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// Runs a handshake in memory; the error is the server's.
fn handshake(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
) -> Result<(ServerConnection, ClientConnection), rustls::Error> {
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    let name = "app.example".try_into().unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), name).unwrap();
    while client.wants_write() || server.wants_write() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut rest = &wire[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets()?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut rest = &wire[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            let _ = client.process_new_packets();
        }
    }
    Ok((server, client))
}

#[tokio::test]
async fn an_http_endpoint_offers_both_http_versions() {
    let (config, pem) = server(json!({}), Protocol::Https).await;
    assert_eq!(config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    let (connection, _) = handshake(&config, &Arc::new(client(&pem, None))).unwrap();
    assert_eq!(connection.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(connection.protocol_version(), Some(ProtocolVersion::TLSv1_3));
}

#[tokio::test]
async fn a_tls_endpoint_offers_none() {
    let (config, _) = server(json!({}), Protocol::Tls).await;
    assert!(config.alpn_protocols.is_empty());
}

#[tokio::test]
async fn a_second_connection_resumes_the_session() {
    for version in ["1.2", "1.3"] {
        let versions = json!({"min_version": version, "max_version": version});
        let (config, pem) = server(versions, Protocol::Tls).await;
        let client = Arc::new(client(&pem, None));
        handshake(&config, &client).unwrap();
        let (_, second) = handshake(&config, &client).unwrap();
        assert_eq!(second.handshake_kind(), Some(rustls::HandshakeKind::Resumed), "{version}");
    }
}

#[tokio::test]
async fn versions_bound_what_is_spoken_and_may_be_numbers() {
    let (config, pem) = server(json!({"max_version": 1.2}), Protocol::Tls).await;
    let (connection, _) = handshake(&config, &Arc::new(client(&pem, None))).unwrap();
    assert_eq!(connection.protocol_version(), Some(ProtocolVersion::TLSv1_2));
}

/// An authority of this name, and a certificate that it signed with its key, PEM.
fn authority(name: &str) -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let root = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["ann".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&leaf_key, &issuer).unwrap().pem();
    (root, leaf, leaf_key.serialize_pem())
}

#[tokio::test]
async fn with_authorities_only_those_they_vouch_for_come_in() {
    let (root, leaf, key) = authority("ours");
    let (_, stranger, stranger_key) = authority("theirs");
    let options = json!({"mutual_tls_certificate_authorities": [root]});
    let (config, pem) = server(options, Protocol::Https).await;
    let enter = |identity| handshake(&config, &Arc::new(client(&pem, identity))).map(|_| ());
    assert_eq!(enter(Some((&leaf, &key))), Ok(()));
    assert_eq!(enter(None), Err(rustls::Error::NoCertificatesPresented));
    assert_eq!(
        enter(Some((&stranger, &stranger_key))),
        Err(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)),
    );
}

#[test]
fn bad_material_is_refused_with_the_name_of_its_option() {
    let (certificate, key) = certificate();
    let (_, other_key) = self::certificate();
    let refused = |options| refused("terminate-tls", &options).0;
    let pair = |certificate: &str, key: &str| json!({"server_certificate": certificate, "server_private_key": key});
    assert_eq!(refused(json!({"server_certificate": certificate})), "server_certificate");
    assert_eq!(refused(json!({"server_private_key": key})), "server_private_key");
    assert_eq!(refused(pair("garbage", &key)), "server_certificate");
    assert_eq!(refused(pair(&certificate, "garbage")), "server_private_key");
    assert_eq!(refused(pair(&certificate, &other_key)), "server_private_key");
    assert_eq!(refused(json!({"min_version": "1.1"})), "min_version");
    assert_eq!(refused(json!({"min_version": 1.3, "max_version": "1.2"})), "min_version");
    let list = "mutual_tls_certificate_authorities";
    assert_eq!(refused(json!({list: ["garbage"]})), format!("{list}.0"));
    let (root, leaf, _) = authority("ours");
    assert_eq!(refused(json!({list: [root, leaf]})), format!("{list}.1"));
}

#[test]
fn without_any_certificate_it_says_what_to_give() {
    let message = build("terminate-tls", &json!(null)).unwrap_err().message;
    assert_eq!(message, "no certificate; give server_certificate and server_private_key");
}

#[test]
fn this_sides_certificates_are_used_where_the_options_have_none() {
    let resolver = Arc::new(rustls::server::ResolvesServerCertUsingSni::new());
    let cx = BuildCx { certificates: Some(resolver), side: Side::Edge, ..build_cx() };
    let options = crate::options::parse(&json!(null)).unwrap();
    super::build(options, &cx).unwrap();
}
