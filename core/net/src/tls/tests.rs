#![allow(clippy::unwrap_used)]

use std::error::Error as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{CertificateError, HandshakeKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::identity::IdentityError;
use super::server::{ClientAuth, Options, TlsVersion};
use super::*;
use crate::{Io, Rewind};

const WITHIN: Duration = Duration::from_secs(10);

struct World {
    ca: CertifiedIssuer<'static, KeyPair>,
}

impl World {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Authorities are told apart by name: two of one name would be taken for each other.
        static N_MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("CA {}", N_MADE.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        Self { ca: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    fn leaf(&self, name: &str) -> (PemSource, PemSource) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let cert = params.signed_by(&key, &self.ca).unwrap();
        (text(cert.pem()), text(key.serialize_pem()))
    }

    fn roots(&self) -> rustls::RootCertStore {
        Roots::Pem(self.ca.pem().into()).load().unwrap()
    }

    fn server(&self, name: &str, options: Options) -> Arc<rustls::ServerConfig> {
        let (cert, key) = self.leaf(name);
        server::from_pem(&cert, &key, options).unwrap()
    }
}

fn text(pem: String) -> PemSource {
    PemSource::Text(Bytes::from(pem))
}

type Pair = (
    Result<tokio_rustls::client::TlsStream<DuplexStream>, HandshakeError>,
    Result<tokio_rustls::server::TlsStream<DuplexStream>, HandshakeError>,
);

async fn handshake(
    client: &Arc<rustls::ClientConfig>,
    server: &Arc<rustls::ServerConfig>,
    name: &str,
) -> Pair {
    let (a, b) = tokio::io::duplex(64 * 1024);
    tokio::join!(
        connect(a, Arc::clone(client), server_name(name).unwrap(), WITHIN),
        accept(b, Arc::clone(server), WITHIN)
    )
}

#[tokio::test]
async fn a_trusted_server_is_reached_and_the_protocol_is_agreed_on() {
    let world = World::new();
    let server = world.server("a.example", Options::default().alpn(&[ALPN_H2, ALPN_HTTP1]));
    let client = client::verified(world.roots(), &[ALPN_HTTP1, ALPN_H2]);
    let (client, server) = handshake(&client, &server, "a.example").await;
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    assert_eq!(server.get_ref().1.alpn_protocol(), Some(ALPN_H2));
    assert_eq!(server.get_ref().1.server_name(), Some("a.example"));
    client.write_all(b"ping").await.unwrap();
    client.shutdown().await.unwrap();
    let mut all = Vec::new();
    server.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, b"ping");
}

#[tokio::test]
async fn it_is_told_which_certificate_a_client_got() {
    let world = World::new();
    let server = world.server("a.example", Options::default());
    let client = client::verified(world.roots(), &[]);
    let (a, b) = tokio::io::duplex(64 * 1024);
    let (client, server) = tokio::join!(
        connect(a, client, server_name("a.example").unwrap(), WITHIN),
        accept_presenting(b, server, WITHIN)
    );
    let (client, (_, presented)) = (client.unwrap(), server.unwrap());
    let got = client.get_ref().1.peer_certificates().unwrap();
    assert_eq!(presented.unwrap().cert, got);
}

#[tokio::test]
async fn whoever_speaks_no_tls_is_told_so_and_heard_out() {
    let server = World::new().server("a.example", Options::default());
    let (mut a, b) = tokio::io::duplex(64 * 1024);
    let client = async {
        a.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut alert = Vec::new();
        a.read_to_end(&mut alert).await.unwrap();
        drop(a);
        alert
    };
    let (alert, refused) = tokio::join!(client, accept_presenting(b, server, WITHIN));
    assert_eq!(alert.first(), Some(&0x15), "an alert: {alert:?}");
    assert!(refused.unwrap_err().refusal().is_some());
}

#[tokio::test]
async fn an_address_is_verified_against_the_certificate() {
    let world = World::new();
    let server = world.server("127.0.0.1", Options::default());
    let client = client::verified(world.roots(), &[]);
    let (client, server) = handshake(&client, &server, "127.0.0.1").await;
    client.unwrap();
    assert_eq!(server.unwrap().get_ref().1.server_name(), None);
}

#[tokio::test]
async fn a_connection_whose_hello_was_looked_at_goes_on_to_tls_and_keeps_its_addresses() {
    let world = World::new();
    let config = world.server("a.example", Options::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = async {
        let (io, peer) = listener.accept().await.unwrap();
        let mut io = Rewind::new(Io::from(io));
        let hello = crate::hello::peek(&mut io, WITHIN).await.unwrap();
        assert_eq!(hello.server_name.as_deref(), Some("a.example"));
        let mut io = Io::from(accept(io, config, WITHIN).await.unwrap());
        assert_eq!(io.peer_addr(), Some(peer));
        assert!(io.as_tcp().is_none() && io.as_tls().is_some());
        io.write_all(b"hi").await.unwrap();
        io.shutdown().await.unwrap();
    };
    let addr = listener.local_addr().unwrap();
    let client = async {
        let io = crate::dial::Dialer::default().addr(addr).await.unwrap();
        let config = client::verified(world.roots(), &[]);
        let io = Rewind::new(Io::from(io));
        let tls = connect(io, config, server_name("a.example").unwrap(), WITHIN).await.unwrap();
        let mut all = Vec::new();
        Io::from(tls).read_to_end(&mut all).await.unwrap();
        all
    };
    let ((), all) = tokio::join!(server, client);
    assert_eq!(all, b"hi");
}

#[tokio::test]
async fn a_stranger_and_a_wrong_name_are_refused_unless_verification_is_off() {
    let (world, other) = (World::new(), World::new());
    let server = world.server("a.example", Options::default());
    let stranger = client::verified(other.roots(), &[]);
    let (result, _) = handshake(&stranger, &server, "a.example").await;
    assert_eq!(
        result.unwrap_err().refusal(),
        Some(&rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
    );
    let trusting = client::verified(world.roots(), &[]);
    let (result, _) = handshake(&trusting, &server, "b.example").await;
    assert!(matches!(
        result.unwrap_err().refusal(),
        Some(rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }))
    ));
    let (result, _) = handshake(&client::unverified(&[]), &server, "b.example").await;
    result.unwrap();
}

#[tokio::test]
async fn client_certificates_are_required_or_optional_as_asked() {
    let (world, other) = (World::new(), World::new());
    let anonymous = client::verified(world.roots(), &[]);
    let with_identity = |world: &World| {
        let (cert, key) = world.leaf("someone");
        let identity = identity::load(&cert, &key).unwrap();
        let mut config = (*anonymous).clone();
        config.client_auth_cert_resolver = Arc::new(rustls::sign::SingleCertAndKey::from(identity));
        Arc::new(config)
    };
    let (friend, stranger) = (with_identity(&world), with_identity(&other));

    let required = Options::default().client_auth(ClientAuth::Required(world.roots()));
    let required = world.server("a.example", required);
    let accepted = |(_, server): Pair| server.map(|s| s.get_ref().1.peer_certificates().is_some());
    assert!(accepted(handshake(&friend, &required, "a.example").await).unwrap());
    accepted(handshake(&stranger, &required, "a.example").await).unwrap_err();
    let error = accepted(handshake(&anonymous, &required, "a.example").await).unwrap_err();
    assert_eq!(error.refusal(), Some(&rustls::Error::NoCertificatesPresented));

    let optional = Options::default().client_auth(ClientAuth::Optional(world.roots()));
    let optional = world.server("a.example", optional);
    assert!(accepted(handshake(&friend, &optional, "a.example").await).unwrap());
    assert!(!accepted(handshake(&anonymous, &optional, "a.example").await).unwrap());
    accepted(handshake(&stranger, &optional, "a.example").await).unwrap_err();
}

#[tokio::test]
async fn a_second_connection_resumes_the_first() {
    let world = World::new();
    let server = world.server("a.example", Options::default());
    let client = client::verified(world.roots(), &[]);
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let (a, b) = handshake(&client, &server, "a.example").await;
        let (mut a, mut b) = (a.unwrap(), b.unwrap());
        b.write_all(b"x").await.unwrap();
        b.flush().await.unwrap();
        a.read_u8().await.unwrap(); // the ticket came before
        kinds.push(b.get_ref().1.handshake_kind());
    }
    assert_eq!(kinds, [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)]);
}

