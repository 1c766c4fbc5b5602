//! What the SDK asks the edge to do with requests.

use adit_tests::{Identity, Upstream, World, identity};
use ngrok::{config::HttpTunnelBuilder, prelude::*};
use tokio::io::AsyncWriteExt as _;

use super::machine::{Machine, url};

struct Served {
    world: World,
    upstream: Upstream,
    forwarder: ngrok::forwarder::Forwarder<ngrok::tunnel::HttpTunnel>,
    machine: Machine,
}

impl Served {
    /// A mirror behind an endpoint of the SDK with these options.
    async fn with(options: impl FnOnce(&mut HttpTunnelBuilder) + Send + 'static) -> Self {
        let upstream = Upstream::mirror().await;
        let world = World::new().up().await;
        let machine = Machine::connect(&world).await;
        let to = url(&upstream.http_url());
        let forwarder = machine
            .run(|session| async move {
                let mut endpoint = session.http_endpoint();
                options(&mut endpoint);
                endpoint.listen_and_forward(to).await
            })
            .await
            .unwrap();
        Self { world, upstream, forwarder, machine }
    }

    fn visitor(&self) -> adit_tests::Visitor {
        self.world.visitor_of(self.forwarder.url())
    }

    async fn down(self) {
        let Self { world, forwarder, machine, upstream: _upstream } = self;
        drop((forwarder, machine));
        world.down().await.assert_no_task_left();
    }
}

#[tokio::test]
async fn basic_auth_is_asked_for_at_the_edge() {
    let served = Served::with(|endpoint| {
        endpoint.basic_auth("ann", "long password").basic_auth("bob", "other password");
    })
    .await;
    assert_eq!(served.visitor().get("/").await.status(), 401);
    assert_eq!(served.visitor().get("/").basic("ann", "other password").await.status(), 401);
    assert_eq!(served.upstream.hits(), 0);
    assert_eq!(served.visitor().get("/").basic("ann", "long password").await.status(), 200);
    assert_eq!(served.visitor().get("/").basic("bob", "other password").await.status(), 200);
    served.down().await;
}

#[tokio::test]
async fn headers_are_changed_at_the_edge() {
    let served = Served::with(|endpoint| {
        endpoint
            .request_header("X-In", "yes")
            .remove_request_header("X-Out")
            .response_header("X-Back", "yes")
            .remove_response_header("X-Mirror");
    })
    .await;
    let reply = served.visitor().get("/").header("x-out", "1").await;
    let text = reply.text();
    assert!(text.contains("\nx-in: yes\n") && !text.contains("x-out"), "{text}");
    assert_eq!((reply.header("x-back"), reply.header("x-mirror")), ("yes", ""));
    served.down().await;
}

#[tokio::test]
async fn the_host_is_rewritten_for_the_service() {
    let served = Served::with(|endpoint| {
        endpoint.host_header_rewrite(true);
    })
    .await;
    let text = served.visitor().get("/").await.text();
    let host = served.upstream.addr().ip();
    assert!(text.contains(&format!("\nhost: {host}")), "{text}");
    served.down().await;
}

#[tokio::test]
async fn networks_are_refused_at_the_edge() {
    let served = Served::with(|endpoint| {
        endpoint.allow_cidr("0.0.0.0/0").deny_cidr("127.0.0.0/8");
    })
    .await;
    let reply = served.visitor().get("/").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (403, "ERR_NGROK_3203"));
    assert_eq!(served.upstream.hits(), 0);
    served.down().await;
}

#[tokio::test]
async fn user_agents_are_filtered_at_the_edge() {
    let served = Served::with(|endpoint| {
        endpoint.allow_user_agent("^curl/").deny_user_agent("curl/6");
    })
    .await;
    for (agent, status) in [("curl/8", 200), ("curl/6", 403), ("Mozilla", 403)] {
        let reply = served.visitor().get("/").header("user-agent", agent).await;
        assert_eq!(reply.status().as_u16(), status, "{agent}");
    }
    served.down().await;
}

#[tokio::test]
async fn responses_are_compressed_at_the_edge() {
    let served = Served::with(|endpoint| {
        endpoint.compression().circuit_breaker(0.5).response_header("content-type", "text/plain");
    })
    .await;
    let reply =
        served.visitor().post("/", "x".repeat(5000)).header("accept-encoding", "gzip").await;
    assert_eq!(reply.header("content-encoding"), "gzip");
    assert!(reply.bytes().len() < 1000);
    served.down().await;
}

#[tokio::test]
async fn client_certificates_are_asked_for_at_the_edge() {
    let member = Identity::new("member.example");
    let cas = member.root.clone().into();
    let served = Served::with(move |endpoint| {
        endpoint.mutual_tlsca(cas);
    })
    .await;
    let visitor = served.visitor();
    let request =
        format!("GET / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", visitor.authority());
    let ask = async |visitor: adit_tests::Visitor| {
        let Ok(mut socket) = visitor.try_connect().await else { return String::new() };
        let _ = socket.write_all(request.as_bytes()).await;
        adit_tests::visitor::until_the_end(&mut socket).await
    };
    let theirs = member.client(identity::roots(served.world.root()));
    assert!(ask(visitor.clone().with_tls(theirs)).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(ask(visitor).await, "");
    served.down().await;
}

#[tokio::test]
async fn a_sign_in_without_an_application_of_ones_own_is_refused() {
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let error = machine
        .run(|session| async move {
            let mut endpoint = session.http_endpoint();
            endpoint.oauth(OauthOptions::new("google"));
            endpoint.listen().await.map(drop)
        })
        .await
        .unwrap_err();
    assert!(error.msg().contains("client"), "{}", error.msg());
    drop(machine);
    world.down().await.assert_no_task_left();
}
