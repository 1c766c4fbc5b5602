//! Who ends the visitors' TLS, and TLS to services.

use std::sync::Arc;

use adit_agent::EndpointSpec;
use adit_config::file::TerminateAt;
use adit_net::tls::{ALPN_HTTP1, client};
use adit_tests::{Identity, Upstream, World, identity, service, soon, visitor::until_the_end};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, Interest},
    net::TcpListener,
};

const HOST: &str = "app.tunnel.test";
const URL: &str = "https://app.tunnel.test";

#[tokio::test]
async fn a_tls_endpoint_passes_the_visitors_tls_to_the_service() {
    let theirs = Identity::new(HOST);
    let upstream = Upstream::over_tls(&theirs, &[], service::echo()).await;
    let spec = EndpointSpec::tls(&upstream.tcp_url()).url(&URL.replace("https", "tls"));
    let world = World::new().agent(spec).up().await;
    assert!(world.url().starts_with("tls://app.tunnel.test"), "{}", world.url());

    let trusting = client::verified(identity::roots(&theirs.root), &[]);
    let mut socket = world.visitor().with_tls(trusting).connect().await;
    socket.write_all(b"nobody between us reads this").await.unwrap();
    socket.shutdown().await.unwrap();
    assert_eq!(until_the_end(&mut socket).await, "nobody between us reads this");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn the_edge_can_end_tls_for_a_tls_endpoint() {
    let upstream = Upstream::echo().await;
    let spec = EndpointSpec::tls(&upstream.tcp_url()).terminate_at(TerminateAt::Edge);
    let world = World::new().agent(spec).up().await;
    let mut socket = world.visitor().connect().await;
    socket.write_all(b"plain behind the edge").await.unwrap();
    socket.shutdown().await.unwrap();
    assert_eq!(until_the_end(&mut socket).await, "plain behind the edge");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn the_edge_can_end_tls_with_the_agents_certificate() {
    let ours = Identity::new(HOST);
    let upstream = Upstream::echo().await;
    let spec = EndpointSpec::tls(&upstream.tcp_url())
        .url("tls://app.tunnel.test")
        .terminate_at(TerminateAt::Edge)
        .certificate(&ours.cert, &ours.key);
    let world = World::new().agent(spec).up().await;
    let trusting = client::verified(identity::roots(&ours.root), &[]);
    let mut socket = world.visitor().with_tls(trusting).connect().await;
    socket.write_all(b"hello").await.unwrap();
    socket.shutdown().await.unwrap();
    assert_eq!(until_the_end(&mut socket).await, "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn the_agent_can_end_tls_for_a_tls_endpoint() {
    let ours = Identity::new(HOST);
    let upstream = Upstream::echo().await;
    let spec = EndpointSpec::tls(&upstream.tcp_url())
        .url("tls://app.tunnel.test")
        .terminate_at(TerminateAt::Agent)
        .certificate(&ours.cert, &ours.key);
    let world = World::new().agent(spec).up().await;
    let trusting = client::verified(identity::roots(&ours.root), &[]);
    let mut socket = world.visitor().with_tls(trusting).connect().await;
    socket.write_all(b"hello").await.unwrap();
    socket.shutdown().await.unwrap();
    assert_eq!(until_the_end(&mut socket).await, "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_visitor_that_finished_and_is_gone_does_not_hold_the_agent_that_ends_tls() {
    let ours = Identity::new(HOST);
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let spec = EndpointSpec::tls(&format!("tcp://{}", service.local_addr().unwrap()))
        .url("tls://app.tunnel.test")
        .terminate_at(TerminateAt::Agent)
        .certificate(&ours.cert, &ours.key);
    let world = World::new().agent(spec).up().await;
    let trusting = client::verified(identity::roots(&ours.root), &[]);
    let mut visitor = world.visitor().with_tls(trusting).try_tls(&[]).await.unwrap();
    visitor.write_all(b"all").await.unwrap();
    visitor.shutdown().await.unwrap();
    let (mut served, _) = soon("the visitor's connection", service.accept()).await.unwrap();
    let mut all = String::new();
    soon("the visitor's end", served.read_to_string(&mut all)).await.unwrap();
    assert_eq!(all, "all");
    visitor.get_ref().0.set_zero_linger().unwrap();
    drop(visitor);
    soon("the relay's end", served.ready(Interest::ERROR)).await.unwrap();
    world.down().await.assert_clean();
}

#[tokio::test]
async fn http_handlers_run_at_the_agent_that_ends_tls() {
    let ours = Identity::new(HOST);
    let upstream = Upstream::mirror().await;
    let spec = EndpointSpec::http(&upstream.http_url())
        .url(URL)
        .terminate_at(TerminateAt::Agent)
        .certificate(&ours.cert, &ours.key)
        .basic_auth("ann", "long password");
    let world = World::new().agent(spec).up().await;
    assert!(world.url().starts_with(URL), "{}", world.url());
    let visitor = world.visitor().with_tls(client::verified(identity::roots(&ours.root), &[]));

    assert_eq!(visitor.get("/").await.status(), 401);
    assert_eq!(upstream.hits(), 0);
    let text = visitor
        .get("/")
        .basic("ann", "long password")
        .header("x-forwarded-for", "6.6.6.6")
        .await
        .text();
    assert!(text.contains("\nx-forwarded-for: 127.0.0.1\n"), "{text}");
    assert!(text.contains("\nx-forwarded-proto: https\n"), "{text}");
    assert!(!text.contains("6.6.6.6"), "{text}");
    let text = visitor.get("/").basic("ann", "long password").http2().await.text();
    assert!(text.starts_with("GET / HTTP/1.1\n"), "{text}");
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn an_agent_that_ends_tls_is_no_proxy_either_and_says_so() {
    let ours = Identity::new(HOST);
    let upstream = Upstream::mirror().await;
    let spec = EndpointSpec::http(&upstream.http_url())
        .url(URL)
        .terminate_at(TerminateAt::Agent)
        .certificate(&ours.cert, &ours.key);
    let world = World::new().agent(spec).up().await;
    let trusting = client::verified(identity::roots(&ours.root), &[]);
    let mut socket = world.visitor().with_tls(trusting).connect().await;
    let asked = format!("CONNECT {HOST}:443 HTTP/1.1\r\nhost: {HOST}:443\r\n\r\n");
    socket.write_all(asked.as_bytes()).await.unwrap();
    socket.flush().await.unwrap();
    let page = until_the_end(&mut socket).await;
    assert!(page.starts_with("HTTP/1.1 405 ") && page.ends_with("</html>\n"), "{page}");
    assert_eq!(upstream.hits(), 0);
    drop(socket);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn an_agent_beside_the_edge_ends_tls_with_the_edges_certificates() {
    let upstream = Upstream::counting("hello").await;
    let mut world = World::new().in_memory().up().await;
    let agent = world.agent().certificates(world.edge().certificates());
    let spec = EndpointSpec::http(&upstream.http_url()).url(URL).terminate_at(TerminateAt::Agent);
    world.join_as(agent, spec).await;
    assert_eq!(world.get("/").await.text(), "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn what_the_agent_decrypted_can_be_encrypted_again() {
    let ours = Identity::new(HOST);
    let upstream = Upstream::over_tls(&Identity::new("127.0.0.1"), &[], service::echo()).await;
    let spec = EndpointSpec::tls(&format!("tls://{}", upstream.addr()))
        .url("tls://app.tunnel.test")
        .terminate_at(TerminateAt::Agent)
        .certificate(&ours.cert, &ours.key);
    let world = World::new().agent(spec).up().await;
    let trusting = client::verified(identity::roots(&ours.root), &[]);
    let mut socket = world.visitor().with_tls(trusting).connect().await;
    socket.write_all(b"hello").await.unwrap();
    socket.shutdown().await.unwrap();
    assert_eq!(until_the_end(&mut socket).await, "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn the_service_can_end_tls_for_an_http_endpoint() {
    let theirs = Identity::new(HOST);
    let upstream = Upstream::over_tls(&theirs, &[ALPN_HTTP1], service::mirror()).await;
    let spec =
        EndpointSpec::http(&upstream.https_url()).url(URL).terminate_at(TerminateAt::Upstream);
    let world = World::new().agent(spec).up().await;
    let trusting = client::verified(identity::roots(&theirs.root), &[]);
    let text = world.visitor().with_tls(trusting).get("/").await.text();
    assert!(text.starts_with("GET / HTTP/1.1\n"), "{text}");
    assert!(!text.contains("x-forwarded-for"), "{text}");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_service_behind_tls_is_not_verified_unless_asked_for() {
    let theirs = Identity::new("wrong.example");
    let upstream = Upstream::over_tls(&theirs, &[ALPN_HTTP1], service::counting("hello")).await;
    let world = World::new().agent(EndpointSpec::http(&upstream.https_url())).up().await;
    assert_eq!(world.get("/").await.text(), "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_verified_service_must_have_the_right_name() {
    let dir = tempfile::tempdir().unwrap();
    for (name, status) in [("127.0.0.1", 200), ("wrong.example", 502)] {
        let theirs = Identity::new(name);
        let upstream = Upstream::over_tls(&theirs, &[ALPN_HTTP1], service::counting("hello")).await;
        let root = dir.path().join(name);
        std::fs::write(&root, &theirs.root).unwrap();
        let file = format!(
            "version: 3\nendpoints:\n- name: a\n  upstream:\n    url: {}\n    tls_verify: true\n    tls_verify_cas: {}\n",
            upstream.https_url(),
            root.display()
        );
        let world = World::new().agent(file).up().await;
        let reply = world.get("/").await;
        assert_eq!(reply.status().as_u16(), status, "{name}: {}", reply.text());
        if status == 502 {
            assert_eq!(reply.code(), "ERR_NGROK_8012");
        }
        world.down().await.assert_clean();
    }
}

#[tokio::test]
async fn only_visitors_with_a_certificate_are_let_in_where_it_is_asked_for() {
    let member = Identity::new("member.example");
    let stranger = Identity::new("stranger.example");
    let upstream = Upstream::counting("hello").await;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("cas.pem");
    std::fs::write(&root, &member.root).unwrap();
    let file = format!(
        "version: 2\ntunnels:\n  a: {{proto: http, addr: \"{}\", schemes: [https], mutual_tls_cas: {}}}\n",
        upstream.addr(),
        root.display()
    );
    let world = World::new().agent(file).up().await;
    let roots = || identity::roots(world.root());
    let request = format!(
        "GET / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        world.visitor().authority()
    );
    let visit = async |tls| match world.visitor().with_tls(tls).try_connect().await {
        Ok(mut socket) => {
            let _ = socket.write_all(request.as_bytes()).await;
            until_the_end(&mut socket).await
        }
        Err(_) => String::new(),
    };
    let answer = visit(member.client(roots())).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(visit(stranger.client(roots())).await, "");
    assert_eq!(visit(client::verified(roots(), &[])).await, "");
    assert_eq!(upstream.hits(), 1);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_visitor_whom_the_agent_refuses_reads_the_alert() {
    let (ours, member) = (Identity::new(HOST), Identity::new("member.example"));
    let upstream = Upstream::echo().await;
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let tunnel = format!(
        "version: 2\ntunnels:\n  a: {{proto: tls, addr: \"{}\", domain: {HOST}, terminate_at: agent, \
         crt: {}, key: {}, mutual_tls_cas: {}}}\n",
        upstream.addr(),
        file("crt.pem", &ours.cert),
        file("key.pem", &ours.key),
        file("cas.pem", &member.root),
    );
    let world = World::new().agent(tunnel).up().await;
    let stranger = client::verified(identity::roots(&ours.root), &[]);
    let mut socket = world.visitor().with_tls(stranger).connect().await;
    let error = soon("a refusal", socket.read_u8()).await.unwrap_err();
    let alert = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    let expected = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
    assert_eq!(alert, Some(&expected), "{error}");
    assert_eq!(upstream.hits(), 0);
    drop(socket);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_name_that_nobody_serves_is_refused_in_the_handshake_or_with_a_page() {
    let world = World::new().up().await;
    let port = world.edge().tls_addr().port();
    let ours = world.visitor_of(&format!("https://nobody.{}:{port}", adit_tests::world::DOMAIN));
    let reply = ours.get("/").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (404, "ERR_NGROK_3200"));
    let foreign = world.visitor_of(&format!("https://elsewhere.example:{port}"));
    let error = foreign.try_tls(&[]).await.unwrap_err();
    let error = error.into_inner().unwrap();
    let error = error.downcast_ref::<rustls::Error>().unwrap();
    assert!(matches!(error, rustls::Error::AlertReceived(_)), "{error:?}");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn both_versions_of_tls_are_spoken_with_visitors() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().agent(EndpointSpec::http(&upstream.http_url())).up().await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let provider = Arc::clone(adit_net::tls::provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(identity::roots(world.root()))
            .with_no_client_auth();
        let visitor = world.visitor().with_tls(Arc::new(config));
        let socket = visitor.try_tls(&[b"http/1.1"]).await.unwrap();
        assert_eq!(socket.get_ref().1.protocol_version(), Some(version.version));
        assert_eq!(socket.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(visitor.get("/").await.text(), "hello");
    }
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_visitor_who_names_nobody_finds_nobody() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().agent(EndpointSpec::http(&upstream.http_url())).up().await;
    let ip = world.edge().tls_addr().ip().to_string();
    let reply = world.visitor().at(&ip).get("/").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (404, "ERR_NGROK_3200"));
    assert_eq!(upstream.hits(), 0);
    world.down().await.assert_clean();
}
