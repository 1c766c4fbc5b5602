use std::sync::Arc;

use adit_net::tls;
use adit_proto::message::Proto;
use rustls::{
    ClientConfig,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::rig::*;

#[tokio::test]
async fn agents_are_known_by_the_edge_s_name_or_by_none() {
    let edge = edge().await;
    for name in ["connect.edge.test", "edge.test", "127.0.0.1"] {
        let agent = Agent::over(tls_to(&edge, name, &[]).await);
        agent.auth(&auth("", "")).await.unwrap();
        agent.vanish().await;
    }
}

#[tokio::test]
async fn agents_may_speak_both_versions_of_tls() {
    let edge = edge().await;
    for version in [&TLS12, &TLS13] {
        let mut roots = rustls::RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(edge.ca_pem().unwrap().as_bytes()).unwrap();
        roots.add(root).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::clone(tls::provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tcp = TcpStream::connect(edge.addresses().tls.unwrap()).await.unwrap();
        let name = tls::server_name("connect.edge.test").unwrap();
        let io = tls::connect(tcp, Arc::new(config), name, PATIENCE).await.unwrap();
        let (spoken, alpn) = (io.get_ref().1.protocol_version(), io.get_ref().1.alpn_protocol());
        assert_eq!((spoken, alpn), (Some(version.version), None));
        let agent = Agent::over(io);
        agent.auth(&auth("", "")).await.unwrap();
        agent.bind(&bind(Proto::Https, json!({}))).await.unwrap();
    }
}

#[tokio::test]
async fn agents_may_offer_any_application_protocol() {
    let edge = edge().await;
    for offered in [&b"h2"[..], b"http/1.1", b"tunnel/9"] {
        let io = tls_to(&edge, "connect.edge.test", &[offered]).await;
        let agent = Agent::over(io);
        agent.auth(&auth("", "")).await.unwrap();
        agent.vanish().await;
    }
}

#[tokio::test]
async fn https_ends_at_the_edge_with_a_certificate_for_the_name() {
    let edge = edge().await;
    let (mut agent, _) = Agent::enter(&edge).await;
    agent.bind(&bind(Proto::Https, json!({"Domain": "a.edge.test"}))).await.unwrap();
    let mut io = tls_to(&edge, "a.edge.test", &[b"http/1.1"]).await;
    request(&mut io, "a.edge.test", "/").await;
    let (header, mut stream) = agent.visitor().await;
    assert_eq!((header.proto, header.passthrough_tls), (Some(Proto::Https), false));
    let head = answer(&mut stream, "secret").await;
    assert!(head.contains("x-forwarded-proto: https"), "{head}");
    assert!(rest(&mut io).await.ends_with("secret"));
}

#[tokio::test]
async fn a_name_of_ours_that_nobody_serves_gets_a_page_and_another_one_an_alert() {
    let edge = edge().await;
    let mut io = tls_to(&edge, "nobody.edge.test", &[]).await;
    request(&mut io, "nobody.edge.test", "/").await;
    let page = rest(&mut io).await;
    assert!(page.starts_with("HTTP/1.1 404") && page.contains("ERR_NGROK_3200"), "{page}");
    let error = try_tls(&edge, "app.example", &[]).await.unwrap_err();
    assert!(matches!(error.refusal(), Some(rustls::Error::AlertReceived(_))), "{error:?}");
}

#[tokio::test]
async fn a_browser_at_the_edge_s_own_name_gets_a_page() {
    let edge = edge().await;
    let mut io = tls_to(&edge, "edge.test", &[]).await;
    request(&mut io, "edge.test", "/").await;
    assert!(rest(&mut io).await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn tls_passes_untouched_with_its_hello() {
    let edge = edge().await;
    let (mut agent, _) = Agent::enter(&edge).await;
    agent.bind(&bind(Proto::Tls, json!({"Domain": "a.edge.test"}))).await.unwrap();
    let dial = async {
        let error = try_tls(&edge, "a.edge.test", &[]).await.unwrap_err();
        assert!(error.refusal().is_none(), "{error:?}");
    };
    let serve = async {
        let (header, mut stream) = agent.visitor().await;
        assert_eq!((header.proto, header.passthrough_tls), (Some(Proto::Tls), true));
        let mut first = [0; 6];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!((first[0], first[5]), (0x16, 0x01)); // a handshake record, a ClientHello
        stream.shutdown().await.unwrap();
    };
    tokio::join!(dial, serve);
}

#[tokio::test]
async fn tls_that_ends_at_the_edge_is_plain_for_the_agent() {
    let edge = edge().await;
    let (mut agent, _) = Agent::enter(&edge).await;
    let opts = json!({"Domain": "a.edge.test", "TLSTermination": {}});
    agent.bind(&bind(Proto::Tls, opts)).await.unwrap();
    let mut io = tls_to(&edge, "a.edge.test", &[]).await;
    io.write_all(b"ping\n").await.unwrap();
    let (header, mut stream) = agent.visitor().await;
    assert!(!header.passthrough_tls);
    assert_eq!(until(&mut stream, "\n").await, "ping\n");
    stream.write_all(b"pong\n").await.unwrap();
    assert_eq!(until(&mut io, "\n").await, "pong\n");
}

#[tokio::test]
async fn a_request_for_another_name_on_a_connection_is_misdirected() {
    let edge = edge().await;
    let (agent, _) = Agent::enter(&edge).await;
    for host in ["a.edge.test", "b.edge.test"] {
        agent.bind(&bind(Proto::Https, json!({"Domain": host}))).await.unwrap();
    }
    let mut io = tls_to(&edge, "a.edge.test", &[]).await;
    request(&mut io, "b.edge.test", "/").await;
    assert!(rest(&mut io).await.starts_with("HTTP/1.1 421"));
}

#[tokio::test]
async fn a_connection_for_a_name_that_nobody_serves_reaches_no_other() {
    let edge = edge().await;
    let (agent, _) = Agent::enter(&edge).await;
    agent.bind(&bind(Proto::Https, json!({"Domain": "a.edge.test"}))).await.unwrap();
    for name in ["nobody.edge.test", "connect.edge.test"] {
        let mut io = tls_to(&edge, name, &[]).await;
        request(&mut io, "a.edge.test", "/").await;
        assert!(rest(&mut io).await.starts_with("HTTP/1.1 421"), "{name}");
    }
}

#[tokio::test]
async fn the_local_authority_issues_for_others() {
    let edge = edge().await;
    let issued = edge.issue("a.edge.test").unwrap().unwrap();
    assert!(issued.chain_pem.ends_with(&edge.ca_pem().unwrap()));
    assert!(issued.key_pem.contains("PRIVATE KEY"));
    assert!(!format!("{issued:?}").contains("PRIVATE"));
}

#[tokio::test]
async fn garbage_on_the_tls_port_is_cut_off() {
    let edge = edge().await;
    let mut io = TcpStream::connect(edge.addresses().tls.unwrap()).await.unwrap();
    io.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(rest(&mut io).await, "");
    Agent::enter_as(&edge, TOKEN).await;
}

#[tokio::test]
async fn members_of_a_pool_take_turns_by_connection() {
    let edge = edge().await;
    let mut pooled = bind(Proto::Https, json!({"Domain": "a.edge.test"}));
    pooled.extra.pooling_enabled = true;
    let (mut one, _) = Agent::enter(&edge).await;
    let (mut two, _) = Agent::enter(&edge).await;
    one.bind(&pooled).await.unwrap();
    two.bind(&pooled).await.unwrap();
    let mut turns = String::new();
    for _ in 0..4 {
        let mut io = tls_to(&edge, "a.edge.test", &[]).await;
        request(&mut io, "a.edge.test", "/").await;
        tokio::select! {
            (_, mut stream) = one.visitor() => answer(&mut stream, "1").await,
            (_, mut stream) = two.visitor() => answer(&mut stream, "2").await,
        };
        let page = rest(&mut io).await;
        turns.push_str(&page[page.len() - 1..]);
    }
    assert!(turns == "1212" || turns == "2121", "{turns}");
}
