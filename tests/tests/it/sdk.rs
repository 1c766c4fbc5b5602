//! The published Rust SDK, unchanged, against our edge.
//!
//! It leaves tasks and sockets behind when it is dropped, so it runs on a machine of its own.

mod limits;
pub(crate) mod machine;
mod middleware;
mod sessions;

use adit_tests::{
    Identity, Upstream, World, identity, service, soon, stranger::NeverReads,
    visitor::until_the_end,
};
use futures_util::{SinkExt as _, StreamExt as _};
use ngrok::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

use self::machine::{Machine, url};
use crate::storm;

#[tokio::test]
async fn an_http_endpoint_of_the_sdk_is_served() {
    let upstream = Upstream::mirror().await;
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let to = url(&upstream.http_url());
    let forwarder = machine
        .run(|session| async move {
            session.http_endpoint().metadata("of a test").listen_and_forward(to).await
        })
        .await
        .unwrap();
    let info = world.edge().sessions().remove(0);
    assert_eq!((info.client_type.as_str(), info.tunnels.len()), ("ngrok-rust", 1));
    assert_eq!(info.tunnels[0].metadata, "of a test");
    assert_eq!(info.tunnels[0].url, forwarder.url());

    let visitor = world.visitor_of(forwarder.url());
    let reply = visitor.post("/a?b", "body").header("x-forwarded-for", "6.6.6.6").await;
    let text = reply.text();
    assert!(text.starts_with("POST /a?b HTTP/1.1\n"), "{text}");
    assert!(text.contains("\nx-forwarded-for: 127.0.0.1\n"), "{text}");
    assert!(text.contains("\nx-forwarded-proto: https\n") && text.ends_with("\n\nbody"), "{text}");
    assert!(visitor.get("/").http2().await.text().starts_with("GET / HTTP/1.1\n"));
    drop((forwarder, machine));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_listener_of_the_sdk_knows_its_visitors() {
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let mut tunnel =
        machine.run(|session| async move { session.tcp_endpoint().listen().await }).await.unwrap();
    assert!(tunnel.url().starts_with("tcp://tunnel.test:"), "{}", tunnel.url());
    let mut socket = world.visitor_of(tunnel.url()).tcp().await;
    let mut conn = soon("a connection", tunnel.next()).await.unwrap().unwrap();
    assert_eq!(conn.remote_addr(), socket.local_addr().unwrap());
    conn.write_all(b"server first").await.unwrap();
    conn.shutdown().await.unwrap();
    assert_eq!(until_the_end(&mut socket).await, "server first");
    socket.write_all(b"and back").await.unwrap();
    socket.shutdown().await.unwrap();
    let mut back = String::new();
    soon("the rest", conn.read_to_string(&mut back)).await.unwrap();
    assert_eq!(back, "and back");
    drop((conn, tunnel, machine));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn half_close_survives_the_sdk() {
    let upstream = Upstream::counts_to_the_end().await;
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let to = url(&format!("tcp://{}", upstream.addr()));
    let forwarder = machine
        .run(|session| async move { session.tcp_endpoint().listen_and_forward(to).await })
        .await
        .unwrap();
    let mut socket = world.visitor_of(forwarder.url()).connect().await;
    socket.write_all(&vec![0; 3_000_000]).await.unwrap();
    socket.shutdown().await.unwrap();
    assert_eq!(until_the_end(&mut socket).await, "3000000");
    drop((forwarder, machine));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_tls_endpoint_of_the_sdk_passes_tls_through() {
    let theirs = Identity::new("app.tunnel.test");
    let upstream = Upstream::over_tls(&theirs, &[], service::echo()).await;
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let to = url(&format!("tls://{}", upstream.addr()));
    let forwarder = machine
        .run(|session| async move {
            session.tls_endpoint().domain("app.tunnel.test").listen_and_forward(to).await
        })
        .await
        .unwrap();
    let trusting = adit_net::tls::client::verified(identity::roots(&theirs.root), &[]);
    let visitor = world.visitor_of(forwarder.url()).with_tls(trusting);
    assert_eq!(echo(&mut visitor.connect().await).await, "hello");
    drop((forwarder, machine));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn the_edge_ends_tls_with_the_certificate_of_the_sdk() {
    let ours = Identity::new("app.tunnel.test");
    let upstream = Upstream::echo().await;
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let to = url(&format!("tcp://{}", upstream.addr()));
    let (cert, key) = (ours.cert.clone().into(), ours.key.clone().into());
    let forwarder = machine
        .run(|session| async move {
            let mut endpoint = session.tls_endpoint();
            endpoint.domain("app.tunnel.test").termination(cert, key);
            endpoint.listen_and_forward(to).await
        })
        .await
        .unwrap();
    let trusting = adit_net::tls::client::verified(identity::roots(&ours.root), &[]);
    let visitor = world.visitor_of(forwarder.url()).with_tls(trusting);
    assert_eq!(echo(&mut visitor.connect().await).await, "hello");
    drop((forwarder, machine));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_websocket_echoes_through_the_sdk() {
    let upstream = Upstream::serve(service::websocket_echo()).await;
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let to = url(&upstream.http_url());
    let forwarder = machine
        .run(|session| async move { session.http_endpoint().listen_and_forward(to).await })
        .await
        .unwrap();
    let mut socket = world.visitor_of(forwarder.url()).websocket("/").await;
    let message = Message::binary(vec![7; 200_000]);
    socket.send(message.clone()).await.unwrap();
    assert_eq!(soon("an echo", socket.next()).await.unwrap().unwrap(), message);
    drop((socket, forwarder, machine));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn the_edge_speaks_http2_to_a_service_of_the_sdk_that_asks_for_it() {
    let upstream = Upstream::mirror().await;
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let to = url(&upstream.http_url());
    let forwarder = machine
        .run(|session| async move {
            session.http_endpoint().app_protocol("http2").listen_and_forward(to).await
        })
        .await
        .unwrap();
    let text = world.visitor_of(forwarder.url()).get("/x").await.text();
    assert!(text.starts_with("GET ") && text.contains("/x HTTP/2.0\n"), "{text}");
    drop((forwarder, machine));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn the_sdk_hands_on_the_proxy_header_of_the_edge() {
    let upstream = Upstream::echo().await;
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let to = url(&format!("tcp://{}", upstream.addr()));
    let forwarder = machine
        .run(|session| async move {
            session.tcp_endpoint().proxy_proto(ProxyProto::V1).listen_and_forward(to).await
        })
        .await
        .unwrap();
    let mut socket = world.visitor_of(forwarder.url()).tcp().await;
    let (visitor, server) = (socket.local_addr().unwrap(), socket.peer_addr().unwrap());
    socket.write_all(b"payload").await.unwrap();
    socket.shutdown().await.unwrap();
    let (from, to) = (visitor.ip(), server.ip());
    let (from_port, to_port) = (visitor.port(), server.port());
    let expected = format!("PROXY TCP4 {from} {to} {from_port} {to_port}\r\npayload");
    assert_eq!(until_the_end(&mut socket).await, expected);
    drop((forwarder, machine));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_service_of_the_sdk_that_is_down_is_a_bad_gateway() {
    let nobody = Upstream::nobody().await;
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let to = url(&format!("http://{nobody}"));
    let forwarder = machine
        .run(|session| async move { session.http_endpoint().listen_and_forward(to).await })
        .await
        .unwrap();
    let reply = world.visitor_of(forwarder.url()).get("/").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (502, "ERR_NGROK_3004"));
    drop((forwarder, machine));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_stream_that_the_sdk_does_not_read_stalls_nobody_else() {
    let upstream = Upstream::echo().await;
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let to = url(&format!("tcp://{}", upstream.addr()));
    let (mut listener, forwarder) = machine
        .run(|session| async move {
            let listener = session.tcp_endpoint().listen().await.unwrap();
            (listener, session.tcp_endpoint().listen_and_forward(to).await.unwrap())
        })
        .await;
    let mut stranger = NeverReads::on(world.visitor_of(listener.url()).tcp().await);
    let unread = soon("a connection", listener.next()).await.unwrap().unwrap();
    let taken = stranger.until_stalled(&[0; 64 * 1024], 64 * 1024 * 1024).await;
    assert!(taken < 32 * 1024 * 1024, "{taken} bytes are somewhere");
    for _ in 0..3 {
        let mut socket = world.visitor_of(forwarder.url()).connect().await;
        assert_eq!(echo(&mut socket).await, "hello");
    }
    drop((unread, stranger, listener, forwarder, machine));
    world.down().await.assert_no_task_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_a_storm_everybody_gets_his_own_bytes_from_the_sdk() {
    let (web, raw) = (storm::web().await, Upstream::echo().await);
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let (to_web, to_raw) = (url(&web.http_url()), url(&format!("tcp://{}", raw.addr())));
    let (http, tcp) = machine
        .run(|session| async move {
            let http = session.http_endpoint().listen_and_forward(to_web).await.unwrap();
            (http, session.tcp_endpoint().listen_and_forward(to_raw).await.unwrap())
        })
        .await;
    let (web, raw) = (world.visitor_of(http.url()), world.visitor_of(tcp.url()));
    let failed = soon("the storm", storm::storm(&web, &raw).join_all()).await;
    assert_eq!(failed.iter().sum::<u64>(), 0);
    drop((http, tcp, machine));
    world.down().await.assert_no_task_left();
}

async fn echo(socket: &mut adit_tests::Socket) -> String {
    socket.write_all(b"hello").await.unwrap();
    socket.shutdown().await.unwrap();
    until_the_end(socket).await
}
