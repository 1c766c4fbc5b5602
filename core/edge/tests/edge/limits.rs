//! Limits that differ from the defaults, met from outside.

use std::time::Duration;

use adit_mux::ErrorCode as MuxCode;
use adit_proto::{
    ErrorCode, StreamType,
    message::{Auth, Message, Proto, SrvInfo, Unbind},
};
use bytes::Bytes;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::*;

/// What the edge says to a request.
async fn refusal<M: Message>(agent: &Agent, text: &str) -> String {
    let mut first = M::TYPE.to_bytes().to_vec();
    first.extend_from_slice(text.as_bytes());
    let mut stream = agent.mux.open(first.into()).unwrap();
    let answer = adit_proto::json::read(&mut stream, adit_proto::json::JsonLimit::SMALL).await;
    answer.unwrap()["Error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn requests_have_the_lengths_and_the_depth_of_the_settings() {
    let mut settings = settings();
    settings.limits.rpc_auth_len = 1000;
    settings.limits.rpc_bind_len = 2000;
    settings.limits.rpc_len = 3000;
    settings.limits.rpc_depth = 3;
    let edge = start(settings).await;
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(4000));
    let stranger = Agent::join(&edge);
    let text = refusal::<Auth>(&stranger, &long).await;
    assert!(text.starts_with("Invalid auth request: message longer than 1000 bytes."), "{text}");
    let (agent, _) = Agent::enter(&edge).await;
    let text = refusal::<adit_proto::message::Bind>(&agent, &long).await;
    assert!(text.starts_with("Invalid bind request: message longer than 2000 bytes."), "{text}");
    let text = refusal::<Unbind>(&agent, &long).await;
    assert_eq!(text, "Invalid unbind request: message longer than 3000 bytes.");
    let text = refusal::<Unbind>(&agent, r#"{"a":{"b":{"c":{}}}}"#).await;
    assert_eq!(text, "Invalid unbind request: nested more than 3 deep.");
}

#[tokio::test]
async fn a_stream_that_does_not_say_its_type_is_reset_in_time() {
    let mut settings = settings();
    settings.limits.stream_type = Duration::from_millis(50);
    let edge = start(settings).await;
    // A session refuses to open a stream without a type, so this speaks frames.
    let mut io = edge.join();
    io.write_all(&[0, 0, 1, 0x12, 0, 0, 0, 3, 0]).await.unwrap();
    let mut seen = Vec::new();
    let reset = [0, 0, 4, 0, 0, 0, 0, 3, 0, 0, 0, 5];
    let read = async {
        while !seen.ends_with(&reset) {
            seen.push(io.read_u8().await.unwrap());
        }
    };
    tokio::time::timeout(PATIENCE / 4, read).await.expect("long before the default");
}

#[tokio::test]
async fn what_an_agent_says_of_itself_has_the_limits_of_the_settings() {
    let mut settings = settings();
    settings.limits.client_name_len = 8;
    settings.limits.metadata_len = 9;
    settings.limits.heartbeat_min = Duration::from_secs(11);
    settings.limits.heartbeat_max = Duration::from_secs(12);
    let edge = start(settings).await;
    let refused = async |change: fn(&mut Auth)| {
        let mut auth = auth("", "");
        auth.extra.heartbeat_interval = 11_000_000_000;
        auth.extra.heartbeat_tolerance = 12_000_000_000;
        change(&mut auth);
        Agent::join(&edge).auth(&auth).await.err().map(|error| code(&error))
    };
    assert_eq!(refused(|_| {}).await, None);
    let name = refused(|auth| auth.extra.user_agent = "ngrok-go/2".to_owned()).await;
    assert_eq!(name, Some(ErrorCode::USER_AGENT_INVALID));
    let metadata = refused(|auth| auth.extra.metadata = "ten bytes.".to_owned()).await;
    assert_eq!(metadata, Some(ErrorCode::AUTH_INVALID));
    let interval = refused(|auth| auth.extra.heartbeat_interval = 10_000_000_000).await;
    assert_eq!(interval, Some(ErrorCode::HEARTBEAT_INTERVAL));
    let tolerance = refused(|auth| auth.extra.heartbeat_tolerance = 13_000_000_000).await;
    assert_eq!(tolerance, Some(ErrorCode::HEARTBEAT_TOLERANCE));
}

#[tokio::test]
async fn a_frame_beyond_what_is_skipped_ends_the_connection() {
    let mut settings = settings();
    settings.limits.frame_len_before_auth = 1000;
    settings.limits.skipped_frame_len = 2000;
    let edge = start(settings).await;
    let ended = async |len: usize| {
        let agent = Agent::join(&edge);
        let first = [&StreamType::SRV_INFO.to_bytes()[..], &vec![b' '; len - 4]].concat();
        let mut stream = agent.mux.open(first.into()).unwrap();
        let mut waste = [0; 64];
        while stream.read(&mut waste).await.is_ok_and(|n| n > 0) {}
        (agent.mux.ended().map(|end| end.code()), stream.reset_code())
    };
    assert_eq!(ended(2000).await, (None, Some(MuxCode::FlowControl)));
    assert_eq!(ended(2001).await, (Some(MuxCode::RemoteGoneAway), None));
}

#[tokio::test]
async fn no_more_agents_are_taken_than_the_settings_say() {
    let mut settings = settings();
    settings.limits.legs = 1;
    let edge = start(settings).await;
    let (first, _) = Agent::enter_as(&edge, TOKEN).await;
    let second = Agent::dial(&edge).await;
    let _asks = second.mux.open(Bytes::from_static(b"\0\0\0\x08{}")).unwrap();
    second.ended().await;
    first.call(&SrvInfo {}).await.unwrap().finish().await;
}

#[tokio::test]
async fn a_visitor_s_header_above_the_limit_is_not_sent() {
    let mut settings = settings();
    settings.limits.proxy_header_len = 64;
    let edge = start(settings).await;
    let (agent, _) = Agent::enter(&edge).await;
    agent.bind(&bind(Proto::Http, json!({"Hostname": "a.edge.test"}))).await.unwrap();
    let page = get(&edge, "a.edge.test", "/").await;
    assert!(page.contains("ERR_NGROK_3209"), "{page}");
}
