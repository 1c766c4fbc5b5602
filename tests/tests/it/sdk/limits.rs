//! What kills the SDK is kept from it.

use std::time::Duration;

use adit_tests::{Upstream, World, eventually, soon};
use ngrok::prelude::*;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::machine::{Machine, url};

/// Fact: the SDK's connection dies at 512 streams.
const CAP: usize = 480;

#[tokio::test]
async fn no_more_visitors_reach_the_sdk_than_it_survives() {
    let upstream = Upstream::echo().await;
    let world =
        World::new().edge(|edge| edge.limits.proxied_wait = Duration::from_millis(50)).up().await;
    let machine = Machine::connect(&world).await;
    let to = url(&format!("tcp://{}", upstream.addr()));
    let forwarder = machine
        .run(|session| async move { session.tcp_endpoint().listen_and_forward(to).await })
        .await
        .unwrap();
    let visitor = world.visitor_of(forwarder.url());
    let mut held = Vec::new();
    for _ in 0..CAP {
        held.push(visitor.tcp().await);
    }
    all_echo(&mut held).await;
    for _ in 0..40 {
        let mut refused = visitor.tcp().await;
        assert!(!matches!(soon("the end", refused.read(&mut [0])).await, Ok(1..)));
    }
    all_echo(&mut held).await;
    assert_eq!(world.edge().sessions()[0].n_legs, 1);

    held.truncate(CAP - 10);
    eventually("there is room again", async || {
        let mut socket = visitor.tcp().await;
        socket.write_all(b"?").await.ok()?;
        socket.read_exact(&mut [0]).await.ok()
    })
    .await;
    drop((held, forwarder, machine));
    world.down().await.assert_no_task_left();
}

/// Asks all before it waits for any: each answer of the SDK takes some 40 ms, and they overlap.
async fn all_echo(sockets: &mut [TcpStream]) {
    for socket in &mut *sockets {
        socket.write_all(b"?").await.unwrap();
    }
    for socket in sockets {
        soon("an echo", socket.read_exact(&mut [0])).await.unwrap();
    }
}
