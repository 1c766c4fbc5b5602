//! Signs of life, both ways.

use std::time::Duration;

use adit_mux::{ErrorCode as MuxCode, SessionError};
use adit_proto::{
    StreamType,
    heartbeat::{self, Pulse},
    message::{Proto, SrvInfo},
    session::open_heartbeat,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::rig::*;

#[tokio::test]
async fn srv_info_and_heartbeats_work_before_auth() {
    let edge = edge().await;
    let agent = Agent::dial(&edge).await;
    let mut beat = open_heartbeat(&agent.mux).unwrap();
    for ping in [b"\x09\x60\x81\x57", b"\x00\x00\x00\x00"] {
        beat.write_all(ping).await.unwrap();
        let mut echo = [0; 4];
        beat.read_exact(&mut echo).await.unwrap();
        assert_eq!(&echo, ping);
    }
    let info = agent.call(&SrvInfo {}).await.unwrap().finish().await;
    assert_eq!(info.region, "local");
    agent.auth(&auth("", "")).await.unwrap();
}

#[tokio::test]
async fn the_agent_s_heartbeat_stream_lives_as_long_as_its_connection() {
    let edge = edge().await;
    let agent = Agent::join(&edge);
    let mut beat = open_heartbeat(&agent.mux).unwrap();
    let ping = async |beat: &mut adit_mux::Stream| {
        beat.write_all(b"ping").await.unwrap();
        let mut echo = [0; 4];
        beat.read_exact(&mut echo).await.unwrap();
        assert_eq!(&echo, b"ping");
    };
    ping(&mut beat).await;
    agent.auth(&auth("", "")).await.unwrap();
    ping(&mut beat).await;
    let bound = agent.bind(&bind(Proto::Http, json!({}))).await.unwrap();
    agent.unbind(&bound.id).await;
    ping(&mut beat).await;
    assert!(!beat.recv_finished() && beat.reset_code().is_none());
}

#[tokio::test]
async fn visitors_go_to_those_of_a_pool_who_answer_pings() {
    let mut settings = settings();
    settings.heartbeat.tolerance = Duration::from_secs(300);
    let edge = start(settings).await;
    let (mut frozen, _) = Agent::enter(&edge).await;
    let (mut alive, _) = Agent::enter(&edge).await;
    let (stream_type, stream) = alive.streams.next().await.unwrap();
    assert_eq!(stream_type, StreamType::HEARTBEAT);
    let pulse = Pulse::new();
    let serve = async {
        let mut pooled = bind(Proto::Http, json!({"Domain": "a.edge.test"}));
        pooled.extra.pooling_enabled = true;
        frozen.bind(&pooled).await.unwrap();
        alive.bind(&pooled).await.unwrap();
        let mut in_a_row = 0;
        while in_a_row < 6 {
            let visitor = get(&edge, "a.edge.test", "/");
            tokio::pin!(visitor);
            tokio::select! {
                (_, mut stream) = frozen.visitor() => {
                    in_a_row = 0;
                    answer(&mut stream, "").await;
                }
                (_, mut stream) = alive.visitor() => {
                    in_a_row += 1;
                    answer(&mut stream, "").await;
                }
                answer = &mut visitor => panic!("{answer}"),
            }
            visitor.await;
        }
    };
    tokio::select! {
        served = timeout(Duration::from_secs(60), serve) => served.unwrap(),
        ended = heartbeat::echo(stream, None, &pulse) => panic!("{ended:?}"),
    }
}

#[tokio::test]
async fn a_flood_of_pings_ends_the_leg() {
    let edge = edge().await;
    let (agent, _) = Agent::enter(&edge).await;
    let mut beat = open_heartbeat(&agent.mux).unwrap();
    beat.write_all(&[7; 4 * 11]).await.unwrap();
    let ended = agent.ended().await;
    assert!(
        matches!(ended, SessionError::GoAway { code: MuxCode::EnhanceYourCalm, .. }),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_second_heartbeat_stream_ends_the_leg() {
    let edge = edge().await;
    let agent = Agent::join(&edge);
    let _one = open_heartbeat(&agent.mux).unwrap();
    let _two = open_heartbeat(&agent.mux).unwrap();
    let ended = agent.ended().await;
    assert!(
        matches!(ended, SessionError::GoAway { code: MuxCode::EnhanceYourCalm, .. }),
        "{ended:?}"
    );
}

#[tokio::test]
async fn the_edge_pings_in_single_frames_once_the_agent_is_in() {
    let edge = edge().await;
    let (mut agent, _) = Agent::enter(&edge).await;
    let (stream_type, mut stream) = agent.streams.next().await.unwrap();
    assert_eq!(stream_type, StreamType::HEARTBEAT);
    let ping = stream.chunk().await.unwrap().unwrap();
    assert_eq!(ping.len(), 4);
    stream.write_all(&ping).await.unwrap();
}

#[tokio::test]
async fn a_wrong_echo_ends_the_leg_and_not_only_the_stream() {
    let edge = edge().await;
    let (mut agent, _) = Agent::enter(&edge).await;
    let (_, mut stream) = agent.streams.next().await.unwrap();
    let ping = stream.chunk().await.unwrap().unwrap();
    stream.write_all(&[!ping[0], ping[1], ping[2], ping[3]]).await.unwrap();
    let ended = agent.ended().await;
    assert!(matches!(ended, SessionError::GoAway { code: MuxCode::Protocol, .. }), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_agent_is_dead_after_interval_and_tolerance() {
    let mut settings = settings();
    settings.heartbeat.interval = Duration::from_secs(2);
    settings.heartbeat.tolerance = Duration::from_secs(3);
    let edge = start(settings).await;
    let agent = Agent::join(&edge);
    let mut auth = auth("", "");
    auth.extra.heartbeat_interval = 1_000_000_000;
    auth.extra.heartbeat_tolerance = 1_000_000_000;
    agent.auth(&auth).await.unwrap();
    let since = tokio::time::Instant::now();
    agent.ended().await;
    let took = since.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_secs(6)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn heartbeats_and_srv_info_do_not_put_off_the_deadline_of_auth() {
    let edge = edge().await;
    let agent = Agent::join(&edge);
    let mut beat = open_heartbeat(&agent.mux).unwrap();
    let since = tokio::time::Instant::now();
    let nag = async {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let _ = beat.write_all(&[1, 2, 3, 4]).await;
        }
    };
    tokio::select! {
        _ = async { timeout(Duration::from_secs(60), agent.mux.closed()).await.unwrap() } => {}
        () = nag => {}
    }
    let took = since.elapsed();
    assert!((Duration::from_secs(15)..Duration::from_secs(16)).contains(&took), "{took:?}");
}
