//! What the edge refuses, and what its operator orders.

use std::time::Duration;

use adit_agent::{ConnectError, Down, EndpointSpec, Event, Order, Roots, Session, Stopped};
use adit_config::endpoint_url::Kind;
use adit_proto::{ErrorCode, ErrorText};
use adit_tests::{Upstream, World, soon, world::OTHER_TOKEN};

use super::{http, until};

async fn refused(world: &World, token: &str) -> ErrorText {
    let agent = world.agent().authtoken(token).build().unwrap();
    let error = soon("an answer", agent.start()).await.unwrap_err();
    assert!(error.is_permanent());
    error.refusal().unwrap().clone()
}

#[tokio::test]
async fn a_bad_token_is_refused_for_good_and_with_its_code() {
    let world = World::new().up().await;
    assert_eq!(refused(&world, "wrong").await.code(), Some(ErrorCode(107)));
    assert_eq!(refused(&world, "").await.code(), Some(ErrorCode(105)));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn an_edge_that_cannot_prove_its_name_is_given_up() {
    let world = World::new().up().await;
    let agent = world.agent().roots(Roots::Trusted).build().unwrap();
    let error = soon("an answer", agent.start()).await.unwrap_err();
    assert!(error.is_permanent(), "{error}");
    assert!(matches!(error, ConnectError::Dial(_)), "{error:?}");
    world.down().await.assert_clean();
}

async fn bind_code(session: &Session, kind: Kind, url: &str) -> Option<u32> {
    let spec = match kind {
        Kind::Http => EndpointSpec::http("80"),
        Kind::Tcp => EndpointSpec::tcp("80"),
        Kind::Tls => EndpointSpec::tls("80"),
    };
    match session.bind(spec.url(url)).await {
        Ok(endpoint) => {
            endpoint.close().await;
            None
        }
        Err(error) => Some(error.refusal().unwrap().code().unwrap().0),
    }
}

#[tokio::test]
async fn an_address_that_the_token_may_not_have_is_refused_with_its_code() {
    let upstream = Upstream::counting("hello").await;
    let mut world =
        World::new().agent(http(&upstream).url("https://shared.tunnel.test")).up().await;
    let others = world.agent().authtoken(OTHER_TOKEN);
    world.join_as(others, []).await;
    let session = world.session(1);
    assert_eq!(bind_code(session, Kind::Http, "https://mine.other.test").await, None);
    assert_eq!(bind_code(session, Kind::Http, "https://a.tunnel.test").await, Some(316));
    assert_eq!(bind_code(session, Kind::Tls, "tls://a.tunnel.test").await, Some(316));
    assert_eq!(bind_code(session, Kind::Tcp, "tcp://tunnel.test:20000").await, Some(308));
    let taken = bind_code(session, Kind::Http, "https://shared.tunnel.test").await;
    assert!(matches!(taken, Some(320 | 334)), "{taken:?}");
    assert_eq!(world.get("/").await.text(), "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_tunnel_that_an_operator_stops_is_offline_and_stays_so() {
    let upstream = Upstream::counting("hello").await;
    let specs = [
        http(&upstream).url("https://a.tunnel.test").named("a"),
        http(&upstream).url("https://b.tunnel.test").named("b"),
    ];
    let world = World::new().path(Duration::ZERO).agent(specs).up().await;
    let tunnels = world.edge().sessions().remove(0).tunnels;
    let id = tunnels.iter().find(|tunnel| tunnel.url.contains("//a.")).unwrap().id.clone();
    world.edge().stop_tunnel(&id, "enough", Some(ErrorCode(3200))).await.unwrap();
    assert_eq!(world.visitor_to(0).get("/").await.code(), "ERR_NGROK_3200");
    let Down::StoppedByEdge(why) = soon("the end", world.endpoint(0).ended()).await else {
        panic!()
    };
    assert_eq!((why.message(), why.code()), ("enough", Some(ErrorCode(3200))));
    assert_eq!(world.visitor_to(1).get("/").await.text(), "hello");

    let mut events = world.session(0).events();
    world.path().cut();
    until(&mut events, |event| matches!(event, Event::Connected(_))).await;
    assert_eq!(world.visitor_to(0).get("/").await.code(), "ERR_NGROK_3200");
    assert_eq!(world.visitor_to(1).get("/").await.text(), "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_session_that_an_operator_stops_ends() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().agent(http(&upstream)).up().await;
    let id = world.edge().sessions()[0].id.clone();
    soon("an answer", world.edge().stop_session(&id)).await.unwrap();
    let why = soon("the end", world.session(0).handle().stopped()).await;
    assert_eq!(why, Stopped::ByEdge(Order::Stop));
    assert_eq!(world.get("/").await.code(), "ERR_NGROK_3200");
    assert_eq!(world.edge().sessions().len(), 0);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn an_order_that_the_agent_does_not_follow_is_reported() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().agent(http(&upstream)).up().await;
    let id = world.edge().sessions()[0].id.clone();
    let error = world.edge().restart_session(&id).await.unwrap_err();
    assert!(matches!(error, adit_edge::CommandError::Unsupported { .. }), "{error:?}");
    assert_eq!(world.get("/").await.text(), "hello");
    world.down().await.assert_clean();
}
