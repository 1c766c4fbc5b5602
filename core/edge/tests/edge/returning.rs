//! Agents come back, to what was theirs.

use std::time::Duration;

use adit_proto::{ErrorCode, message::Proto};
use serde_json::json;
use tokio::net::TcpStream;

use crate::rig::*;

#[tokio::test]
async fn a_returning_agent_gets_its_addresses_while_the_old_connection_looks_alive() {
    let edge = edge().await;
    let (old, first) = Agent::enter(&edge).await;
    let bound = old.bind(&bind(Proto::Https, json!({}))).await.unwrap();
    let new = Agent::join(&edge);
    new.auth(&again(&first)).await.unwrap();
    let back = new.bind(&rebind(&bound)).await.unwrap();
    assert_eq!((&back.id, &back.url), (&bound.id, &bound.url));
    assert_eq!(back.extra.tunnel_id, bound.extra.tunnel_id);
    old.ended().await;
}

#[tokio::test]
async fn a_restarted_edge_knows_its_sessions_and_addresses() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings();
    settings.state_dir = Some(dir.path().to_path_buf());
    let edge = start(settings.clone()).await;
    let ca = edge.ca_pem();
    let (agent, first) = Agent::enter(&edge).await;
    let mut bound = Vec::new();
    for proto in [Proto::Http, Proto::Https, Proto::Tls, Proto::Tcp] {
        bound.push(agent.bind(&bind(proto, json!({}))).await.unwrap());
    }
    let _ = edge.shutdown(Duration::ZERO).await;
    drop(agent);

    let edge = start(settings).await;
    assert_eq!(edge.ca_pem(), ca);
    let agent = Agent::join(&edge);
    let second = agent.auth(&again(&first)).await.unwrap();
    assert_eq!(second.client_id, first.client_id);
    for bound in &bound {
        let mut bare = rebind(bound);
        bare.opts = adit_proto::options::Options::default();
        let back = agent.bind(&bare).await.unwrap();
        assert_eq!((&back.id, &back.url), (&bound.id, &bound.url));
    }
}

#[tokio::test]
async fn an_edge_that_has_lost_its_key_gives_agents_a_new_session_and_what_is_free() {
    let edge = edge().await;
    let (agent, first) = Agent::enter_as(&edge, TOKEN).await;
    let mut bound = Vec::new();
    for proto in [Proto::Http, Proto::Https, Proto::Tls] {
        bound.push(agent.bind(&bind(proto, json!({}))).await.unwrap());
    }
    let _ = edge.shutdown(Duration::ZERO).await;
    drop(agent);

    let edge = start(settings()).await;
    let agent = Agent::dial(&edge).await;
    let second = agent.auth(&again(&first)).await.unwrap();
    assert_ne!(second.client_id, first.client_id);
    for bound in &bound {
        let back = agent.bind(&rebind(bound)).await.unwrap();
        assert_eq!((&back.id, &back.url), (&bound.id, &bound.url));
    }
    let again = Agent::dial(&edge).await.auth(&again(&second)).await.unwrap();
    assert_eq!(again.client_id, second.client_id);
}

