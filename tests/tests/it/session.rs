//! Sessions break, move, and end.

mod orders;

use std::time::{Duration, Instant};

use adit_agent::{EndpointSpec, Event};
use adit_proto::peer::HeartbeatTiming;
use adit_tests::{Upstream, Visitor, World, eventually, service, soon, visitor::until_the_end};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::broadcast::Receiver,
};

/// What a restart of the edge may cost once it is back.
const BACK_WITHIN: Duration = Duration::from_secs(2);

const GRACE: Duration = Duration::from_millis(200);

async fn until(events: &mut Receiver<Event>, wanted: impl Fn(&Event) -> bool) {
    soon("an event", async { while !wanted(&events.recv().await.unwrap()) {} }).await;
}

async fn served(visitor: &Visitor) {
    eventually("the endpoint is served", async || {
        let reply = visitor.get("/").try_send().await.ok()?;
        (reply.status() == 200).then_some(())
    })
    .await;
}

fn http(upstream: &Upstream) -> EndpointSpec {
    EndpointSpec::http(&upstream.http_url())
}

#[tokio::test]
async fn a_restart_of_the_edge_keeps_every_url() {
    let (upstream, echo) = (Upstream::counting("hello").await, Upstream::echo().await);
    let specs = [
        http(&upstream),
        http(&upstream).url("http://"),
        EndpointSpec::tcp(&echo.tcp_url()),
        EndpointSpec::tls(&echo.tcp_url()),
    ];
    let mut world = World::new().agent(specs).up().await;
    let urls: Vec<_> = (0..4).map(|n| world.endpoint(n).url()).collect();
    let mut events = world.session(0).events();

    let _ = world.edge_mut().stop(GRACE).await;
    world.edge_mut().start_again().await;
    let back = Instant::now();
    served(&world.visitor()).await;
    assert!(back.elapsed() < BACK_WITHIN, "{:?}", back.elapsed());
    until(&mut events, |event| matches!(event, Event::Connected(_))).await;
    assert_eq!((0..4).map(|n| world.endpoint(n).url()).collect::<Vec<_>>(), urls);
    served(&world.visitor_to(1)).await;
    let mut socket = world.visitor_to(2).connect().await;
    socket.write_all(b"again").await.unwrap();
    socket.shutdown().await.unwrap();
    assert_eq!(until_the_end(&mut socket).await, "again");
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn an_edge_that_stays_away_for_a_while_is_found_again() {
    let upstream = Upstream::counting("hello").await;
    let mut world = World::new().agent(http(&upstream)).up().await;
    let mut events = world.session(0).events();
    world.edge_mut().crash().await;
    for _ in 0..2 {
        until(&mut events, |event| matches!(event, Event::ReconnectFailed { .. })).await;
    }
    world.edge_mut().start_again().await;
    let back = Instant::now();
    served(&world.visitor()).await;
    assert!(back.elapsed() < BACK_WITHIN, "{:?}", back.elapsed());
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn many_agents_come_back_at_once() {
    let upstream = Upstream::counting("hello").await;
    let mut world = World::new().up().await;
    for _ in 0..30 {
        world.join(http(&upstream)).await;
    }
    let urls: Vec<_> = (0..30).map(|n| world.endpoint(n).url()).collect();
    let _ = world.edge_mut().stop(GRACE).await;
    world.edge_mut().start_again().await;
    let back = Instant::now();
    for n in 0..30 {
        served(&world.visitor_to(n)).await;
    }
    assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
    assert_eq!((0..30).map(|n| world.endpoint(n).url()).collect::<Vec<_>>(), urls);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_broken_connection_is_made_again_under_the_same_url() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().path(Duration::ZERO).agent(http(&upstream)).up().await;
    let url = world.url();
    for _ in 0..2 {
        let mut events = world.session(0).events();
        world.path().cut();
        until(&mut events, |event| matches!(event, Event::Connected(_))).await;
        assert_eq!(world.get("/").await.text(), "hello");
    }
    assert_eq!(world.url(), url);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_visitor_waits_for_an_agent_that_is_on_its_way_back() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().path(Duration::ZERO).agent(http(&upstream)).up().await;
    world.path().cut();
    assert_eq!(world.get("/").await.text(), "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_silent_connection_is_given_up_and_taken_over() {
    let upstream = Upstream::counting("hello").await;
    let mut world = World::new().path(Duration::ZERO).up().await;
    let second = Duration::from_secs(1);
    let impatient = world.agent().heartbeat(second, second);
    world.join_as(impatient, http(&upstream)).await;
    let url = world.url();
    let mut events = world.session(0).events();
    world.path().fall_silent();
    until(&mut events, |event| matches!(event, Event::Disconnected { .. })).await;
    until(&mut events, |event| matches!(event, Event::Connected(_))).await;
    assert_eq!(world.get("/").await.text(), "hello");
    assert_eq!(world.url(), url);
    assert_eq!(world.edge().sessions().len(), 1);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn an_agent_that_vanished_without_a_word_is_noticed() {
    let second = Duration::from_secs(1);
    let upstream = Upstream::counting("hello").await;
    let world = World::new()
        .edge(|edge| edge.heartbeat = HeartbeatTiming { interval: second, tolerance: second })
        .path(Duration::ZERO)
        .up()
        .await;
    let agent = world.agent().heartbeat(second, second).build().unwrap();
    let session = agent.start().await.unwrap();
    let endpoint = session.bind(http(&upstream)).await.unwrap();
    let visitor = world.visitor_of(&endpoint.url());
    assert_eq!(visitor.get("/").await.text(), "hello");
    world.path().fall_silent();
    drop((endpoint, session));
    let n_legs = || world.edge().sessions().iter().map(|session| session.n_legs).sum::<usize>();
    assert_eq!(n_legs(), 1);
    eventually("the edge notices", async || (n_legs() == 0).then_some(())).await;
    assert_eq!(visitor.get("/").await.code(), "ERR_NGROK_3200");
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_request_under_way_ends_with_a_clear_error_when_the_agent_is_lost() {
    let upstream = Upstream::serve(service::never_answers()).await;
    let world = World::new().path(Duration::ZERO).agent(http(&upstream)).up().await;
    let visit = async { world.get("/").header("accept", "application/json").await };
    let cut = async {
        eventually("the service is asked", async || (upstream.hits() == 1).then_some(())).await;
        world.path().cut();
    };
    let (reply, ()) = tokio::join!(visit, cut);
    assert_eq!((reply.status().as_u16(), reply.code()), (502, "ERR_NGROK_3210"));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_tcp_visitor_is_reset_when_the_agent_is_lost() {
    let upstream = Upstream::echo().await;
    let spec = EndpointSpec::tcp(&upstream.tcp_url());
    let world = World::new().path(Duration::ZERO).agent(spec).up().await;
    let mut socket = world.visitor().tcp().await;
    socket.write_all(b"?").await.unwrap();
    soon("an echo", socket.read_exact(&mut [0])).await.unwrap();
    world.path().cut();
    let error = soon("the end", socket.read(&mut [0])).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn what_is_under_way_is_finished_when_the_edge_stops() {
    let (release, wait) = tokio::sync::watch::channel(false);
    let upstream = Upstream::http(move |_| {
        let mut wait = wait.clone();
        async move {
            let _ = wait.wait_for(|go| *go).await;
            http::Response::new(service::body("finished"))
        }
    })
    .await;
    let mut world = World::new().agent(http(&upstream)).up().await;
    let visitor = world.visitor();
    let visit = async { visitor.get("/").await };
    let stop = async {
        eventually("the service is asked", async || (upstream.hits() == 1).then_some(())).await;
        let stop = world.edge_mut().stop(Duration::from_secs(10));
        let release = async {
            tokio::task::yield_now().await;
            release.send_replace(true);
        };
        tokio::join!(stop, release).0
    };
    let (reply, drained) = soon("both", async { tokio::join!(visit, stop) }).await;
    assert_eq!((reply.text().as_str(), reply.header("connection")), ("finished", "close"));
    assert_eq!(drained, adit_net::Drained::Clean);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn what_is_under_way_is_finished_when_the_agent_stops() {
    let upstream = Upstream::counts_to_the_end().await;
    let world = World::new().up().await;
    let agent = world.agent().build().unwrap();
    let session = agent.start().await.unwrap();
    let endpoint = session.bind(EndpointSpec::tcp(&upstream.tcp_url())).await.unwrap();
    let mut socket = world.visitor_of(&endpoint.url()).connect().await;
    socket.write_all(b"1234").await.unwrap();
    eventually("the service is asked", async || (upstream.hits() == 1).then_some(())).await;
    let visit = async {
        socket.write_all(b"5678").await.unwrap();
        socket.shutdown().await.unwrap();
        until_the_end(&mut socket).await
    };
    let (drained, counted) = tokio::join!(session.shutdown(Duration::from_secs(10)), visit);
    assert_eq!((drained, counted.as_str()), (adit_net::Drained::Clean, "8"));
    eventually("the session is gone", async || world.edge().sessions().is_empty().then_some(()))
        .await;
    drop(endpoint);
    world.down().await.assert_clean();
}
