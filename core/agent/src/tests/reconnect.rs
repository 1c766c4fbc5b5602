//! Lost connections.

use adit_proto::{
    ErrorCode, ErrorText,
    message::{Auth, Bind},
    rpc,
};
use tokio::time::{Instant, timeout};

use super::{edge::*, *};
use crate::{Down, Event, Status};

#[tokio::test]
async fn a_lost_connection_is_replaced_by_the_same_session_with_the_same_addresses() {
    let (mut edge, session, mut leg) = world().await;
    let spec = EndpointSpec::http("8080").named("web");
    let (endpoint, first) = bind(&session, &mut leg, spec, "t1", "https://a.edge.test").await;
    assert_eq!((first.id.as_str(), first.extra.token.expose()), ("", ""));
    let mut events = session.events();
    let began = Instant::now();
    leg.crash().await;

    let mut leg = edge.accept().await;
    assert!(leg.at.duration_since(began) < Duration::from_millis(200), "the first one at once");
    let (auth, stream) = leg.expect::<Auth>().await;
    assert_eq!((auth.client_id.as_str(), auth.extra.cookie.expose()), ("client-1", "cookie-1"));
    leg.let_in(stream).await;
    let again = leg.grant("t1", "https://a.edge.test").await;
    assert_eq!((again.id.as_str(), again.extra.token.expose()), ("t1", "token-t1"));
    let address = |bind: &Bind| bind.opts.http().unwrap().hostname;
    assert_eq!((address(&first).as_str(), address(&again).as_str()), ("", "a.edge.test"));
    assert_eq!(&*endpoint.url(), "https://a.edge.test");
    let reason = events.recv().await.unwrap();
    assert!(matches!(reason, Event::Disconnected { .. }), "{reason:?}");
    let event = events.recv().await.unwrap();
    assert!(matches!(event, Event::Connected(_)), "{event:?}");
    drop(endpoint);
    assert_eq!(leg.unbind().await, "t1");
    down(session, leg).await;
}

