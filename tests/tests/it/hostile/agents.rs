//! Strangers who come as agents.

use std::time::Duration;

use adit_agent::EndpointSpec;
use adit_mux::{Config, SessionError};
use adit_proto::StreamType;
use adit_tests::{
    Upstream, World, soon,
    stranger::{GARBAGE, StallsMidFrame},
    visitor::until_the_end,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};
use tokio_rustls::client::TlsStream;

use super::impatient;

/// A connection as agents make it, with nothing said on it.
async fn dial(world: &World) -> TlsStream<TcpStream> {
    let port = world.edge().tls_addr().port();
    let agent = world.visitor_of(&format!("tls://connect.tunnel.test:{port}"));
    agent.try_tls(&[]).await.unwrap()
}

#[tokio::test]
async fn an_agent_that_says_nothing_is_sent_away() {
    let upstream = Upstream::counting("hello").await;
    let world = impatient(&upstream).await;
    let mut silent = dial(&world).await;
    assert_eq!(soon("the end", silent.read(&mut [0])).await.unwrap_or_default(), 0);
    assert_eq!(world.get("/").await.text(), "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn an_agent_that_stalls_in_a_frame_is_sent_away() {
    let upstream = Upstream::counting("hello").await;
    let world = impatient(&upstream).await;
    let stranger = StallsMidFrame::on(dial(&world).await).await;
    stranger.until_closed().await;
    assert_eq!(world.get("/").await.text(), "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn an_agent_that_sends_garbage_is_sent_away() {
    let upstream = Upstream::counting("hello").await;
    let world = impatient(&upstream).await;
    for garbage in GARBAGE {
        let mut stranger = dial(&world).await;
        stranger.write_all(garbage).await.unwrap();
        stranger.flush().await.unwrap();
        until_the_end(&mut stranger).await;
    }
    assert_eq!(world.get("/").await.text(), "hello");
    assert_eq!(world.edge().sessions().len(), 1);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn an_agent_that_only_sends_heartbeats_is_sent_away() {
    let upstream = Upstream::counting("hello").await;
    let world = impatient(&upstream).await;
    let (mux, _accept, driver) = adit_mux::session(dial(&world).await, Config::agent());
    let mut tasks = JoinSet::new();
    tasks.spawn(driver);
    let mut heartbeat = mux.open(StreamType::HEARTBEAT.0.to_be_bytes().to_vec().into()).unwrap();
    let beats = async {
        let mut n = 0_u32;
        while heartbeat.write_all(&n.to_be_bytes()).await.is_ok()
            && heartbeat.read_exact(&mut [0; 4]).await.is_ok()
        {
            n += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        n
    };
    assert!(soon("the end", beats).await < 50);
    mux.closed().await;
    drop(tasks);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn streams_before_authentication_are_few() {
    let world = World::new().up().await;
    let (mux, _accept, driver) = adit_mux::session(dial(&world).await, Config::agent());
    let mut tasks = JoinSet::new();
    tasks.spawn(driver);
    let open = || mux.open(StreamType::HEARTBEAT.0.to_be_bytes().to_vec().into());
    let streams: Vec<_> = (0..20).map_while(|_| open().ok()).collect();
    soon("the end", mux.closed()).await;
    assert!(matches!(mux.ended(), Some(SessionError::GoAway { .. })), "{:?}", mux.ended());
    drop((streams, tasks));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn agents_without_authentication_are_few_per_source() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new()
        .edge(|edge| edge.limits.unauthenticated_per_source = 3)
        .agent(EndpointSpec::http(&upstream.http_url()))
        .up()
        .await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(dial(&world).await);
    }
    let port = world.edge().tls_addr().port();
    let fourth = world.visitor_of(&format!("tls://connect.tunnel.test:{port}"));
    assert!(fourth.try_tls(&[]).await.is_err());
    assert_eq!(world.get("/").await.text(), "hello");
    drop(held);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn passwords_cannot_be_tried_quickly() {
    let world = World::new()
        .edge(|edge| {
            edge.limits.failed_auth_per_minute = 2;
            edge.limits.failed_auth_delay = Duration::from_millis(150);
        })
        .up()
        .await;
    let mut times = Vec::new();
    for n in 0..4 {
        let agent = world.agent().authtoken(&format!("guess {n}")).build().unwrap();
        let start = tokio::time::Instant::now();
        soon("an answer", agent.start()).await.unwrap_err();
        times.push(start.elapsed());
    }
    assert!(times[3] >= Duration::from_millis(150), "{times:?}");
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_visitor_at_the_agents_name_gets_a_page() {
    let world = World::new().up().await;
    let port = world.edge().tls_addr().port();
    let reply = world.visitor_of(&format!("https://connect.tunnel.test:{port}")).get("/").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (404, "ERR_NGROK_3200"));
    world.down().await.assert_clean();
}
