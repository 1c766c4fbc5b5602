//! Several connections of one session.

use adit_proto::message::{Auth, Bind};
use tokio::time::timeout;

use super::{edge::*, *};
use crate::Status;

const OFFERED: [&str; 3] = ["a.edge.test:443", "b.edge.test:443", "c.edge.test:443"];

/// Lets the next connection in, which must be a further leg to this address.
async fn further(edge: &mut Edge, address: &str, leg_number: u32) -> Leg {
    let (to, mut leg) = edge.accept_at().await;
    let (auth, stream) = leg.expect::<Auth>().await;
    assert_eq!((to.as_str(), auth.extra.leg_number), (address, leg_number));
    assert_eq!((auth.client_id.as_str(), auth.extra.cookie.expose()), ("client-1", "cookie-1"));
    leg.let_in(stream).await;
    leg
}

/// A session with three legs.
async fn three_legs() -> (Edge, Session, [Leg; 3]) {
    let (mut edge, builder) = Edge::new();
    let agent = builder.multi_leg().build().unwrap();
    let as_edge = async {
        let mut first = edge.accept().await;
        let (auth, stream) = first.expect::<Auth>().await;
        assert_eq!(auth.extra.leg_number, 0);
        first.let_in_with(stream, &OFFERED).await;
        let second = further(&mut edge, OFFERED[1], 1).await;
        let third = further(&mut edge, OFFERED[2], 2).await;
        [first, second, third]
    };
    let (session, legs) = tokio::join!(agent.start(), as_edge);
    (edge, session.unwrap(), legs)
}

#[tokio::test]
async fn every_leg_serves_every_endpoint() {
    let (mut edge, session, [mut first, mut second, mut third]) = three_legs().await;
    let spec = EndpointSpec::tcp("9");
    let (endpoint, _) = bind(&session, &mut first, spec, "t1", "tcp://edge.test:1").await;
    for leg in [&mut second, &mut third] {
        let again = leg.grant("t1", "tcp://edge.test:1").await;
        assert_eq!((again.id.as_str(), again.extra.token.expose()), ("t1", "token-t1"));
        assert_eq!(again.opts.tcp().unwrap().addr, "edge.test:1");
    }
    // The service is not there, but the endpoint is known.
    let cancelled = Err(Some(adit_mux::ErrorCode::StreamCancelled));
    assert_eq!(read_all(&mut third.visit("t1", b"")).await, cancelled);

    // One leg is lost and comes back, alone.
    second.crash().await;
    let mut second = further(&mut edge, OFFERED[1], 1).await;
    assert_eq!(second.grant("t1", "tcp://edge.test:1").await.id, "t1");
    assert!(matches!(&*session.handle().status().borrow(), Status::Online(_)));
    assert!(first.streams_alive() && third.streams_alive());

    let ((), a, b, c) =
        tokio::join!(endpoint.close(), first.unbind(), second.unbind(), third.unbind());
    assert_eq!([a, b, c], ["t1", "t1", "t1"]);
    let (drained, (), (), ()) = tokio::join!(
        session.shutdown(GRACE),
        first.until_goodbye(),
        second.until_goodbye(),
        third.until_goodbye()
    );
    assert_eq!(drained, adit_net::Drained::Clean);
}

#[tokio::test]
async fn an_offer_that_nobody_asked_for_is_left_alone() {
    let (mut edge, builder) = Edge::new();
    let agent = builder.build().unwrap();
    let as_edge = async {
        let mut leg = edge.accept().await;
        let (_, stream) = leg.expect::<Auth>().await;
        leg.let_in_with(stream, &OFFERED).await;
        leg
    };
    let (session, mut leg) = tokio::join!(agent.start(), as_edge);
    let session = session.unwrap();
    let (endpoint, _): (_, Bind) =
        bind(&session, &mut leg, EndpointSpec::tcp("9"), "t1", "tcp://edge.test:1").await;
    endpoint.keep();
    down(session, leg).await;
    drop(agent);
    assert!(timeout(SOON, edge.hangs_up()).await.is_ok(), "nobody else dialled");
}
