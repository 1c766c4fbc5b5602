//! Every classic handler once, as a file asks for it and a visitor meets it.

use adit_tests::{Upstream, World, service, soon};
use futures_util::{SinkExt as _, StreamExt as _};
use http::{Response, StatusCode};
use tokio_tungstenite::tungstenite::Message;

/// A file with one endpoint that has these handlers.
fn handlers(upstream: &Upstream, list: &str) -> String {
    let url = upstream.http_url();
    format!(
        "version: 3\nendpoints:\n- name: a\n  upstream: {{url: \"{url}\"}}\n  handlers:\n{list}"
    )
}

/// A file with one tunnel that has these options.
fn tunnel(upstream: &Upstream, options: &str) -> String {
    let addr = upstream.addr();
    format!(
        "version: 2\ntunnels:\n  a:\n    proto: http\n    addr: \"{addr}\"\n    schemes: [https]\n{options}"
    )
}

#[tokio::test]
async fn basic_auth_stops_strangers_before_the_upstream() {
    let upstream = Upstream::counting("hello").await;
    let file = handlers(&upstream, "  - basic-auth: {credentials: [\"ann:long password\"]}\n");
    let world = World::new().agent(file).up().await;

    let reply = world.get("/").await;
    assert_eq!(reply.status(), 401);
    assert!(reply.header("www-authenticate").starts_with("Basic "), "{reply:?}");
    assert_eq!(world.get("/").basic("ann", "wrong").await.status(), 401);
    assert_eq!(upstream.hits(), 0);
    assert_eq!(world.get("/").basic("ann", "long password").await.text(), "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn the_classic_options_of_a_tunnel_work() {
    let upstream = Upstream::mirror().await;
    let file = tunnel(
        &upstream,
        "    basic_auth: [\"ann:long password\"]\n    host_header: rewrite\n    \
         request_header: {add: [\"x-in: yes\"], remove: [x-out]}\n    \
         response_header: {add: [\"x-back: yes\"], remove: [x-mirror]}\n",
    );
    let world = World::new().agent(file).up().await;
    assert_eq!(world.get("/").await.status(), 401);
    let reply = world.get("/").basic("ann", "long password").header("x-out", "1").await;
    assert_eq!(reply.status(), 200);
    let text = reply.text();
    assert!(text.contains(&format!("\nhost: {}\n", upstream.addr())), "{text}");
    assert!(text.contains("\nx-in: yes\n") && !text.contains("x-out"), "{text}");
    assert_eq!((reply.header("x-back"), reply.header("x-mirror")), ("yes", ""));
    world.down().await.assert_clean();
}

#[tokio::test]
async fn networks_that_are_not_allowed_are_told_so() {
    let upstream = Upstream::counting("hello").await;
    for (options, status) in [
        ("allow: [127.0.0.0/8]", 200),
        ("allow: [192.0.2.0/24]", 403),
        ("allow: [0.0.0.0/0], deny: [127.0.0.0/8]", 403),
        ("allow: [127.0.0.0/8], deny: [127.0.0.2]", 200),
    ] {
        let file = handlers(&upstream, &format!("  - ip-restriction: {{{options}}}\n"));
        let world = World::new().agent(file).up().await;
        let reply = world.get("/").await;
        assert_eq!(reply.status().as_u16(), status, "{options}");
        let code = if status == 403 { "ERR_NGROK_3203" } else { "" };
        assert_eq!(reply.code(), code, "{options}");
        world.down().await.assert_clean();
    }
    assert_eq!(upstream.hits(), 2);
}

#[tokio::test]
async fn a_restricted_tcp_endpoint_closes_the_connection() {
    let upstream = Upstream::echo().await;
    let file = format!(
        "version: 2\ntunnels:\n  a: {{proto: tcp, addr: \"{}\", ip_restriction: {{allow_cidrs: [192.0.2.0/24]}}}}\n",
        upstream.addr()
    );
    let world = World::new().agent(file).up().await;
    assert_eq!(world.visitor().raw("hello").await, "");
    assert_eq!(upstream.hits(), 0);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn responses_are_compressed_for_visitors_who_want_that() {
    let upstream = Upstream::http(|_| async {
        let mut response = Response::new(service::body("compress me ".repeat(1000)));
        response.headers_mut().insert("content-type", "text/plain".parse().unwrap());
        response
    })
    .await;
    let world = World::new().agent(handlers(&upstream, "  - compression\n")).up().await;
    let plain = world.get("/").await;
    assert_eq!((plain.header("content-encoding"), plain.bytes().len()), ("", 12_000));
    let small = world.get("/").header("accept-encoding", "gzip").await;
    assert_eq!(small.header("content-encoding"), "gzip");
    assert!(small.bytes().len() < 1000 && small.bytes().starts_with(&[0x1f, 0x8b]));
    world.down().await.assert_clean();
}

#[tokio::test]
async fn an_upstream_that_keeps_failing_is_left_alone_for_a_while() {
    let upstream = Upstream::http(|_| async {
        let mut response = Response::new(service::body("broken"));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
    .await;
    let file =
        handlers(&upstream, "  - circuit-breaker: {error_threshold: 0.1, volume_threshold: 5}\n");
    let world = World::new().agent(file).up().await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(world.get("/").await.status().as_u16());
    }
    let n_asked = upstream.hits();
    assert!((5..12).contains(&n_asked), "{statuses:?}");
    assert!(statuses[..n_asked].iter().all(|status| *status == 500), "{statuses:?}");
    assert!(statuses[n_asked..].iter().all(|status| *status == 503), "{statuses:?}");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn user_agents_are_filtered() {
    let upstream = Upstream::counting("hello").await;
    let file =
        tunnel(&upstream, "    user_agent_filter: {allow: [\"^curl/\"], deny: [\"curl/6\"]}\n");
    let world = World::new().agent(file).up().await;
    for (agent, status) in [("curl/8.0", 200), ("curl/6.1", 403), ("Mozilla/5.0", 403)] {
        let reply = world.get("/").header("user-agent", agent).await;
        assert_eq!(reply.status().as_u16(), status, "{agent}");
    }
    assert_eq!(world.get("/").await.code(), "ERR_NGROK_3211");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_websocket_outside_is_bytes_inside() {
    let upstream = Upstream::echo().await;
    let world =
        World::new().agent(tunnel(&upstream, "    websocket_tcp_converter: true\n")).up().await;
    let mut socket = world.visitor().websocket("/").await;
    socket.send(Message::binary(&b"in a frame"[..])).await.unwrap();
    let mut got = Vec::new();
    while got.len() < 10 {
        let message = soon("a message", socket.next()).await.unwrap().unwrap();
        got.extend_from_slice(&message.into_data());
    }
    assert_eq!(got, b"in a frame");
    socket.close(None).await.unwrap();
    while let Some(Ok(_)) = soon("the goodbye", socket.next()).await {}
    drop(socket);
    assert_eq!(world.get("/").await.status(), 400);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn the_users_order_of_handlers_holds() {
    let upstream = Upstream::mirror().await;
    let file = handlers(
        &upstream,
        "  - request-headers: {add: [\"x-who: stranger\"]}\n  \
         - basic-auth: {credentials: [\"ann:long password\"]}\n  \
         - request-headers: {add: [\"x-who: ann\"], remove: [authorization]}\n",
    );
    let world = World::new().agent(file).up().await;
    let text = world.get("/").basic("ann", "long password").await.text();
    let (first, second) = (text.find("x-who: stranger"), text.find("x-who: ann"));
    assert!(second.is_some() && first <= second, "{text}");
    assert!(!text.contains("authorization"), "{text}");
    world.down().await.assert_clean();
}
