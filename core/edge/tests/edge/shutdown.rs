use std::{io::ErrorKind, time::Duration};

use adit_mux::{ErrorCode as MuxCode, SessionError};
use adit_net::Drained;
use adit_proto::message::Proto;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Builder,
};

use crate::rig::*;

#[tokio::test]
async fn visitors_finish_before_agents_are_sent_away() {
    let edge = edge().await;
    let (mut agent, _) = Agent::enter(&edge).await;
    agent.bind(&bind(Proto::Http, json!({"Domain": "a.edge.test"}))).await.unwrap();
    let addr = edge.addresses().http.unwrap();
    let mut visitor = TcpStream::connect(addr).await.unwrap();
    request(&mut visitor, "a.edge.test", "/").await;
    let (_, mut stream) = agent.visitor().await;
    let stopping = edge.shutdown(PATIENCE);
    let serve = async {
        assert!(agent.mux.ended().is_none());
        answer(&mut stream, "last").await;
        assert!(rest(&mut visitor).await.ends_with("last"));
        drop((visitor, stream));
        agent.ended().await
    };
    let (drained, ended) = tokio::join!(stopping, serve);
    assert_eq!(drained, Drained::Clean);
    assert!(matches!(ended, SessionError::GoAway { code: MuxCode::NoError, .. }), "{ended:?}");
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn who_does_not_finish_is_cut() {
    let edge = edge().await;
    let (mut agent, _) = Agent::enter(&edge).await;
    let bound = agent.bind(&bind(Proto::Tcp, json!({}))).await.unwrap();
    let port = bound.url.rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    let mut visitor = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    visitor.write_all(b"x").await.unwrap();
    let (_, mut stream) = agent.visitor().await;
    assert_eq!(until(&mut stream, "x").await, "x");
    assert_eq!(edge.shutdown(Duration::from_millis(50)).await, Drained::Cut { n_cut: 1 });
    let end = visitor.read(&mut [0; 1]).await;
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset, "not an end of file");
    agent.ended().await;
}

#[tokio::test]
async fn dropping_an_edge_ends_everything() {
    let edge = edge().await;
    let (agent, _) = Agent::enter(&edge).await;
    agent.bind(&bind(Proto::Tcp, json!({}))).await.unwrap();
    drop(edge);
    agent.ended().await;
}

#[test]
fn a_runtime_may_end_before_its_edge() {
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = builder.enable_all().build().unwrap();
        let (edge, agent) = runtime.block_on(async {
            let edge = edge().await;
            let (agent, _) = Agent::enter(&edge).await;
            agent.bind(&bind(Proto::Tcp, json!({}))).await.unwrap();
            (edge, agent)
        });
        drop(runtime);
        // Its connection has ended, and its session waits for nobody.
        assert_eq!(edge.sessions()[0].n_legs, 0);
        drop((agent, edge));
    }
}
