//! Tunnels that an agent gave back while it could not say so.

use std::time::Duration;

use adit_proto::message::{AuthResp, Bind, BindResp, Proto};
use serde_json::json;

use crate::rig::*;

fn at(host: &str) -> Bind {
    bind(Proto::Http, json!({"Domain": host}))
}

/// An edge with a short grace, and an agent with three tunnels.
async fn world() -> (adit_edge::Edge, Agent, AuthResp, [BindResp; 3]) {
    let mut settings = settings();
    settings.limits.reconnect_grace = Duration::from_secs(1);
    let edge = start(settings).await;
    let (agent, first) = Agent::enter_as(&edge, TOKEN).await;
    let kept = agent.bind(&at("kept.edge.test")).await.unwrap();
    let late = agent.bind(&at("late.edge.test")).await.unwrap();
    let left = agent.bind(&at("left.edge.test")).await.unwrap();
    (edge, agent, first, [kept, late, left])
}

/// Comes back and asks for two of the three; the third is given up, and no other.
async fn come_back(edge: &adit_edge::Edge, first: &AuthResp, [kept, late, _]: [BindResp; 3]) {
    let mut back = Agent::dial(edge).await;
    back.auth(&again(first)).await.unwrap();
    back.bind(&rebind(&kept)).await.unwrap();
    let (other, _) = Agent::enter_as(edge, "tok_other").await;
    assert_eq!(other.refused(&at("left.edge.test")).await, 334);
    back.bind(&rebind(&late)).await.unwrap();
    eventually(|| edge.sessions().iter().map(|session| session.tunnels.len()).sum::<usize>() == 2)
        .await;
    other.bind(&at("left.edge.test")).await.unwrap();
    for host in ["kept.edge.test", "late.edge.test"] {
        assert_eq!(other.refused(&at(host)).await, 334);
        let serve = async {
            let (_, mut stream) = back.visitor().await;
            answer(&mut stream, "served").await
        };
        let (page, _) = tokio::join!(get(edge, host, "/"), serve);
        assert!(page.ends_with("served"), "{page}");
    }
}

#[tokio::test]
async fn a_tunnel_that_an_agent_does_not_ask_for_again_is_given_up() {
    let (edge, agent, first, tunnels) = world().await;
    agent.vanish().await;
    eventually(|| edge.sessions()[0].n_legs == 0).await;
    come_back(&edge, &first, tunnels).await;
}

#[tokio::test]
async fn a_tunnel_that_was_on_a_connection_that_is_replaced_is_given_up_alike() {
    let (edge, _half_dead, first, tunnels) = world().await;
    come_back(&edge, &first, tunnels).await;
}
