//! Coming up, binding, going down.

use adit_mux::ErrorCode;
use adit_proto::{
    ErrorText, StreamType,
    message::{Auth, Bind, Proto, StartTunnelWithLabel, StartTunnelWithLabelResp},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

use super::{edge::*, *};
use crate::{BindError, ConnectError, Down, Event, Status, Stopped};

#[tokio::test]
async fn the_first_stream_is_the_heartbeat_and_the_second_presents_the_agent() {
    let (mut edge, builder) = Edge::new();
    let agent = builder
        .authtoken("tok")
        .metadata("some text")
        .user_agent("my-app/1.0")
        .heartbeat(Duration::from_secs(5), Duration::from_secs(7))
        .build()
        .unwrap();
    let as_edge = async {
        let mut leg = edge.accept().await;
        let (stream_type, stream) = leg.streams.next().await.unwrap();
        assert_eq!((stream_type, stream.id().to_string()), (StreamType::HEARTBEAT, "3".to_owned()));
        let (auth, auth_stream) = leg.expect::<Auth>().await;
        assert_eq!(auth_stream.id().to_string(), "5");
        assert!(!auth_stream.recv_finished(), "no FIN before the answer");
        leg.let_in(auth_stream).await;
        drop(stream);
        (auth, leg)
    };
    let (session, (auth, leg)) = tokio::join!(agent.start(), as_edge);
    assert_eq!(auth.version, ["3", "2"]);
    assert_eq!((auth.client_id.as_str(), auth.extra.cookie.expose()), ("", ""));
    let extra = auth.extra;
    assert_eq!(extra.authtoken.expose(), "tok");
    assert_eq!((extra.client_type.as_str(), extra.metadata.as_str()), ("adit", "some text"));
    assert_eq!(extra.user_agent, format!("my-app/1.0 adit/{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(extra.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(extra.heartbeat_interval, 5_000_000_000);
    assert_eq!(extra.heartbeat_tolerance, 7_000_000_000);
    assert_eq!(extra.stop_unsupported_error.as_deref(), Some(""));
    let unsupported = "the program that embeds this agent does not restart itself";
    assert_eq!(extra.restart_unsupported_error.as_deref(), Some(unsupported));
    assert!(extra.update_unsupported_error.is_some_and(|text| !text.is_empty()));
    assert_eq!(extra.leg_number, 0);
    drop((session, leg));
}

#[tokio::test]
async fn heartbeats_of_the_edge_are_answered_before_auth_is() {
    let (mut edge, builder) = Edge::new();
    let agent = builder.build().unwrap();
    let as_edge = async {
        let mut leg = edge.accept().await;
        let (_, auth) = leg.expect::<Auth>().await;
        let mut beat = adit_proto::session::open_heartbeat(&leg.mux).unwrap();
        let mut echo = [0; 4];
        // Split over two frames, then two pings in one.
        beat.write_all(&[1, 2]).await.unwrap();
        beat.flush().await.unwrap();
        beat.write_all(&[3, 4]).await.unwrap();
        beat.read_exact(&mut echo).await.unwrap();
        assert_eq!(echo, [1, 2, 3, 4]);
        beat.write_all(&[5, 6, 7, 8, 9, 10, 11, 12]).await.unwrap();
        let mut echoes = [0; 8];
        beat.read_exact(&mut echoes).await.unwrap();
        assert_eq!(echoes, [5, 6, 7, 8, 9, 10, 11, 12]);
        beat.shutdown().await.unwrap();
        assert_eq!(read_all(&mut beat).await, Ok(Vec::new()));
        leg.let_in(auth).await;
        leg
    };
    let (session, leg) = tokio::join!(agent.start(), as_edge);
    down(session.unwrap(), leg).await;
}

#[tokio::test]
async fn the_shortest_answer_in_any_case_is_a_yes() {
    let (mut edge, builder) = Edge::new();
    let agent = builder.build().unwrap();
    for text in [
        r#"{"Version":"3","ClientId":"c1","Error":"","Extra":{}}"#,
        r#" {"version":"2","CLIENTID":"c1","New":[1],"extra":{"Cookie":null,"Region":null}}"#,
    ] {
        let as_edge = async {
            let mut leg = edge.accept().await;
            let (_, mut stream) = leg.expect::<Auth>().await;
            stream.write_all(text.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            assert_eq!(read_all(&mut stream).await, Ok(Vec::new()));
            leg
        };
        let (session, leg) = tokio::join!(agent.start(), as_edge);
        down(session.unwrap(), leg).await;
    }
}

#[tokio::test]
async fn a_refused_credential_ends_the_start_with_the_edges_words() {
    let (mut edge, builder) = Edge::new();
    let agent = builder.authtoken("bad").build().unwrap();
    let as_edge = async {
        let mut leg = edge.accept().await;
        let (_, stream) = leg.expect::<Auth>().await;
        refuse(stream, &ErrorText::new(adit_proto::ErrorCode(107), "No such token.")).await;
        leg.until_goodbye().await;
    };
    let (result, ()) = tokio::join!(agent.start(), as_edge);
    let error = result.unwrap_err();
    assert!(matches!(&error, ConnectError::Refused(text) if text.code().unwrap().0 == 107));
    assert_eq!(error.to_string(), "authentication failed: No such token.\n\nERR_NGROK_107");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_edge_has_no_room_for_is_made_again() {
    let (edge, session, mut leg) = world().await;
    let no_room = [ErrorCode::StreamRefused, ErrorCode::AcceptQueueFull];
    let as_edge = async {
        for code in no_room {
            leg.next().await.1.reset(code);
        }
        leg.grant("t1", "tcp://edge.test:2000").await
    };
    let (endpoint, _) = tokio::join!(session.bind(EndpointSpec::tcp("localhost:9")), as_edge);
    let as_edge = async {
        for code in no_room {
            leg.next().await.1.reset(code);
        }
        leg.unbind().await
    };
    let ((), unbound) = tokio::join!(endpoint.unwrap().close(), as_edge);
    assert_eq!(unbound, "t1");
    down(session, leg).await;
    drop(edge);
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_never_has_room_is_told_before_anybody_gives_up() {
    let (edge, session, mut leg) = world().await;
    let began = Instant::now();
    let as_edge = async {
        loop {
            leg.next().await.1.reset(ErrorCode::StreamRefused);
        }
    };
    let result = tokio::select! {
        result = session.bind(EndpointSpec::tcp("localhost:9")) => result,
        () = as_edge => unreachable!("it goes on"),
    };
    assert!(matches!(result.unwrap_err(), BindError::Call(_)));
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    down(session, leg).await;
    drop(edge);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_edge_has_read_is_not_made_again() {
    let (edge, session, mut leg) = world().await;
    let as_edge = async {
        let (_, mut stream) = leg.expect::<Bind>().await;
        stream.reset(ErrorCode::StreamCancelled);
    };
    let (result, ()) = tokio::join!(session.bind(EndpointSpec::tcp("localhost:9")), as_edge);
    assert!(matches!(result.unwrap_err(), BindError::Call(_)));
    down(session, leg).await;
    drop(edge);
}

#[tokio::test]
async fn visitors_are_asked_for_only_when_the_endpoint_is_registered() {
    let (edge, session, mut leg) = world().await;
    let spec = EndpointSpec::tcp("localhost:9").url("tcp://edge.test:2000").named("ssh");
    let mut events = session.events();
    let as_edge = async {
        let (asked, stream) = leg.expect::<Bind>().await;
        // This waits for the agent's FIN.
        grant_on(stream, &asked, "t1", "tcp://edge.test:2000").await;
        asked
    };
    let (endpoint, asked) = tokio::join!(session.bind(spec), as_edge);
    let endpoint = endpoint.unwrap();
    assert_eq!((asked.proto, asked.id.as_str()), (Proto::Tcp, ""));
    assert_eq!((asked.forwards_to.as_str(), asked.extra.name.as_str()), ("localhost:9", "ssh"));
    assert_eq!((endpoint.name(), &*endpoint.url()), ("ssh", "tcp://edge.test:2000"));
    let up = events.recv().await.unwrap();
    assert!(matches!(up, Event::EndpointUp { name, .. } if &*name == "ssh"));
    drop(edge);
    down(session, leg).await;
    assert_eq!(endpoint.ended().await, Down::Closed);
}

#[tokio::test]
async fn the_bind_stream_stays_open_until_registration() {
    let (_edge, session, mut leg) = world().await;
    let (bind, stream) = {
        let binding = session.bind(EndpointSpec::tcp("9"));
        tokio::pin!(binding);
        tokio::select! {
            _ = &mut binding => panic!("nobody has answered"),
            call = leg.expect::<Bind>() => call,
        }
        // The caller gave up here, the bind goes on.
    };
    assert!(!stream.recv_finished());
    grant_on(stream, &bind, "t1", "tcp://edge.test:1").await;
    assert_eq!(leg.unbind().await, "t1", "an address that nobody wants is given back");
    down(session, leg).await;
}

#[tokio::test]
async fn a_refused_endpoint_is_an_error_with_the_edges_words() {
    let (_edge, session, mut leg) = world().await;
    let as_edge = async {
        let (_, stream) = leg.expect::<Bind>().await;
        refuse(stream, &ErrorText::new(adit_proto::ErrorCode(334), "It is online.")).await;
    };
    let (result, ()) = tokio::join!(session.bind(EndpointSpec::http("8080")), as_edge);
    let error = result.unwrap_err();
    assert!(matches!(&error, BindError::Refused(text) if text.code().unwrap().0 == 334));
    down(session, leg).await;
}

#[tokio::test]
async fn closing_an_endpoint_gives_it_back_and_so_does_dropping_it() {
    let (_edge, session, mut leg) = world().await;
    let spec = || EndpointSpec::tcp("9");
    let (closed, _) = bind(&session, &mut leg, spec(), "t1", "tcp://edge.test:1").await;
    let (dropped, _) = bind(&session, &mut leg, spec(), "t2", "tcp://edge.test:2").await;
    let (kept, _) = bind(&session, &mut leg, spec(), "t3", "tcp://edge.test:3").await;
    let ((), id) = tokio::join!(closed.close(), leg.unbind());
    assert_eq!(id, "t1");
    drop(dropped);
    assert_eq!(leg.unbind().await, "t2");
    kept.keep();
    let (drained, id) = tokio::join!(session.shutdown(GRACE), async {
        let id = leg.unbind().await;
        leg.until_goodbye().await;
        id
    });
    assert_eq!((drained, id.as_str()), (adit_net::Drained::Clean, "t3"));
}

#[tokio::test]
async fn a_labelled_tunnel_is_asked_for_by_its_labels() {
    let (_edge, session, mut leg) = world().await;
    let spec = EndpointSpec::http("8080").labels([("edge", "e1")]).metadata("m");
    let as_edge = async {
        let (start, stream) = leg.expect::<StartTunnelWithLabel>().await;
        answer(stream, &StartTunnelWithLabelResp { id: "l1".into() }).await;
        start
    };
    let (endpoint, start) = tokio::join!(session.bind(spec), as_edge);
    assert_eq!(start.labels.get("edge").map(String::as_str), Some("e1"));
    assert_eq!(
        (start.forwards_to.as_str(), start.metadata.as_str()),
        ("http://localhost:8080", "m")
    );
    assert_eq!(&*endpoint.unwrap().url(), "edge=e1");
    assert_eq!(leg.unbind().await, "l1");
    down(session, leg).await;
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_does_not_answer_a_bind_is_given_thirty_seconds() {
    let (_edge, session, mut leg) = world().await;
    let began = Instant::now();
    let silent = async {
        let held = leg.expect::<Bind>().await;
        // Heartbeats go on.
        let _ = timeout(Duration::from_secs(40), leg.next()).await;
        held
    };
    let (result, _held) = tokio::join!(
        async {
            let result = session.bind(EndpointSpec::tcp("9")).await;
            (result, began.elapsed())
        },
        silent
    );
    assert!(matches!(result.0, Err(BindError::Call(_))), "{:?}", result.0);
    assert_eq!(result.1.as_secs(), 31, "the limit, and a second for the loss to show");
    drop(session);
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_does_not_answer_auth_is_tried_again_after_ten_seconds() {
    let (mut edge, builder) = Edge::new();
    let agent = builder.build().unwrap();
    let as_edge = async {
        let mut silent = edge.accept().await;
        let held = silent.expect::<Auth>().await;
        let leg = edge.welcome().await;
        let waited = leg.at.duration_since(silent.at);
        drop((held, silent));
        (leg, waited)
    };
    let (session, (leg, waited)) = tokio::join!(agent.start(), as_edge);
    assert!((10..12).contains(&waited.as_secs()), "{waited:?}");
    down(session.unwrap(), leg).await;
}

#[tokio::test]
async fn a_shutdown_is_reported_and_refuses_later_binds() {
    let (_edge, session, leg) = world().await;
    let handle = session.handle().clone();
    assert!(matches!(&*handle.status().borrow(), Status::Online(_)));
    down(session, leg).await;
    assert_eq!(handle.stopped().await, Stopped::ByOwner);
    assert!(matches!(handle.bind(EndpointSpec::tcp("9")).await, Err(BindError::Ended)));
}

#[tokio::test]
async fn dropping_a_session_ends_its_connection() {
    let (_edge, session, leg) = world().await;
    drop(session);
    timeout(SOON, leg.mux.closed()).await.unwrap();
}

#[tokio::test]
async fn a_round_trip_is_measured() {
    let (_edge, session, mut leg) = world().await;
    let mut rtt = session.handle().rtt();
    tokio::select! {
        found = rtt.wait_for(Option::is_some) => assert!(found.unwrap().is_some()),
        _ = leg.next() => unreachable!("nothing was asked"),
    }
    down(session, leg).await;
}
