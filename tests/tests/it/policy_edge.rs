//! Traffic policies at the edge: of SDKs, and of agents whose rules need what only the edge has.

use adit_tests::{Upstream, World, eventually, soon};
use ngrok::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::sdk::machine::{Machine, url};

const MARK: &str = "\
on_http_request:
- expressions: [\"req.url.path == '/closed'\"]
  actions:
  - type: deny
    config: { status_code: 451 }
on_http_response:
- actions:
  - type: add-headers
    config: { headers: { x-edge: \"${req.method}\" } }
";

#[tokio::test]
async fn the_edge_enforces_what_the_sdk_asks_for() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let structured = r#"{"inbound": [{"actions": [{"type": "deny"}]}]}"#;
    for is_text in [true, false] {
        let to = url(&upstream.http_url());
        let forwarder = machine
            .run(move |session| async move {
                let mut endpoint = session.http_endpoint();
                if is_text {
                    endpoint.traffic_policy(MARK);
                } else {
                    endpoint.policy(structured).unwrap();
                }
                endpoint.listen_and_forward(to).await
            })
            .await
            .unwrap();
        let visitor = world.visitor_of(forwarder.url());
        let reply = visitor.get("/").await;
        if is_text {
            assert_eq!((reply.text().as_str(), reply.header("x-edge")), ("hello", "GET"));
            assert_eq!(visitor.get("/closed").await.status(), 451);
        } else {
            assert_eq!(reply.status(), 403);
        }
    }
    assert_eq!(upstream.hits(), 1);
    drop(machine);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn what_is_wrong_is_told_to_the_sdk() {
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    for (policy, says) in [
        ("on_http_request:\n- actions:\n  - type: denny\n", "TrafficPolicy:3:11: "),
        ("on_http_request: [\n", "TrafficPolicy:2:"),
    ] {
        let error = machine
            .run(move |session| async move {
                let mut endpoint = session.http_endpoint();
                endpoint.traffic_policy(policy);
                endpoint.listen().await.map(drop)
            })
            .await
            .unwrap_err();
        assert_eq!(error.error_code(), Some("ERR_NGROK_9026"), "{}", error.msg());
        assert!(error.msg().contains(says), "{}", error.msg());
    }
    drop(machine);
    world.down().await.assert_no_task_left();
}

/// The file of an agent with one endpoint and a policy for it.
fn file(upstream: &Upstream, more: &str, policy: &str) -> String {
    format!(
        "version: 3\nendpoints:\n- name: web\n  url: https://web.tunnel.test\n  upstream: {{url: \
         \"{}\"}}\n{more}  traffic_policy:\n    {}\n",
        upstream.http_url(),
        policy.trim_end().replace('\n', "\n    ")
    )
}

#[tokio::test]
async fn an_agent_may_leave_its_rules_to_the_edge() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().agent(file(&upstream, "  enforce: edge\n", MARK)).up().await;
    let visitor = world.visitor_of(&world.url());
    assert_eq!(visitor.get("/").await.header("x-edge"), "GET");
    assert_eq!(visitor.get("/closed").await.status(), 451);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn rules_about_tls_go_where_it_ends() {
    let upstream = Upstream::counting("hello").await;
    let policy = "\
on_tcp_connect:
- actions:
  - type: terminate-tls
    config: { min_version: \"1.3\" }
on_http_request:
- actions:
  - type: custom-response
    config: { body: \"TLS ${conn.tls.version}\" }
";
    let world = World::new().agent(file(&upstream, "", policy)).up().await;
    let reply = world.visitor_of(&world.url()).get("/").await;
    assert_eq!(reply.text(), "TLS 1.3");
    assert_eq!(upstream.hits(), 0);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn rules_end_the_tls_of_an_endpoint_that_would_pass_it_on() {
    let echo = Upstream::echo().await;
    let text = format!(
        "version: 3\nendpoints:\n- name: bytes\n  url: tls://bytes.tunnel.test\n  upstream: {{url: \
         \"{}\"}}\n  traffic_policy:\n    on_tcp_connect: [{{actions: [{{type: terminate-tls}}]}}]\n",
        echo.tcp_url()
    );
    let world = World::new().agent(text).up().await;
    // Trusted is the edge's certificate: the service has none.
    let mut socket = world.visitor_of(&world.url()).connect().await;
    socket.write_all(b"plain").await.unwrap();
    let mut back = [0; 5];
    soon("an echo", socket.read_exact(&mut back)).await.unwrap();
    assert_eq!(&back, b"plain");
    drop(socket);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn rules_lead_to_internal_endpoints_of_other_agents() {
    let (front, inner) = (Upstream::counting("front").await, Upstream::counting("inner").await);
    let policy = "\
on_http_request:
- expressions: [\"req.url.path.startsWith('/inner')\"]
  actions:
  - type: forward-internal
    config: { url: https://inner.internal }
";
    let internal = format!(
        "version: 3\nendpoints:\n- name: inner\n  url: https://inner.internal\n  upstream: {{url: \"{}\"}}\n",
        inner.http_url()
    );
    let world = World::new().agent(file(&front, "", policy)).agent(internal).up().await;
    let visitor = world.visitor_of(&world.url());
    assert_eq!(visitor.get("/").await.text(), "front");
    assert_eq!(visitor.get("/inner/x").await.text(), "inner");
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn rules_change_while_the_edge_serves() {
    let upstream = Upstream::counting("hello").await;
    let text = |policy: &str| file(&upstream, "  enforce: edge\n", policy);
    let world = World::new().agent(text(MARK)).up().await;
    let visitor = world.visitor_of(&world.url());
    assert_eq!(visitor.get("/closed").await.status(), 451);
    let other = adit_tests::world::Specs::from(text(&MARK.replace("451", "410")));
    world.endpoint(0).renew(other.first()).await.unwrap();
    eventually("the new rules", async || {
        (visitor.get("/closed").await.status() == 410).then_some(())
    })
    .await;
    world.down().await.assert_no_task_left();
}
