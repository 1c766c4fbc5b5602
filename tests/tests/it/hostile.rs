//! Strangers at every listener: each costs a bounded amount, and nobody else notices.

mod agents;
mod load;
mod requests;

use std::time::Duration;

use adit_agent::EndpointSpec;
use adit_tests::{
    Upstream, World, soon,
    stranger::{ClosesOneHalf, GARBAGE, SendsOneByteAtATime},
    visitor::until_the_end,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const LIMIT: Duration = Duration::from_millis(100);

/// A world whose strangers have little time.
async fn impatient(upstream: &Upstream) -> World {
    World::new()
        .edge(|edge| {
            edge.limits.tls_handshake = LIMIT;
            edge.limits.auth = LIMIT;
        })
        .agent(EndpointSpec::http(&upstream.http_url()))
        .up()
        .await
}

#[tokio::test]
async fn garbage_at_any_port_ends_only_its_own_connection() {
    let upstream = Upstream::counting("hello").await;
    let world = impatient(&upstream).await;
    let ports = [world.edge().tls_addr(), world.edge().http_addr()];
    for garbage in GARBAGE {
        for port in ports {
            let mut socket = tokio::net::TcpStream::connect(port).await.unwrap();
            socket.write_all(garbage).await.unwrap();
            // Half a message may take as long as a message: then the stranger gives up.
            let _ = socket.shutdown().await;
            let answer = until_the_end(&mut socket).await;
            assert!(!answer.contains("HTTP/1.1 2"), "{garbage:?}: {answer}");
        }
    }
    assert_eq!(world.get("/").await.text(), "hello");
    assert_eq!(upstream.hits(), 1);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let upstream = Upstream::counting("hello").await;
    let world = impatient(&upstream).await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(world.visitor().tcp().await);
    }
    assert_eq!(world.get("/").await.text(), "hello");
    for mut socket in silent {
        assert_eq!(soon("the end", socket.read(&mut [0])).await.unwrap_or_default(), 0);
    }
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_hello_that_comes_byte_by_byte_has_the_time_of_one() {
    let upstream = Upstream::counting("hello").await;
    let world = impatient(&upstream).await;
    let hello = [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], &[7; 500]].concat();
    let mut slow = SendsOneByteAtATime(world.visitor().tcp().await);
    let taken = soon("the end", slow.say(&hello, Duration::from_millis(5))).await;
    assert!(taken < hello.len(), "{taken} of {}", hello.len());
    assert_eq!(world.get("/").await.text(), "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_request_that_comes_byte_by_byte_is_answered() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().agent(EndpointSpec::http(&upstream.http_url())).up().await;
    let host = world.visitor().authority();
    let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    let mut slow = SendsOneByteAtATime(world.visitor().connect().await);
    assert_eq!(slow.say(request.as_bytes(), Duration::ZERO).await, request.len());
    assert!(until_the_end(&mut slow.0).await.ends_with("\r\n\r\nhello"));
    drop(slow);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_request_whose_sender_ended_his_half_is_answered() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().agent(EndpointSpec::http(&upstream.http_url())).up().await;
    let request = format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", world.visitor().authority());
    for _ in 0..20 {
        let visitor = world.visitor().connect().await;
        let visitor = ClosesOneHalf::after(visitor, request.as_bytes()).await;
        assert!(visitor.answer().await.ends_with("\r\n\r\nhello"));
    }
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_source_has_so_many_connections_and_no_more() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new()
        .edge(|edge| edge.limits.visitors_per_source = Some(8))
        .agent(EndpointSpec::http(&upstream.http_url()).url("http://a.tunnel.test"))
        .up()
        .await;
    let mut held = Vec::new();
    for _ in 0..8 {
        let mut socket = world.visitor().connect().await;
        let request = format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", world.visitor().authority());
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        soon("an answer", socket.read_exact(&mut status)).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
        held.push(socket);
    }
    let mut ninth = world.visitor().connect().await;
    assert_eq!(until_the_end(&mut ninth).await, "");
    drop(held);
    adit_tests::eventually("there is room again", async || {
        let reply = world.get("/").try_send().await.ok()?;
        (reply.text() == "hello").then_some(())
    })
    .await;
    world.down().await.assert_clean();
}