#[tokio::test]
async fn a_token_is_good_for_its_bind_and_account_only() {
    let edge = edge().await;
    let (one, _) = Agent::enter_as(&edge, TOKEN).await;
    let bound = one.bind(&bind(Proto::Https, json!({}))).await.unwrap();
    let (thief, _) = Agent::enter_as(&edge, "tok_other").await;
    assert_eq!(thief.refused(&rebind(&bound)).await, 334);
    let mut other_id = rebind(&bound);
    other_id.id = "bd_other".into();
    assert_eq!(one.refused(&other_id).await, 334);
    let (two, _) = Agent::enter_as(&edge, TOKEN).await;
    // The same account with the token takes over, whatever its session.
    let back = two.bind(&rebind(&bound)).await.unwrap();
    assert_eq!(back.url, bound.url);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_away_keeps_its_address_for_the_grace() {
    let edge = edge().await;
    let (old, first) = Agent::enter(&edge).await;
    let bound = old.bind(&bind(Proto::Https, json!({}))).await.unwrap();
    old.vanish().await;
    eventually(|| edge.sessions().first().is_some_and(|session| session.n_legs == 0)).await;
    tokio::time::sleep(Duration::from_secs(28)).await;
    assert_eq!(edge.sessions()[0].tunnels[0].url, bound.url);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(edge.sessions().is_empty());
    let new = Agent::join(&edge);
    new.auth(&again(&first)).await.unwrap();
    assert_eq!(new.bind(&rebind(&bound)).await.unwrap().url, bound.url);
}

#[tokio::test]
async fn one_that_left_gives_way_and_is_kept_offline_when_it_returns() {
    let edge = edge().await;
    let (old, first) = Agent::enter(&edge).await;
    let bound = old.bind(&bind(Proto::Https, json!({"Domain": "a.edge.test"}))).await.unwrap();
    let other = old.bind(&bind(Proto::Https, json!({"Domain": "b.edge.test"}))).await.unwrap();
    old.vanish().await;
    eventually(|| edge.sessions()[0].n_legs == 0).await;
    let (new, _) = Agent::enter(&edge).await;
    let taken = new.bind(&bind(Proto::Https, json!({"Domain": "a.edge.test"}))).await.unwrap();

    let mut back = Agent::join(&edge);
    let mut of_another_family = again(&first);
    of_another_family.extra.client_type = "ngrok-rust".to_owned();
    back.auth(&of_another_family).await.unwrap();
    // An error would cost it the other address as well.
    assert_eq!(back.bind(&rebind(&bound)).await.unwrap().url, bound.url);
    let told = back.told().await;
    assert_eq!((told.id, told.error_code), (bound.id.clone(), "ERR_NGROK_334".to_owned()));
    assert_eq!(back.bind(&rebind(&other)).await.unwrap().url, other.url);

    // Once the address is free again, it gets it back.
    new.unbind(&taken.id).await;
    back.bind(&rebind(&bound)).await.unwrap();
    let online = || edge.sessions().iter().flat_map(|s| s.tunnels.clone()).collect::<Vec<_>>();
    eventually(|| online().iter().any(|t| t.url == bound.url && t.is_online)).await;
}

#[tokio::test]
async fn our_own_agent_is_told_what_it_does_not_get_back_and_asks_again() {
    let edge = edge().await;
    let (old, first) = Agent::enter(&edge).await;
    let bound = old.bind(&bind(Proto::Https, json!({"Domain": "a.edge.test"}))).await.unwrap();
    old.vanish().await;
    eventually(|| edge.sessions()[0].n_legs == 0).await;
    let (new, _) = Agent::enter(&edge).await;
    let taken = new.bind(&bind(Proto::Https, json!({"Domain": "a.edge.test"}))).await.unwrap();

    let back = Agent::join(&edge);
    back.auth(&again(&first)).await.unwrap();
    let refused = back.bind(&rebind(&bound)).await.unwrap_err();
    assert_eq!(code(&refused), ErrorCode::ALREADY_ONLINE);
    new.unbind(&taken.id).await;
    let again = back.bind(&rebind(&bound)).await.unwrap();
    assert_eq!((again.id, again.url), (bound.id, bound.url));
}

#[tokio::test]
async fn a_member_of_a_pool_keeps_its_place_when_it_comes_back_without_the_wish() {
    let edge = edge().await;
    let (one, first) = Agent::enter(&edge).await;
    let (two, _) = Agent::enter(&edge).await;
    let mut pooled = bind(Proto::Https, json!({"Domain": "a.edge.test"}));
    pooled.extra.pooling_enabled = true;
    let bound = one.bind(&pooled).await.unwrap();
    two.bind(&pooled).await.unwrap();
    let back = Agent::join(&edge);
    back.auth(&again(&first)).await.unwrap();
    assert_eq!(back.bind(&rebind(&bound)).await.unwrap().url, bound.url);
}

#[tokio::test]
async fn who_binds_again_is_taken_at_the_latest_word() {
    let edge = edge().await;
    let (agent, _) = Agent::enter_as(&edge, TOKEN).await;
    let mut asked = bind(Proto::Https, json!({"Domain": "a.edge.test"}));
    asked.extra.metadata = "first".to_owned();
    let bound = agent.bind(&asked).await.unwrap();
    let mut again = rebind(&bound);
    again.extra.metadata = "second".to_owned();
    again.extra.name = "web".to_owned();
    again.extra.pooling_enabled = true;
    agent.bind(&again).await.unwrap();
    let tunnel = edge.sessions()[0].tunnels[0].clone();
    assert_eq!((tunnel.metadata.as_str(), tunnel.name.as_str()), ("second", "web"));
    let (other, _) = Agent::enter_as(&edge, TOKEN).await;
    asked.extra.pooling_enabled = true;
    other.bind(&asked).await.unwrap();
}

#[tokio::test]
async fn a_thousand_agents_get_their_addresses_back_at_once() {
    const N: usize = 1000;
    let edge = edge().await;
    let mut agents = Vec::new();
    for _ in 0..N {
        let (agent, answer) = Agent::enter(&edge).await;
        let bound = agent.bind(&bind(Proto::Https, json!({}))).await.unwrap();
        agents.push((agent, answer, bound));
    }
    let since = std::time::Instant::now();
    let mut back = tokio::task::JoinSet::new();
    for (_old, answer, bound) in &agents {
        let (agent, auth, bind) = (Agent::join(&edge), again(answer), rebind(bound));
        back.spawn(async move {
            agent.auth(&auth).await.unwrap();
            (agent.bind(&bind).await.unwrap().url, agent)
        });
    }
    let (urls, _agents): (Vec<_>, Vec<_>) = back.join_all().await.into_iter().unzip();
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    let urls: std::collections::HashSet<_> = urls.into_iter().collect();
    assert_eq!(urls, agents.iter().map(|(_, _, bound)| bound.url.clone()).collect());
}

#[tokio::test]
async fn visitors_wait_for_the_agents_of_a_restarted_edge() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings();
    settings.state_dir = Some(dir.path().to_path_buf());
    let edge = start(settings.clone()).await;
    let (agent, first) = Agent::enter_as(&edge, TOKEN).await;
    let mut bound = Vec::new();
    for proto in [Proto::Http, Proto::Https] {
        bound.push(agent.bind(&bind(proto, json!({"Domain": "a.edge.test"}))).await.unwrap());
    }
    let _ = edge.shutdown(Duration::ZERO).await;
    drop(agent);

    settings.restart_wait = Duration::from_secs(60);
    let edge = start(settings).await;
    let mut plain = TcpStream::connect(edge.addresses().http.unwrap()).await.unwrap();
    request(&mut plain, "a.edge.test", "/plain").await;
    let secure = async {
        let mut secure = tls_to(&edge, "a.edge.test", &[]).await;
        request(&mut secure, "a.edge.test", "/secure").await;
        rest(&mut secure).await
    };
    let back = async {
        let mut agent = Agent::dial(&edge).await;
        agent.auth(&again(&first)).await.unwrap();
        for bound in &bound {
            agent.bind(&rebind(bound)).await.unwrap();
        }
        for _ in 0..2 {
            answer(&mut agent.visitor().await.1, "back").await;
        }
        agent
    };
    let (plain, secure, _agent) = tokio::join!(rest(&mut plain), secure, back);
    for answer in [plain, secure] {
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("back"), "{answer}");
    }
}
