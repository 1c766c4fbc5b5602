use std::{collections::HashSet, time::Duration};

use adit_mux::{ErrorCode as MuxCode, SessionError};
use adit_proto::{
    ErrorCode, StreamType,
    json::JsonLimit,
    message::{Proto, SrvInfo},
    session::open_heartbeat,
};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::*;

/// Sends raw bytes on a fresh stream and reads the answer to its end.
async fn raw(agent: &Agent, stream_type: StreamType, pieces: &[&[u8]]) -> Value {
    let mut stream = agent.mux.open(Bytes::copy_from_slice(&stream_type.to_bytes())).unwrap();
    for piece in pieces {
        stream.write_all(piece).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    let text = rest(&mut stream).await;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

#[tokio::test]
async fn requests_of_both_families_are_read_however_they_are_cut_and_without_fin() {
    let go = "{\"Version\":[\"3\",\"2\"],\"ClientId\":\"\",\"Extra\":{\"Authtoken\":\"tok_good\",\
              \"Fingerprint\":null,\"HeartbeatInterval\":10000000000}}\n";
    let rust =
        "{\"Version\":[\"3\",\"2\"],\"ClientId\":\"\",\"Extra\":{\"AuthToken\":\"tok_good\"}}";
    let edge = edge().await;
    for text in [go, rust] {
        for cut in [0, 1, 17, 40, text.len() - 1] {
            let agent = Agent::dial(&edge).await;
            let (head, tail) = text.as_bytes().split_at(cut);
            let answer = raw(&agent, StreamType::AUTH, &[head, tail]).await;
            assert_eq!(answer["Error"], "", "{answer}");
            assert_eq!(answer["Version"], "3");
            assert!(answer["ClientId"].as_str().unwrap().len() > 20);
            assert!(answer["Extra"].is_object());
            assert_eq!(answer["Extra"]["ConnectAddresses"], Value::Null);
            agent.mux.close(MuxCode::NoError, "no error");
            agent.ended().await;
            eventually(|| edge.sessions().is_empty()).await;
        }
    }
}

#[tokio::test]
async fn a_refused_agent_still_reads_why() {
    let edge = edge().await;
    let agent = Agent::dial(&edge).await;
    let mut wrong = auth("", "");
    wrong.extra.authtoken = "tok_wrong".into();
    let error = agent.auth(&wrong).await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::TOKEN_UNKNOWN);
    assert!(!error.message().contains("tok_wrong"));
    let ended = agent.ended().await;
    assert!(matches!(ended, SessionError::GoAway { code: MuxCode::NoError, .. }), "{ended:?}");
}

#[tokio::test]
async fn the_agent_s_names_and_timing_are_checked() {
    let edge = edge().await;
    let refused = |change: fn(&mut adit_proto::message::Auth)| {
        let agent = Agent::join(&edge);
        async move {
            let mut auth = auth("", "");
            change(&mut auth);
            code(&agent.auth(&auth).await.unwrap_err())
        }
    };
    assert_eq!(refused(|a| a.version.clear()).await, ErrorCode::AUTH_INVALID);
    assert_eq!(
        refused(|a| a.extra.client_type = "a\nb".into()).await,
        ErrorCode::USER_AGENT_INVALID
    );
    assert_eq!(refused(|a| a.extra.heartbeat_interval = 1).await, ErrorCode::HEARTBEAT_INTERVAL);
    assert_eq!(refused(|a| a.extra.metadata = "x".repeat(4097)).await, ErrorCode::AUTH_INVALID);
}

#[tokio::test]
async fn a_bind_before_auth_is_refused_and_the_leg_ends() {
    let edge = edge().await;
    let agent = Agent::join(&edge);
    let error = agent.call(&bind(Proto::Http, json!({}))).await.map(|_| ()).unwrap_err();
    assert_eq!(error.message(), "bind is not allowed before Auth.");
    agent.ended().await;
}

#[tokio::test]
async fn a_second_auth_and_an_unknown_type_are_answered_and_the_leg_lives() {
    let edge = edge().await;
    let (agent, _) = Agent::enter(&edge).await;
    let error = agent.auth(&auth("", "")).await.unwrap_err();
    assert_eq!(error.message(), "This connection has authenticated already.");
    let answer = raw(&agent, StreamType(11), &[b"{}"]).await;
    assert_eq!(answer, json!({"Error": "Unknown stream type 0xb."}));
    agent.bind(&bind(Proto::Http, json!({}))).await.unwrap();
}

#[tokio::test]
async fn a_cookie_brings_back_the_session_and_a_client_id_alone_does_not() {
    let edge = edge().await;
    let (agent, first) = Agent::enter_as(&edge, TOKEN).await;
    let other = Agent::dial(&edge).await;
    let stolen = other.auth(&auth(&first.client_id, "")).await.unwrap();
    assert_ne!(stolen.client_id, first.client_id);
    let forger = Agent::dial(&edge).await;
    let forged = forger.auth(&auth(&first.client_id, "forged")).await.unwrap();
    assert_ne!(forged.client_id, first.client_id);
    let thief = Agent::dial(&edge).await;
    let mut theirs = again(&first);
    theirs.extra.authtoken = "tok_other".into();
    let theirs = thief.auth(&theirs).await.unwrap();
    assert_ne!(theirs.client_id, first.client_id);

    let back = Agent::dial(&edge).await;
    let second = back.auth(&again(&first)).await.unwrap();
    assert_eq!(second.client_id, first.client_id);
    assert_eq!(second.extra.agent_session_id, first.extra.agent_session_id);
    agent.ended().await; // its place was taken
}

#[tokio::test]
async fn an_account_has_so_many_sessions_and_a_session_so_many_legs() {
    let mut settings = settings();
    settings.limits.legs_per_session = 2;
    let edge = start(settings).await;
    let (_one, answer) = Agent::enter_as(&edge, TOKEN).await;
    let leg = |number: u32| {
        let agent = Agent::join(&edge);
        let mut auth = again(&answer);
        auth.extra.leg_number = number;
        (agent, auth)
    };
    // In memory the account is another one: the cookie is not good for it, and one more connection of
    // a session is nothing without the others.
    let (agent, auth_1) = leg(1);
    assert_eq!(code(&agent.auth(&auth_1).await.unwrap_err()), ErrorCode::COOKIE_INVALID);
    let second = Agent::dial(&edge).await;
    second.auth(&auth_1).await.unwrap();
    let third = Agent::dial(&edge).await;
    let error = third.auth(&leg(2).1).await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::TOO_MANY_SESSIONS);

    let (_b, _) = Agent::enter_as(&edge, TOKEN).await;
    let (_c, _) = Agent::enter_as(&edge, TOKEN).await;
    let fourth = Agent::dial(&edge).await;
    let error = fourth.auth(&auth("", "")).await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::TOO_MANY_SESSIONS);
}

