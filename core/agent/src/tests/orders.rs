//! What the edge orders.

use adit_mux::Stream;
use adit_proto::{
    ErrorText, StreamType,
    message::{Message, Restart, Stop, StopTunnel, Update},
    rpc,
};
use bytes::Bytes;

use super::{edge::*, *};
use crate::{Down, Order, RemoteOrders, Stopped, Support};

/// Sends bytes as an order and returns the whole answer, up to the agent's FIN.
async fn order(leg: &Leg, first: Bytes) -> String {
    let mut stream: Stream = leg.mux.open(first).unwrap();
    let answer = read_all(&mut stream).await.unwrap();
    stream.finish().unwrap();
    String::from_utf8(answer).unwrap()
}

fn garbage(stream_type: StreamType) -> Bytes {
    let mut bytes = stream_type.to_bytes().to_vec();
    bytes.extend_from_slice(b"{]");
    bytes.into()
}

#[tokio::test]
async fn every_order_is_answered_with_json_and_fin() {
    let (_edge, session, leg) = world().await;
    let refused = |what: &str| {
        format!("{{\"Error\":\"the program that embeds this agent does not {what} itself\"}}")
    };
    assert_eq!(order(&leg, rpc::first_bytes(&Restart {})).await, refused("restart"));
    assert_eq!(order(&leg, rpc::first_bytes(&Update::default())).await, refused("update"));
    for stream_type in [Stop::TYPE, Restart::TYPE, Update::TYPE] {
        let answer = order(&leg, garbage(stream_type)).await;
        assert!(answer.starts_with("{\"Error\":\"Invalid "), "{answer}");
    }
    down(session, leg).await;
}

#[tokio::test]
async fn a_stop_is_answered_and_ends_the_session() {
    let (_edge, session, mut leg) = world().await;
    let (endpoint, _) =
        bind(&session, &mut leg, EndpointSpec::tcp("9"), "t1", "tcp://edge.test:1").await;
    assert_eq!(order(&leg, rpc::first_bytes(&Stop {})).await, "{\"Error\":\"\"}");
    assert_eq!(leg.unbind().await, "t1");
    leg.until_goodbye().await;
    assert_eq!(session.handle().stopped().await, Stopped::ByEdge(Order::Stop));
    assert_eq!(endpoint.ended().await, Down::Closed);
    let _ = session.shutdown(GRACE).await;
}

#[tokio::test]
async fn an_update_is_handed_to_an_owner_who_can_do_it() {
    let (mut edge, builder) = Edge::new();
    let orders = RemoteOrders { update: Support::Followed, ..RemoteOrders::disabled() };
    let (session, leg) = online(&mut edge, builder.orders(orders)).await;
    let refused = order(&leg, rpc::first_bytes(&Stop {})).await;
    assert_eq!(refused, "{\"Error\":\"remote management is disabled in this agent\"}");
    let update = Update { version: "4.0.0".into(), permit_major_version: true };
    assert_eq!(order(&leg, rpc::first_bytes(&update)).await, "{\"Error\":\"\"}");
    leg.until_goodbye().await;
    let wanted = Order::Update { version: "4.0.0".into(), permit_major_version: true };
    assert_eq!(session.handle().stopped().await, Stopped::ByEdge(wanted));
}

/// Ends the bind, and waits until the agent knows.
async fn stop_tunnel(leg: &Leg, id: &str) {
    let message = StopTunnel {
        id: id.into(),
        message: "Not any more.".into(),
        error_code: "ERR_NGROK_3200".into(),
    };
    let mut stream = leg.mux.open(rpc::first_bytes(&message)).unwrap();
    stream.finish().unwrap();
    assert_eq!(read_all(&mut stream).await, Ok(Vec::new()), "there is no answer");
}

#[tokio::test]
async fn a_stopped_tunnel_ends_without_an_unbind_also_after_a_reconnect() {
    let (mut edge, session, mut leg) = world().await;
    let spec = || EndpointSpec::tcp("9");
    let (a, _) = bind(&session, &mut leg, spec(), "t1", "tcp://edge.test:1").await;
    let (b, _) = bind(&session, &mut leg, spec(), "t2", "tcp://edge.test:2").await;
    let why = Down::StoppedByEdge(ErrorText::new(adit_proto::ErrorCode(3200), "Not any more."));
    stop_tunnel(&leg, "t1").await;
    assert_eq!(a.ended().await, why);
    a.close().await;
    leg.crash().await;
    let mut leg = edge.welcome().await;
    assert_eq!(leg.grant("t2", "tcp://edge.test:2").await.id, "t2");
    stop_tunnel(&leg, "t2").await;
    assert_eq!(b.ended().await, why);
    stop_tunnel(&leg, "never there").await;
    drop(b);
    // `until_goodbye` would answer an unbind; the next stream must be none.
    tokio::join!(
        async {
            let _ = session.shutdown(GRACE).await;
        },
        async {
            while let Some((stream_type, _stream)) = leg.streams.next().await {
                assert_eq!(stream_type, StreamType::HEARTBEAT);
            }
        }
    );
}

#[tokio::test]
async fn a_stopped_tunnel_does_not_come_back_with_the_next_connection_if_this_one_breaks_at_once() {
    let (mut edge, session, mut leg) = world().await;
    let spec = || EndpointSpec::tcp("9");
    let (a, _) = bind(&session, &mut leg, spec(), "t1", "tcp://edge.test:1").await;
    let (b, _) = bind(&session, &mut leg, spec(), "t2", "tcp://edge.test:2").await;
    let stop = StopTunnel { id: "t1".into(), ..StopTunnel::default() };
    // The edge leaves the stream open.
    let mut stream = leg.mux.open(rpc::first_bytes(&stop)).unwrap();
    assert!(read_all(&mut stream).await.unwrap().is_empty());
    leg.crash().await;
    assert!(matches!(a.ended().await, Down::StoppedByEdge(_)));
    let mut leg = edge.welcome().await;
    assert_eq!(leg.grant("t2", "tcp://edge.test:2").await.id, "t2");
    drop((a, b));
    assert_eq!(leg.unbind().await, "t2");
    down(session, leg).await;
}
