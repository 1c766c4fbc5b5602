use std::time::Duration;

use adit_edge::CommandError;
use adit_proto::{
    ErrorCode, ErrorText, StreamType,
    message::{CommandResp, Proto, Stop, Update},
    rpc,
};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::rig::*;

#[tokio::test]
async fn a_stopped_session_is_gone_after_the_answer() {
    let edge = edge().await;
    let (mut agent, answer) = Agent::enter(&edge).await;
    agent.bind(&bind(Proto::Http, json!({}))).await.unwrap();
    let id = answer.extra.agent_session_id;
    let obey = async {
        let (stream_type, mut stream) = agent.next().await;
        assert_eq!(stream_type, StreamType::STOP);
        let _: Stop = rpc::request(&mut stream, PATIENCE).await.unwrap();
        rpc::respond(stream, &CommandResp {}, PATIENCE).await.unwrap().peer_end(PATIENCE).await
    };
    let (stopped, _) = tokio::join!(edge.stop_session(&id), obey);
    stopped.unwrap();
    assert!(edge.sessions().is_empty());
    agent.ended().await;
    assert!(matches!(edge.stop_session(&id).await, Err(CommandError::NotFound)));
}

#[tokio::test]
async fn a_go_agent_that_leaves_its_stream_open_has_answered() {
    let edge = edge().await;
    let (mut agent, answer) = Agent::enter(&edge).await;
    let id = answer.extra.agent_session_id;
    let obey = async {
        let (_, mut stream) = agent.next().await;
        stream.write_all(b"{}\n").await.unwrap();
        stream
    };
    let update = Update { version: "1.2.3".into(), permit_major_version: false };
    let (updated, stream) = tokio::join!(edge.update_session(&id, update), obey);
    updated.unwrap();
    // The edge has freed the stream on its side.
    eventually(|| stream.reset_code().is_some() || stream.recv_finished()).await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_does_not_answer_is_waited_for_ten_seconds() {
    let edge = edge().await;
    let (_agent, answer) = Agent::enter(&edge).await;
    let since = tokio::time::Instant::now();
    let result = edge.restart_session(&answer.extra.agent_session_id).await;
    assert!(matches!(result, Err(CommandError::NoAnswer)), "{result:?}");
    assert_eq!(since.elapsed(), Duration::from_secs(10));
}

#[tokio::test]
async fn an_agent_that_goes_at_once_has_obeyed() {
    let edge = edge().await;
    let (mut agent, answer) = Agent::enter(&edge).await;
    let id = answer.extra.agent_session_id;
    let go = async {
        let _ = agent.next().await;
        agent.vanish().await;
    };
    let (restarted, ()) = tokio::join!(edge.restart_session(&id), go);
    restarted.unwrap();
}

#[tokio::test]
async fn what_an_agent_cannot_do_it_is_not_asked() {
    let edge = edge().await;
    let unable = |change: fn(&mut adit_proto::message::Auth)| {
        let agent = Agent::join(&edge);
        let edge = &edge;
        async move {
            let mut auth = auth("", "");
            change(&mut auth);
            let id = agent.auth(&auth).await.unwrap().extra.agent_session_id;
            match edge.stop_session(&id).await {
                Err(CommandError::Unsupported { reason }) => reason,
                other => panic!("{other:?}"),
            }
        }
    };
    let reason = unable(|a| a.extra.stop_unsupported_error = Some("not here".into())).await;
    assert_eq!(reason, "not here");
    assert_eq!(unable(|a| a.extra.client_type = "ngrok-go".into()).await, "it is too old");
}

#[tokio::test]
async fn a_refusal_of_the_agent_is_passed_on() {
    let edge = edge().await;
    let (mut agent, answer) = Agent::enter(&edge).await;
    let refuse = async {
        let (_, stream) = agent.next().await;
        rpc::refuse(stream, &ErrorText::uncoded("not now"), PATIENCE).await.unwrap()
    };
    let id = answer.extra.agent_session_id;
    let (result, _kept) = tokio::join!(edge.restart_session(&id), refuse);
    assert!(matches!(result, Err(CommandError::Refused(text)) if text.message() == "not now"));
}

#[tokio::test]
async fn a_stopped_tunnel_is_offline_before_the_agent_knows_and_stays_so() {
    let edge = edge().await;
    let (mut agent, first) = Agent::enter(&edge).await;
    let bound = agent.bind(&bind(Proto::Http, json!({"Domain": "a.edge.test"}))).await.unwrap();
    let code = Some(ErrorCode(703));
    let tunnel = bound.extra.tunnel_id.clone();
    let told = async {
        let told = agent.told().await;
        let page = get(&edge, "a.edge.test", "/").await;
        assert!(page.contains("ERR_NGROK_3200"), "{page}");
        told
    };
    let (stopped, told) = tokio::join!(edge.stop_tunnel(&tunnel, "too busy", code), told);
    stopped.unwrap();
    assert_eq!(told.id, bound.id);
    assert_eq!((told.message.as_str(), told.error_code.as_str()), ("too busy", "ERR_NGROK_703"));

    // An agent that missed it comes back with it, and is told again.
    let mut back = Agent::join(&edge);
    back.auth(&again(&first)).await.unwrap();
    assert_eq!(back.bind(&rebind(&bound)).await.unwrap().url, bound.url);
    assert_eq!(back.told().await.message, "too busy");
    assert!(get(&edge, "a.edge.test", "/").await.contains("ERR_NGROK_3200"));
    // Whoever asks anew gets it.
    back.bind(&bind(Proto::Http, json!({"Domain": "a.edge.test"}))).await.unwrap();
}
