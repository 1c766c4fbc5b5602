//! Sockets and TLS.

use adit_mux::Config;
use adit_net::tls::{self, PemSource, server};
use adit_proto::{message::Auth, session::TypedStreams};
use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::{net::TcpListener, task::JoinSet, time::Instant};
use tokio_rustls::LazyConfigAcceptor;

use super::{edge::*, *};
use crate::{
    BuildError, ConnectError, DialError, Roots, backoff::Backoff, error::chain, supervise,
};

pub(super) struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Ca {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    fn roots(&self) -> Roots {
        Roots::Pem(self.0.pem().into())
    }

    pub(super) fn server(&self, name: &str) -> std::sync::Arc<rustls::ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let cert = params.signed_by(&key, &self.0).unwrap();
        let pem = |text: String| PemSource::Text(Bytes::from(text));
        let options = server::Options::default();
        server::from_pem(&pem(cert.pem()), &pem(key.serialize_pem()), options).unwrap()
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("localhost:{port}"))
}

#[test]
fn a_name_that_the_edge_has_nothing_for_is_told_with_the_one_that_it_has() {
    let alert = rustls::Error::AlertReceived(rustls::AlertDescription::AccessDenied);
    let source = tls::HandshakeError::Failed { source: std::io::Error::other(alert) };
    let error = DialError::Tls { host: "localhost".into(), source };
    assert_eq!(
        chain(&error).as_ref(),
        "no TLS session with localhost, which is no name of the edge there (its connect_host is, or \
         else connect.DOMAIN): TLS handshake failed: received fatal alert: AccessDenied"
    );
}

#[tokio::test]
async fn the_edge_is_verified_by_name_and_no_alpn_is_offered() {
    let ca = Ca::new();
    let (listener, addr) = listen().await;
    let builder = Agent::builder().connect(&addr).roots(ca.roots()).authtoken("tok");
    let agent = builder.build().unwrap();
    let as_edge = async {
        let (tcp, _) = listener.accept().await.unwrap();
        let hello =
            LazyConfigAcceptor::new(rustls::server::Acceptor::default(), tcp).await.unwrap();
        assert!(hello.client_hello().alpn().is_none());
        assert_eq!(hello.client_hello().server_name(), Some("localhost"));
        let io = hello.into_stream(ca.server("localhost")).await.unwrap();
        let (mux, accept, driver) = adit_mux::session(io, Config::edge());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { drop(driver.await) });
        let mut leg = Leg::over(mux, TypedStreams::new(accept), tasks, Instant::now());
        let (auth, stream) = leg.expect::<Auth>().await;
        assert!(auth.extra.custom_cas);
        leg.let_in(stream).await;
        leg
    };
    let (session, leg) = tokio::join!(agent.start(), as_edge);
    down(session.unwrap(), leg).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_interface_that_is_not_there_ends_the_start() {
    let (_listener, addr) = listen().await;
    let agent = Agent::builder().connect(&addr).interface("nope0").build().unwrap();
    let error = agent.start().await.unwrap_err();
    assert!(error.is_permanent());
    let expected = "could not reach the edge: could not use network interface \"nope0\"";
    assert!(chain(&error).starts_with(expected), "{}", chain(&error));
    assert_eq!(supervise::after(&error, &mut Backoff::default()), Duration::ZERO);
}

#[tokio::test]
async fn an_edge_that_cannot_be_verified_ends_the_start() {
    for (name, roots) in [("localhost", Ca::new().roots()), ("other.example", Roots::Trusted)] {
        let ca = Ca::new();
        let roots = if name == "localhost" { roots } else { ca.roots() };
        let (listener, addr) = listen().await;
        let agent = Agent::builder().connect(&addr).roots(roots).build().unwrap();
        let as_edge = async {
            let (tcp, _) = listener.accept().await.unwrap();
            tls::accept(tcp, ca.server(name), SOON).await.unwrap_err();
        };
        let (result, ()) = tokio::join!(agent.start(), as_edge);
        let error = result.unwrap_err();
        assert!(error.is_permanent());
        assert_eq!(chain(&error).contains("connect_cas"), name == "localhost");
        // Later it is no reason to wait for long: a network may stand in the way for a moment.
        assert_eq!(supervise::after(&error, &mut Backoff::default()), Duration::ZERO);
        assert!(
            matches!(error, ConnectError::Dial(DialError::Tls { host, .. }) if host == "localhost")
        );
    }
}

#[test]
fn an_agent_that_cannot_connect_is_not_built() {
    assert!(matches!(Agent::builder().build(), Err(BuildError::NoEdge)));
    let error = Agent::builder().connect("edge.example").build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "connect address \"edge.example\": \"edge.example\" has no port; write host:port"
    );
    let roots = Roots::File("no/such/ca.pem".into());
    let error = Agent::builder().connect("edge.example:443").roots(roots).build().unwrap_err();
    assert!(matches!(error, BuildError::Roots(_)));
    let error = Agent::builder().connect("edge.example:443").proxy("ftp://x").build().unwrap_err();
    assert!(matches!(error, BuildError::Proxy(_)));
}
