//! The drivers over a link that takes 50 ms each way.

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncWrite, split},
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use super::*;
use crate::WindowPolicy;

const ONE_WAY: Duration = Duration::from_millis(50);

/// Carries one direction, each byte 50 ms after it was sent, as many as are sent.
fn carry(
    links: &mut JoinSet<()>,
    mut from: impl AsyncRead + Unpin + Send + 'static,
    mut to: impl AsyncWrite + Unpin + Send + 'static,
) {
    let (tx, mut rx) = mpsc::channel(1_000_000);
    links.spawn(async move {
        let mut buf = BytesMut::with_capacity(64 * 1024);
        while from.read_buf(&mut buf).await.is_ok_and(|n| n > 0) {
            tx.send((Instant::now() + ONE_WAY, buf.split().freeze())).await.unwrap();
            buf.reserve(64 * 1024);
        }
    });
    links.spawn(async move {
        while let Some((at, bytes)) = rx.recv().await {
            sleep_until(at).await;
            to.write_all(&bytes).await.unwrap();
        }
    });
}

/// Bytes that one stream brings to the agent in two seconds.
async fn transfer(agent: Config, edge: Config) -> usize {
    let mut tasks = JoinSet::new();
    let (near, near_link) = duplex(64 * 1024);
    let (far, far_link) = duplex(64 * 1024);
    let (near_rx, near_tx) = split(near_link);
    let (far_rx, far_tx) = split(far_link);
    carry(&mut tasks, near_rx, far_tx);
    carry(&mut tasks, far_rx, near_tx);
    let (_agent, mut at_agent, agent_driver) = session(near, agent);
    let (edge, _at_edge, edge_driver) = session(far, edge);
    tasks.spawn(async move { drop(agent_driver.await) });
    tasks.spawn(async move { drop(edge_driver.await) });
    let mut visitor = edge.open(TYPE).unwrap();
    let mut upstream = at_agent.accept().await.unwrap();
    let chunk = Bytes::from(vec![0; 64 * 1024]);
    tasks.spawn(async move { while visitor.send_chunk(chunk.clone()).await.is_ok() {} });
    let mut received = 0;
    let read = async {
        while let Ok(Some(chunk)) = upstream.chunk().await {
            received += chunk.len();
        }
    };
    assert!(timeout(Duration::from_secs(2), read).await.is_err(), "the stream does not end");
    received
}

/// What a session with fixed windows brings.
async fn fixed() -> usize {
    let fixed = Config { recv_window: WindowPolicy::Fixed, ..Config::agent() };
    transfer(fixed, Config::edge()).await
}

#[tokio::test(start_paused = true)]
async fn one_stream_on_a_long_path_is_not_limited_by_the_first_window() {
    let (fixed, growing) = (fixed().await, transfer(Config::agent(), Config::edge()).await);
    assert!(growing > 20 * fixed, "{growing} bytes against {fixed}");
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_uses_less_credit_is_slower_but_does_not_stall() {
    let fixed = fixed().await;
    for max_send_credit in [256 * 1024, 300_000, 1024 * 1024] {
        let edge = Config { max_send_credit, ..Config::edge() };
        let limited = transfer(Config::agent(), edge).await;
        assert!((fixed / 2..20 * fixed).contains(&limited), "{limited} bytes against {fixed}");
    }
}