#[tokio::test]
async fn of_the_sessions_that_an_account_left_behind_the_oldest_are_forgotten() {
    let edge = edge().await;
    let mut urls = Vec::new();
    // It may have three at once.
    for n_away in 1..=4 {
        let (agent, _) = Agent::enter_as(&edge, TOKEN).await;
        urls.push(agent.bind(&bind(Proto::Https, json!({}))).await.unwrap().url);
        agent.vanish().await;
        let away = || edge.sessions().iter().filter(|session| session.n_legs == 0).count();
        eventually(|| away() == n_away.min(3) && away() == edge.sessions().len()).await;
    }
    let kept: HashSet<_> =
        edge.sessions().iter().flat_map(|s| s.tunnels.clone()).map(|t| t.url).collect();
    assert_eq!(kept, urls.into_iter().skip(1).collect());
}

#[tokio::test]
async fn strangers_hold_a_limited_number_of_connections() {
    let mut settings = settings();
    settings.limits.unauthenticated_per_source = 1;
    let edge = start(settings).await;
    let first = Agent::dial(&edge).await;
    first.call(&SrvInfo {}).await.unwrap().finish().await;
    let refused = try_tls(&edge, "connect.edge.test", &[]).await;
    assert!(refused.is_err());
    first.auth(&auth("", "")).await.unwrap();
    Agent::enter_as(&edge, TOKEN).await;
}