#[tokio::test]
async fn versions_outside_the_range_are_refused() {
    let world = World::new();
    let options = Options { min: TlsVersion::V1_2, max: TlsVersion::V1_2, ..Options::default() };
    let server = world.server("a.example", options);
    let client = client::verified(world.roots(), &[]);
    let (client, _) = handshake(&client, &server, "a.example").await;
    assert_eq!(
        client.unwrap().get_ref().1.protocol_version(),
        Some(rustls::ProtocolVersion::TLSv1_2)
    );
    let (cert, key) = world.leaf("a.example");
    let swapped = Options { min: TlsVersion::V1_3, max: TlsVersion::V1_2, ..Options::default() };
    let error = server::from_pem(&cert, &key, swapped).unwrap_err();
    assert_eq!(error.to_string(), "minimum TLS version is above the maximum; swap them");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stalls_meets_the_deadline() {
    let world = World::new();
    let (_client, io) = tokio::io::duplex(64);
    let result = accept(io, world.server("a.example", Options::default()), WITHIN).await;
    assert!(matches!(result, Err(HandshakeError::Timeout { after: WITHIN })));
}

#[test]
fn a_key_of_another_certificate_is_found_at_load() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let (cert, _) = world.leaf("a.example");
    let (_, key) = world.leaf("a.example");
    let (cert_path, key_path) = (dir.path().join("c.pem"), dir.path().join("k.pem"));
    std::fs::write(&cert_path, cert.read().unwrap()).unwrap();
    std::fs::write(&key_path, key.read().unwrap()).unwrap();
    let error = identity::load(
        &PemSource::from_text_or_path(cert_path.to_str().unwrap()),
        &PemSource::from_text_or_path(key_path.to_str().unwrap()),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "private key {} does not belong to certificate {}; \
             the first certificate must be the one that the key was made for",
            key_path.display(),
            cert_path.display()
        )
    );
}

