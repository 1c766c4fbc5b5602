use std::{collections::BTreeMap, time::Duration};

use adit_chain::Protocol;
use adit_mux::ErrorCode as MuxCode;
use adit_proto::{
    message::{Proto, StartTunnelWithLabel},
    proxy::EdgeType,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::rig::*;

async fn tcp_to(url: &str) -> TcpStream {
    let port = url.rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    TcpStream::connect(("127.0.0.1", port)).await.unwrap()
}

#[tokio::test]
async fn http_is_led_by_host_to_its_agent() {
    let edge = edge().await;
    let (mut agent, _) = Agent::enter(&edge).await;
    let bound = agent.bind(&bind(Proto::Http, json!({"Domain": "a.edge.test"}))).await.unwrap();
    assert_eq!(bound.url, "http://a.edge.test");
    let visit = get(&edge, "A.edge.test:80", "/x");
    let serve = async {
        let (header, mut stream) = agent.visitor().await;
        assert_eq!((header.id.as_str(), header.proto), (bound.id.as_str(), Some(Proto::Http)));
        assert_eq!((header.edge_type, header.passthrough_tls), (EdgeType::Undefined, false));
        assert!(header.client_addr.unwrap().ip().is_loopback());
        let head = answer(&mut stream, "hello").await;
        assert!(head.starts_with("GET /x HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("x-forwarded-for: 127.0.0.1"), "{head}");
    };
    let (page, ()) = tokio::join!(visit, serve);
    assert!(page.starts_with("HTTP/1.1 200") && page.ends_with("hello"), "{page}");
}

#[tokio::test]
async fn unknown_names_are_offline_and_names_with_tls_are_redirected() {
    let edge = edge().await;
    let (agent, _) = Agent::enter(&edge).await;
    agent.bind(&bind(Proto::Https, json!({"Domain": "a.edge.test"}))).await.unwrap();
    let page = get(&edge, "b.edge.test", "/").await;
    assert!(page.starts_with("HTTP/1.1 404") && page.contains("ERR_NGROK_3200"), "{page}");
    let page = get(&edge, "a.edge.test", "/x?y").await;
    assert!(page.starts_with("HTTP/1.1 308"), "{page}");
    assert!(page.contains("location: https://a.edge.test/x?y\r\n"), "{page}");
}

#[tokio::test]
async fn tcp_carries_bytes_and_half_closes_both_ways() {
    let edge = edge().await;
    let (mut agent, _) = Agent::enter(&edge).await;
    let bound = agent.bind(&bind(Proto::Tcp, json!({}))).await.unwrap();
    let mut visitor = tcp_to(&bound.url).await;
    visitor.write_all(b"ping").await.unwrap();
    visitor.shutdown().await.unwrap();
    let (header, mut stream) = agent.visitor().await;
    assert_eq!(header.proto, Some(Proto::Tcp));
    assert_eq!(rest(&mut stream).await, "ping");
    stream.write_all(b"pong").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(rest(&mut visitor).await, "pong");
}

#[tokio::test]
async fn the_proxy_header_comes_first_byte_for_byte() {
    let edge = edge().await;
    let (mut agent, _) = Agent::enter(&edge).await;
    for version in [1, 2] {
        let bound = agent.bind(&bind(Proto::Tcp, json!({"ProxyProto": version}))).await.unwrap();
        let mut visitor = tcp_to(&bound.url).await;
        let (from, to) = (visitor.local_addr().unwrap(), visitor.peer_addr().unwrap());
        visitor.write_all(b"ping").await.unwrap();
        visitor.shutdown().await.unwrap();
        let (_, mut stream) = agent.visitor().await;
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        let mut expected = match version {
            1 => format!("PROXY TCP4 127.0.0.1 127.0.0.1 {} {}\r\n", from.port(), to.port()).into(),
            _ => {
                let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01".to_vec();
                v2.extend_from_slice(&from.port().to_be_bytes());
                v2.extend_from_slice(&to.port().to_be_bytes());
                v2
            }
        };
        expected.extend_from_slice(b"ping");
        assert_eq!(all, expected);
        stream.write_all(b"pong").await.unwrap();
        stream.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn visitors_wait_for_the_agent_s_fin_on_the_bind() {
    let mut settings = settings();
    settings.limits.bind_hold = PATIENCE;
    let edge = start(settings).await;
    let (mut agent, _) = Agent::enter(&edge).await;
    let answered = agent.call(&bind(Proto::Tcp, json!({}))).await.unwrap();
    let mut visitor = tcp_to(&answered.answer.url).await;
    visitor.write_all(b"early").await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), agent.next()).await;
    assert!(early.is_err(), "a visitor before the FIN");
    let (_, (_, mut stream)) = tokio::join!(answered.finish(), agent.visitor());
    assert_eq!(until(&mut stream, "early").await, "early");
}

#[tokio::test]
async fn without_a_fin_visitors_come_after_a_moment() {
    let edge = edge().await;
    let (mut agent, _) = Agent::enter(&edge).await;
    let answered = agent.call(&bind(Proto::Tcp, json!({}))).await.unwrap();
    let _visitor = tcp_to(&answered.answer.url).await;
    agent.visitor().await;
}

#[tokio::test]
async fn a_stream_that_ends_with_nothing_right_after_the_bind_is_tried_once_more() {
    let edge = edge().await;
    let mut agent = Agent::join(&edge);
    let mut sdk = auth("", "");
    sdk.extra.client_type = "ngrok-go".to_owned();
    agent.auth(&sdk).await.unwrap();
    let bound = agent.bind(&bind(Proto::Tcp, json!({}))).await.unwrap();
    let mut visitor = tcp_to(&bound.url).await;
    visitor.write_all(b"hello").await.unwrap();
    let (_, mut first) = agent.visitor().await;
    assert_eq!(until(&mut first, "hello").await, "hello");
    first.shutdown().await.unwrap();
    let (_, mut second) = agent.visitor().await;
    assert_eq!(until(&mut second, "hello").await, "hello");
    second.write_all(b"there").await.unwrap();
    second.shutdown().await.unwrap();
    visitor.shutdown().await.unwrap();
    assert_eq!(rest(&mut visitor).await, "there");
}

#[tokio::test]
async fn our_own_agent_is_never_asked_twice() {
    let edge = edge().await;
    let (mut agent, _) = Agent::enter(&edge).await;
    let bound = agent.bind(&bind(Proto::Tcp, json!({}))).await.unwrap();
    let mut visitor = tcp_to(&bound.url).await;
    visitor.write_all(b"hello").await.unwrap();
    let (_, mut only) = agent.visitor().await;
    assert_eq!(until(&mut only, "hello").await, "hello");
    only.shutdown().await.unwrap();
    assert_eq!(rest(&mut visitor).await, "");
}

#[tokio::test]
async fn a_visitor_that_aborts_is_fin_and_reset_for_the_agent() {
    let edge = edge().await;
    let (mut agent, _) = Agent::enter(&edge).await;
    let bound = agent.bind(&bind(Proto::Tcp, json!({}))).await.unwrap();
    let mut visitor = tcp_to(&bound.url).await;
    visitor.write_all(b"x").await.unwrap();
    let (_, mut stream) = agent.visitor().await;
    assert_eq!(until(&mut stream, "x").await, "x");
    socket2::SockRef::from(&visitor).set_linger(Some(Duration::ZERO)).unwrap();
    drop(visitor);
    eventually(|| stream.reset_code() == Some(MuxCode::StreamCancelled)).await;
    assert!(stream.recv_finished());
}

#[tokio::test]
async fn an_agent_that_says_nothing_is_a_502() {
    let edge = edge().await;
    let (mut agent, _) = Agent::enter(&edge).await;
    agent.bind(&bind(Proto::Http, json!({"Domain": "a.edge.test"}))).await.unwrap();
    let refuse = async {
        for _ in 0..3 {
            let next = tokio::time::timeout(Duration::from_secs(2), agent.visitor()).await;
            let Ok((_, mut stream)) = next else { return };
            stream.shutdown().await.unwrap();
        }
    };
    let (page, ()) = tokio::join!(get(&edge, "a.edge.test", "/"), refuse);
    assert!(page.starts_with("HTTP/1.1 502") && page.contains("ERR_NGROK_"), "{page}");
}

#[tokio::test]
async fn links_of_the_bind_run_at_the_edge() {
    let edge = edge().await;
    let (agent, _) = Agent::enter(&edge).await;
    let opts = json!({"Domain": "a.edge.test", "IPRestriction": {"deny_cidrs": ["0.0.0.0/0"]}});
    agent.bind(&bind(Proto::Http, opts)).await.unwrap();
    let page = get(&edge, "a.edge.test", "/").await;
    assert!(page.starts_with("HTTP/1.1 403") && page.contains("ERR_NGROK_3203"), "{page}");
}

#[tokio::test]
async fn members_of_a_pool_take_turns_and_one_that_leaves_is_left_out() {
    let edge = edge().await;
    let mut pooled = bind(Proto::Http, json!({"Domain": "a.edge.test"}));
    pooled.extra.pooling_enabled = true;
    let mut agents = Vec::new();
    for name in ["one", "two"] {
        let (agent, _) = Agent::enter(&edge).await;
        agent.bind(&pooled).await.unwrap();
        agents.push((name, agent));
    }
    let (_, mut two) = agents.pop().unwrap();
    let (_, mut one) = agents.pop().unwrap();
    let mut turns = String::new();
    for _ in 0..4 {
        let serve = async {
            tokio::select! {
                (_, mut stream) = one.visitor() => answer(&mut stream, "1").await,
                (_, mut stream) = two.visitor() => answer(&mut stream, "2").await,
            }
        };
        let (page, _) = tokio::join!(get(&edge, "a.edge.test", "/"), serve);
        turns.push_str(&page[page.len() - 1..]);
    }
    assert!(turns == "1212" || turns == "2121", "{turns}");
    one.vanish().await;
    eventually(|| edge.sessions().iter().any(|session| session.n_legs == 0)).await;
    for _ in 0..2 {
        let serve = async {
            let (_, mut stream) = two.visitor().await;
            answer(&mut stream, "2").await
        };
        let (page, _) = tokio::join!(get(&edge, "a.edge.test", "/"), serve);
        assert!(page.ends_with('2'), "{page}");
    }
}

#[tokio::test]
async fn the_turns_of_a_member_that_is_away_are_shared_by_all_others() {
    let edge = edge().await;
    let mut pooled = bind(Proto::Http, json!({"Domain": "a.edge.test"}));
    pooled.extra.pooling_enabled = true;
    let mut agents = Vec::new();
    for _ in 0..4 {
        let (agent, _) = Agent::enter(&edge).await;
        agent.bind(&pooled).await.unwrap();
        agents.push(agent);
    }
    agents.remove(1).vanish().await;
    eventually(|| edge.sessions().iter().any(|session| session.n_legs == 0)).await;
    let [one, three, four] = &mut agents[..] else { panic!("three are left") };
    let mut turns = Vec::new();
    for _ in 0..9 {
        let serve = async {
            tokio::select! {
                (_, mut stream) = one.visitor() => answer(&mut stream, "1").await,
                (_, mut stream) = three.visitor() => answer(&mut stream, "3").await,
                (_, mut stream) = four.visitor() => answer(&mut stream, "4").await,
            }
        };
        let (page, _) = tokio::join!(get(&edge, "a.edge.test", "/"), serve);
        turns.extend(page.chars().last());
    }
    turns.sort_unstable();
    assert_eq!(turns, ['1', '1', '1', '3', '3', '3', '4', '4', '4']);
}

#[tokio::test]
async fn a_visitor_waits_for_an_agent_on_its_way_back() {
    let edge = edge().await;
    let (old, first) = Agent::enter(&edge).await;
    let bound = old.bind(&bind(Proto::Http, json!({"Domain": "a.edge.test"}))).await.unwrap();
    old.vanish().await;
    eventually(|| edge.sessions()[0].n_legs == 0).await;
    let back = async {
        let mut new = Agent::join(&edge);
        new.auth(&again(&first)).await.unwrap();
        new.bind(&rebind(&bound)).await.unwrap();
        let (_, mut stream) = new.visitor().await;
        answer(&mut stream, "back").await;
        new
    };
    let (page, _new) = tokio::join!(get(&edge, "a.edge.test", "/"), back);
    assert!(page.ends_with("back"), "{page}");
}

#[tokio::test]
async fn a_visitor_of_an_agent_that_stays_away_gets_the_offline_page() {
    let mut settings = settings();
    settings.limits.detached_wait = Duration::from_millis(50);
    let edge = start(settings).await;
    let (old, _) = Agent::enter(&edge).await;
    old.bind(&bind(Proto::Http, json!({"Domain": "a.edge.test"}))).await.unwrap();
    old.vanish().await;
    eventually(|| edge.sessions()[0].n_legs == 0).await;
    let page = get(&edge, "a.edge.test", "/").await;
    assert!(page.contains("ERR_NGROK_3200"), "{page}");
}

#[tokio::test]
async fn a_leg_carries_a_limited_number_of_visitors_and_the_next_waits_a_moment() {
    let mut settings = settings();
    settings.limits.proxied_streams = 1;
    settings.limits.proxied_wait = Duration::from_millis(50);
    let edge = start(settings).await;
    let (mut agent, _) = Agent::enter(&edge).await;
    agent.bind(&bind(Proto::Http, json!({"Domain": "a.edge.test"}))).await.unwrap();
    let first = async {
        let page = get(&edge, "a.edge.test", "/");
        let hold = async {
            let (_, mut stream) = agent.visitor().await;
            let busy = get(&edge, "a.edge.test", "/").await;
            assert!(busy.starts_with("HTTP/1.1 503") && busy.contains("ERR_NGROK_714"), "{busy}");
            answer(&mut stream, "first").await;
        };
        tokio::join!(page, hold).0
    };
    assert!(first.await.ends_with("first"));
}

#[tokio::test]
async fn several_legs_of_a_session_share_its_visitors() {
    let edge = edge().await;
    let (mut zero, first) = Agent::enter(&edge).await;
    let bound = zero.bind(&bind(Proto::Tcp, json!({}))).await.unwrap();
    let mut one = Agent::join(&edge);
    let mut auth = again(&first);
    auth.extra.leg_number = 1;
    assert_eq!(one.auth(&auth).await.unwrap().client_id, first.client_id);
    assert_eq!(one.bind(&rebind(&bound)).await.unwrap().url, bound.url);
    let _a = tcp_to(&bound.url).await;
    let _b = tcp_to(&bound.url).await;
    tokio::join!(zero.visitor(), one.visitor());
    // One leg is enough.
    zero.vanish().await;
    let _c = tcp_to(&bound.url).await;
    one.visitor().await;
}

#[tokio::test]
async fn labelled_tunnels_are_found_by_their_labels() {
    let edge = edge().await;
    let (agent, _) = Agent::enter(&edge).await;
    let labels = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    let start = StartTunnelWithLabel {
        labels: labels(&[("app", "web"), ("stage", "test")]),
        ..StartTunnelWithLabel::default()
    };
    let id = agent.call(&start).await.unwrap().finish().await.id;
    let find = |pairs: &[(&str, &str)]| {
        edge.route_labels("local", &labels(pairs), "https://x.edge.test", Protocol::Https)
    };
    assert_eq!(find(&[("app", "web")]).unwrap().endpoint.name, id);
    assert!(find(&[("app", "db")]).is_none());
    agent.unbind(&id).await;
    assert!(find(&[("app", "web")]).is_none());
}