#[tokio::test]
async fn an_oversized_request_is_refused_and_reset() {
    let edge = edge().await;
    let (agent, _) = Agent::enter(&edge).await;
    let mut stream =
        agent.mux.open(Bytes::copy_from_slice(&StreamType::UNBIND.to_bytes())).unwrap();
    let text = format!("{{\"Id\":\"{}\"}}", "x".repeat(70 * 1024));
    stream.write_all(text.as_bytes()).await.unwrap();
    let answer = adit_proto::json::read(&mut stream, JsonLimit::SMALL).await.unwrap();
    assert_eq!(answer["Error"], "Invalid unbind request: message longer than 65536 bytes.");
    let mut end = Vec::new();
    let _ = stream.read_to_end(&mut end).await;
    eventually(|| stream.reset_code() == Some(MuxCode::FrameSize)).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_does_not_come_in_time_is_cancelled() {
    let edge = edge().await;
    let (agent, _) = Agent::enter(&edge).await;
    let since = tokio::time::Instant::now();
    let mut stream = agent.mux.open(Bytes::from_static(b"\0\0\0\x02{\"Id\":")).unwrap();
    assert!(stream.read_u8().await.is_err());
    assert_eq!(stream.reset_code(), Some(MuxCode::StreamCancelled));
    assert_eq!(since.elapsed().as_secs(), 10);
    agent.call(&SrvInfo {}).await.unwrap().finish().await;
}

#[tokio::test]
async fn sixteen_requests_are_worked_on_at_once_and_the_next_is_reset() {
    let edge = edge().await;
    let (agent, _) = Agent::enter(&edge).await;
    let open = || agent.mux.open(Bytes::copy_from_slice(&StreamType::UNBIND.to_bytes())).unwrap();
    let _slow: Vec<_> = (0..16).map(|_| open()).collect();
    let mut over = open();
    assert!(over.read_u8().await.is_err());
    assert!(over.reset_code().is_some());
}

#[tokio::test]
async fn what_an_agent_opens_before_it_has_its_answer_is_not_lost() {
    let edge = edge().await;
    for _ in 0..20 {
        let agent = Agent::join(&edge);
        // More than a stranger may open comes right behind the answer.
        let _beat = open_heartbeat(&agent.mux).unwrap();
        let binds = async {
            agent.auth(&auth("", "")).await.unwrap();
            let one = bind(Proto::Http, json!({}));
            let (a, b, c, d) = tokio::join!(
                agent.bind(&one),
                agent.bind(&one),
                agent.bind(&one),
                agent.bind(&one)
            );
            for bound in [a, b, c, d] {
                bound.unwrap();
            }
        };
        let impatient = async {
            let other = Agent::join(&edge);
            let one = bind(Proto::Http, json!({}));
            let shown = auth("", "");
            let (entered, bound) = tokio::join!(other.auth(&shown), other.bind(&one));
            entered.unwrap();
            bound.unwrap();
        };
        tokio::join!(binds, impatient);
    }
}

#[tokio::test]
async fn a_stranger_that_opens_too_many_streams_is_sent_away() {
    let edge = edge().await;
    let agent = Agent::join(&edge);
    let open = || agent.mux.open(Bytes::copy_from_slice(&StreamType::SRV_INFO.to_bytes()));
    let _held: Vec<_> = (0..5).map(|_| open()).collect();
    agent.ended().await;
}

#[tokio::test]
async fn who_fails_to_authenticate_again_and_again_waits_for_the_answer() {
    let mut settings = settings();
    settings.limits.failed_auth_per_minute = 2;
    settings.limits.failed_auth_delay = Duration::from_millis(400);
    let edge = start(settings).await;
    let mut wrong = auth("", "");
    wrong.extra.authtoken = "tok_wrong".into();
    let mut took = Vec::new();
    for _ in 0..2 {
        let agent = Agent::dial(&edge).await;
        let since = std::time::Instant::now();
        assert_eq!(code(&agent.auth(&wrong).await.unwrap_err()), ErrorCode::TOKEN_UNKNOWN);
        took.push(since.elapsed() >= Duration::from_millis(400));
    }
    assert_eq!(took, [false, true]);
}