#[tokio::test]
async fn one_endpoint_that_is_not_taken_back_does_not_take_the_others_with_it() {
    let (mut edge, session, mut leg) = world().await;
    let spec = || EndpointSpec::tcp("9");
    let (a, _) = bind(&session, &mut leg, spec().named("a"), "t1", "tcp://edge.test:1").await;
    let (b, _) = bind(&session, &mut leg, spec().named("b"), "t2", "tcp://edge.test:2").await;
    let mut events = session.events();
    leg.crash().await;
    let mut leg = edge.welcome().await;
    for _ in 0..2 {
        let (bind, stream) = leg.expect::<Bind>().await;
        match bind.id.as_str() {
            "t1" => refuse(stream, &ErrorText::uncoded("not today")).await,
            _ => grant_on(stream, &bind, "t2", "tcp://edge.test:2").await,
        }
    }
    let down_event = loop {
        if let Event::EndpointDown { name, why } = events.recv().await.unwrap() {
            break (name, why);
        }
    };
    assert_eq!((&*down_event.0, down_event.1), ("a", Down::RebindFailed("not today".into())));
    assert!(leg.streams_alive());
    assert!(matches!(&*session.handle().status().borrow(), Status::Online(_)));
    a.keep();
    b.keep();
    down(session, leg).await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_was_not_taken_back_is_asked_for_again_later() {
    let (mut edge, session, mut leg) = world().await;
    let spec = EndpointSpec::tcp("9");
    let (endpoint, _) = bind(&session, &mut leg, spec, "t1", "tcp://edge.test:1").await;
    leg.crash().await;
    let mut leg = edge.welcome().await;
    let (_, stream) = leg.expect::<Bind>().await;
    refuse(stream, &ErrorText::uncoded("not today")).await;
    let mut events = session.events();
    let again = leg.grant("t1", "tcp://edge.test:1").await;
    assert_eq!(again.extra.token.expose(), "token-t1");
    let event = loop {
        if let Event::EndpointUp { url, .. } = events.recv().await.unwrap() {
            break url;
        }
    };
    assert_eq!(&*event, "tcp://edge.test:1");
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test(start_paused = true)]
async fn pauses_between_attempts_double_and_vary() {
    let (mut edge, session, leg) = world().await;
    leg.crash().await;
    let mut dialled = Vec::new();
    for _ in 0..9 {
        let refused = edge.accept().await;
        dialled.push(refused.at);
        refused.crash().await;
    }
    let pauses: Vec<_> = dialled.windows(2).map(|w| w[1] - w[0]).collect();
    for (pause, nominal) in pauses.iter().zip([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]) {
        let seconds = pause.as_secs_f64();
        assert!((nominal * 0.74..=nominal * 1.01).contains(&seconds), "{pauses:?}");
    }
    let leg = edge.welcome().await;
    down(session, leg).await;
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_is_back_within_two_seconds_is_found_within_five() {
    let (mut edge, session, leg) = world().await;
    let lost = Instant::now();
    leg.crash().await;
    let leg = loop {
        let mut leg = edge.accept().await;
        if lost.elapsed() < Duration::from_secs(2) {
            leg.crash().await;
            continue;
        }
        let (_, stream) = leg.expect::<Auth>().await;
        leg.let_in(stream).await;
        break leg;
    };
    assert!(lost.elapsed() < Duration::from_secs(5), "{:?}", lost.elapsed());
    down(session, leg).await;
}

#[tokio::test(start_paused = true)]
async fn an_edge_without_echoes_is_left_after_interval_and_tolerance() {
    let (mut edge, builder) = Edge::new();
    let agent = builder.build().unwrap();
    let as_edge = async {
        let mut leg = edge.accept().await;
        leg.ignore_pings();
        let (_, stream) = leg.expect::<Auth>().await;
        leg.let_in(stream).await;
        leg
    };
    let (session, leg) = tokio::join!(agent.start(), as_edge);
    let session = session.unwrap();
    let mut events = session.events();
    let next = edge.welcome().await;
    let silent_for = next.at.duration_since(leg.at);
    assert!((25..26).contains(&silent_for.as_secs()), "{silent_for:?}");
    let event = events.recv().await.unwrap();
    assert!(
        matches!(&event, Event::Disconnected { reason } if &**reason == "no heartbeat for 25s"),
        "{event:?}"
    );
    down(session, next).await;
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_refused_later_is_tried_again_slowly() {
    let (mut edge, session, leg) = world().await;
    leg.crash().await;
    let mut refused = Vec::new();
    for _ in 0..3 {
        let mut leg = edge.accept().await;
        let (_, stream) = leg.expect::<Auth>().await;
        refuse(stream, &ErrorText::new(ErrorCode(300), "Revoked.")).await;
        refused.push(leg.at);
        leg.until_goodbye().await;
    }
    assert!(refused.windows(2).all(|w| w[1] - w[0] >= Duration::from_secs(30)), "{refused:?}");
    let leg = edge.welcome().await;
    down(session, leg).await;
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_has_lost_what_it_keeps_is_asked_for_the_same_address_by_a_new_session() {
    let (mut edge, session, mut leg) = world().await;
    let spec = EndpointSpec::tcp("9");
    let (endpoint, _) = bind(&session, &mut leg, spec, "t1", "tcp://edge.test:1").await;
    leg.crash().await;
    let mut leg = edge.accept().await;
    let (auth, stream) = leg.expect::<Auth>().await;
    assert_eq!(auth.extra.cookie.expose(), "cookie-1");
    refuse(stream, &ErrorText::new(ErrorCode::COOKIE_INVALID, "Never seen.")).await;
    let refused = leg.at;
    leg.until_goodbye().await;

    let mut leg = edge.accept().await;
    assert!(leg.at - refused < Duration::from_secs(1), "{:?}", leg.at - refused);
    let (auth, stream) = leg.expect::<Auth>().await;
    assert_eq!((auth.client_id.as_str(), auth.extra.cookie.expose()), ("", ""));
    leg.let_in(stream).await;
    let (bind, stream) = leg.expect::<Bind>().await;
    assert_eq!((bind.id.as_str(), bind.extra.token.expose()), ("t1", "token-t1"));
    refuse(stream, &ErrorText::new(ErrorCode::BIND_TOKEN_MALFORMED, "Never seen.")).await;
    let (bind, stream) = leg.expect::<Bind>().await;
    assert_eq!((bind.id.as_str(), bind.extra.token.expose()), ("", ""));
    assert_eq!(bind.opts.tcp().unwrap().addr, "edge.test:1");
    grant_on(stream, &bind, "t2", "tcp://edge.test:1").await;
    assert_eq!(&*endpoint.url(), "tcp://edge.test:1");
    drop(endpoint);
    assert_eq!(leg.unbind().await, "t2");
    down(session, leg).await;
}

#[tokio::test]
async fn a_bind_whose_connection_breaks_is_made_on_the_next_one() {
    let (mut edge, session, mut leg) = world().await;
    let as_edge = async {
        let asked = leg.expect::<Bind>().await;
        drop(asked);
        leg.crash().await;
        let mut leg = edge.welcome().await;
        let bind = leg.grant("t9", "tcp://edge.test:9").await;
        (leg, bind)
    };
    let (endpoint, (leg, bind)) = tokio::join!(session.bind(EndpointSpec::tcp("9")), as_edge);
    assert_eq!((bind.id.as_str(), &*endpoint.unwrap().url()), ("", "tcp://edge.test:9"));
    let mut leg = leg;
    assert_eq!(leg.unbind().await, "t9");
    down(session, leg).await;
}

#[tokio::test]
async fn a_goodbye_of_the_edge_is_followed_by_a_new_connection() {
    let (mut edge, session, leg) = world().await;
    leg.mux.close(adit_mux::ErrorCode::NoError, "draining this node");
    let mut events = session.events();
    let next = edge.welcome().await;
    let event = events.recv().await.unwrap();
    assert!(
        matches!(&event, Event::Disconnected { reason } if reason.contains("draining this node")),
        "{event:?}"
    );
    down(session, next).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_can_be_shut_down_while_the_edge_is_away() {
    let (edge, session, mut leg) = world().await;
    let (endpoint, _) =
        bind(&session, &mut leg, EndpointSpec::tcp("9"), "t1", "tcp://edge.test:1").await;
    drop(edge);
    leg.crash().await;
    let handle = session.handle().clone();
    let mut status = handle.status();
    status.wait_for(|s| *s == Status::Reconnecting).await.unwrap();
    let began = Instant::now();
    assert_eq!(session.shutdown(GRACE).await, adit_net::Drained::Clean);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(timeout(SOON, endpoint.ended()).await.unwrap(), Down::Closed);
}

#[tokio::test]
async fn an_endpoint_that_is_closed_while_it_is_bound_again_is_given_back() {
    let (mut edge, session, mut leg) = world().await;
    let (endpoint, _) =
        bind(&session, &mut leg, EndpointSpec::tcp("9"), "t1", "tcp://edge.test:1").await;
    leg.crash().await;
    let mut leg = edge.welcome().await;
    let (asked, stream) = leg.expect::<Bind>().await;
    let as_edge = async {
        let first = leg.unbind().await;
        // The stream is not needed any more: there is no FIN that asks for visitors.
        let resp = granted(&asked, "t1", "tcp://edge.test:1");
        let closing = rpc::respond(stream, &resp, SOON).await.unwrap();
        let second = leg.unbind().await;
        drop(closing);
        (first, second)
    };
    let ((), (first, second)) = tokio::join!(endpoint.close(), as_edge);
    assert_eq!((first.as_str(), second.as_str()), ("t1", "t1"));
    down(session, leg).await;
}