#[test]
fn what_is_missing_or_damaged_is_named() {
    let world = World::new();
    let (cert, key) = world.leaf("a.example");
    let missing = PemSource::from_text_or_path("no/such/file.pem");
    let error = identity::load(&missing, &key).unwrap_err();
    assert_eq!(error.to_string(), "could not read certificate no/such/file.pem");
    assert!(error.source().is_some());
    assert!(matches!(identity::load(&key, &key), Err(IdentityError::NoCertificate { .. })));
    assert!(matches!(identity::load(&cert, &cert), Err(IdentityError::NoKey { .. })));
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert!(matches!(
        identity::load(&cert, &text(encrypted.into())),
        Err(IdentityError::EncryptedKey { .. })
    ));
    let damaged = "-----BEGIN PRIVATE KEY-----\nsecret!\n-----END PRIVATE KEY-----\n";
    let error = identity::load(&cert, &text(damaged.into())).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
}

#[test]
fn roots_come_from_the_program_a_file_or_text_and_errors_name_the_file() {
    assert_eq!(Roots::from_config("trusted"), Roots::Trusted);
    assert_eq!(Roots::from_config("host"), Roots::Host);
    assert!(Roots::Trusted.load().unwrap().len() > 50);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    std::fs::write(&path, World::new().ca.pem()).unwrap();
    let roots = Roots::from_config(path.to_str().unwrap());
    assert_eq!(roots.load().unwrap().len(), 1);
    std::fs::write(&path, "no PEM").unwrap();
    let error = roots.load().unwrap_err();
    assert!(error.to_string().starts_with(&format!("no certificate in {}; ", path.display())));
    std::fs::remove_file(&path).unwrap();
    let error = roots.load().unwrap_err();
    assert_eq!(error.to_string(), format!("could not read the CA file {}", path.display()));
}
