//! Sessions of the SDK: refused, broken, stopped.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use adit_chain::{Conn, Protocol};
use adit_net::{Io, Rewind};
use adit_proto::ErrorCode;
use adit_runtime::{ForwardCx, forward};
use adit_tests::{Upstream, Visitor, World, eventually, soon};
use futures_util::StreamExt as _;
use ngrok::prelude::*;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
};
use url::Url;

use super::machine::{Machine, builder, url};

async fn served(visitor: &Visitor) {
    eventually("the endpoint is served", async || {
        let reply = visitor.get("/").try_send().await.ok()?;
        (reply.status() == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_wrong_token_is_an_error_with_its_code() {
    let world = World::new().up().await;
    let mut builder = builder(&world, world.edge().tls_addr());
    builder.authtoken("wrong");
    let error = Machine::try_connect(builder).await.err().unwrap();
    assert_eq!(error.error_code(), Some("ERR_NGROK_107"));
    assert!(!error.msg().contains("ERR_NGROK"), "{}", error.msg());
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_name_that_is_taken_is_an_error_with_its_code() {
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let listen = async |pool: bool| {
        machine
            .run(move |session| async move {
                let mut endpoint = session.http_endpoint();
                endpoint.domain("app.tunnel.test").pooling_enabled(pool).listen().await
            })
            .await
    };
    let first = listen(false).await.unwrap();
    let error = listen(false).await.err().unwrap();
    assert_eq!(error.error_code(), Some("ERR_NGROK_334"));
    drop(first);
    let first = eventually("the name is free", async || listen(true).await.ok()).await;
    let second = listen(true).await.unwrap();
    assert_eq!(first.url(), second.url());
    drop((first, second, machine));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_forced_disconnect_costs_no_url() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().path(Duration::ZERO).up().await;
    let machine = Machine::connect_by_path(&world).await;
    let to = url(&upstream.http_url());
    let forwarder = machine
        .run(|session| async move { session.http_endpoint().listen_and_forward(to).await })
        .await
        .unwrap();
    let visitor = world.visitor_of(forwarder.url());
    for _ in 0..2 {
        assert_eq!(visitor.get("/").await.text(), "hello");
        world.path().cut();
    }
    served(&visitor).await;
    assert_eq!(world.edge().sessions().len(), 1);
    drop((forwarder, machine));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_restart_of_the_edge_costs_no_url() {
    let upstream = Upstream::counting("hello").await;
    let mut world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let to = url(&upstream.http_url());
    let forwarder = machine
        .run(|session| async move { session.http_endpoint().listen_and_forward(to).await })
        .await
        .unwrap();
    let visitor = world.visitor_of(forwarder.url());
    assert_eq!(visitor.get("/").await.text(), "hello");
    let _ = world.edge_mut().stop(Duration::ZERO).await;
    world.edge_mut().start_again().await;
    let back = Instant::now();
    served(&visitor).await;
    assert!(back.elapsed() < Duration::from_secs(3), "{:?}", back.elapsed());
    drop((forwarder, machine));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn an_edge_that_has_lost_its_key_costs_the_sdk_no_url() {
    let upstream = Upstream::counting("hello").await;
    let mut world = World::new().path(Duration::ZERO).up().await;
    let machine = Machine::connect_by_path(&world).await;
    let (web, raw) = (url(&upstream.http_url()), url(&format!("tcp://{}", upstream.addr())));
    let forwarders = machine
        .run(|session| async move {
            let web = session.http_endpoint().listen_and_forward(web).await.unwrap();
            (web, session.tcp_endpoint().listen_and_forward(raw).await.unwrap())
        })
        .await;
    // It notices once the edge is back: after three attempts in vain it would wait for minutes.
    world.path().fall_silent();
    let _ = world.edge_mut().stop(Duration::ZERO).await;
    world.edge().lose_key();
    world.edge_mut().start_again().await;
    world.path().cut();
    served(&world.visitor_of(forwarders.0.url())).await;
    let port: Url = forwarders.1.url().replace("tcp:", "http:").parse().unwrap();
    let raw = (world.edge().tls_addr().ip(), port.port().unwrap());
    eventually("the port is served", async || TcpStream::connect(raw).await.ok()).await;
    drop((forwarders, machine));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_tunnel_that_an_operator_stops_ends_at_the_sdk() {
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let mut tunnel =
        machine.run(|session| async move { session.http_endpoint().listen().await }).await.unwrap();
    let visitor = world.visitor_of(tunnel.url());
    let id = world.edge().sessions()[0].tunnels[0].id.clone();
    world.edge().stop_tunnel(&id, "enough", Some(ErrorCode(3208))).await.unwrap();
    let error = soon("the end", tunnel.next()).await.unwrap().err().unwrap();
    assert_eq!(error.to_string(), "listener closed: enough, ERR_NGROK_3208");
    assert_eq!(visitor.get("/").await.code(), "ERR_NGROK_3200");
    drop((tunnel, machine));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_session_that_an_operator_stops_asks_its_program() {
    let world = World::new().up().await;
    let (send, mut asked) = mpsc::channel(1);
    let mut builder = builder(&world, world.edge().tls_addr());
    builder.handle_stop_command(move |_| {
        let send = send.clone();
        async move { send.send(()).await.map_err(|_| "nobody is there".to_owned()) }
    });
    let machine = Machine::try_connect(builder).await.unwrap();
    let id = world.edge().sessions()[0].id.clone();
    soon("an answer", world.edge().stop_session(&id)).await.unwrap();
    soon("the question", asked.recv()).await.unwrap();
    drop(machine);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_labelled_tunnel_of_the_sdk_is_found_by_its_labels() {
    let upstream = Upstream::echo().await;
    let world = World::new().up().await;
    let machine = Machine::connect(&world).await;
    let to = url(&format!("tcp://{}", upstream.addr()));
    let forwarder = machine
        .run(|session| async move {
            session.labeled_tunnel().label("app", "echo").listen_and_forward(to).await
        })
        .await
        .unwrap();
    let labels = BTreeMap::from([("app".to_owned(), "echo".to_owned())]);
    let route = world.edge().route_labels("local", &labels, "tcp://tunnel.test:1", Protocol::Tcp);
    let route = route.unwrap();
    let (mut visitor, server) = tokio::io::duplex(1024);
    let addr = "192.0.2.7:5555".parse().unwrap();
    let conn = Arc::new(Conn::new(addr, addr, Arc::clone(&route.endpoint)));
    let cx = ForwardCx::default();
    let forwarded = Box::pin(forward(conn, Rewind::new(Io::other(server)), route, &cx));
    let talk = async {
        visitor.write_all(b"by label").await.unwrap();
        visitor.shutdown().await.unwrap();
        let mut echo = String::new();
        visitor.read_to_string(&mut echo).await.unwrap();
        echo
    };
    let (echo, _) = soon("an echo", async { tokio::join!(talk, forwarded) }).await;
    assert_eq!(echo, "by label");
    drop((forwarder, machine));
    world.down().await.assert_no_task_left();
}
