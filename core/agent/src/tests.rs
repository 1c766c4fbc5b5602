//! Against an edge that a test drives by hand, over in-memory connections.

#![allow(clippy::unwrap_used)]

mod dial;
mod edge;
mod further;
mod lifecycle;
mod orders;
mod overtaken;
mod reconnect;
mod service;
mod traffic;
mod visit;

use std::time::Duration;

use adit_proto::message::Bind;

use self::edge::{Edge, Leg};
use crate::{Agent, Builder, Endpoint, EndpointSpec, Session};

const GRACE: Duration = Duration::from_secs(1);

/// A session over one leg that the edge has accepted.
async fn online(edge: &mut Edge, builder: Builder) -> (Session, Leg) {
    let agent = builder.build().unwrap();
    let (session, leg) = tokio::join!(agent.start(), edge.welcome());
    (session.unwrap(), leg)
}

/// An edge, and a session with it.
async fn world() -> (Edge, Session, Leg) {
    let (mut edge, builder) = Edge::new();
    let (session, leg) = online(&mut edge, builder.authtoken("tok")).await;
    (edge, session, leg)
}

/// Binds an endpoint, which the edge grants with this id and URL.
async fn bind(
    session: &Session,
    leg: &mut Leg,
    spec: EndpointSpec,
    id: &str,
    url: &str,
) -> (Endpoint, Bind) {
    let (endpoint, asked) = tokio::join!(session.bind(spec), leg.grant(id, url));
    (endpoint.unwrap(), asked)
}

/// Ends a session and makes sure that nothing of it is left.
async fn down(session: Session, leg: Leg) {
    let (drained, ()) = tokio::join!(session.shutdown(GRACE), leg.until_goodbye());
    assert_eq!(drained, adit_net::Drained::Clean);
}
