//! What comes after HTTP on a connection: another protocol, or the end.

use adit_chain::{Body, Refusal, WrapIo};
use adit_net::Io;
use bytes::Bytes;
use http::{Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::{exchange::Shared, finish::Finish, pipe::Pipe, seat::Seat, sock::Sock, way::Way};
use crate::{Leg, PassthroughTls, UpstreamError};

/// What comes after HTTP.
pub(super) struct Switched {
    /// The visitor's bytes, once the answer has been sent.
    pub(super) visitor: OnUpgrade,
    pub(super) upstream: After,
    /// Told when that is over.
    pub(super) finish: Option<Box<Finish>>,
}

/// The other side of what comes after HTTP.
pub(super) enum After {
    /// The upstream's answer was `101`: its pipe goes on as bytes.
    Upgrade(Pipe),
    /// A handler took the connection: its wrapper, and a pipe that never spoke HTTP.
    Detach(Box<dyn WrapIo>, Leg),
}

/// A handler takes the connection out of HTTP.
pub(super) async fn detach(
    shared: &Shared,
    seat: &Seat,
    response: Response<Body>,
    wrap: Box<dyn WrapIo>,
    way: &mut Way,
) -> Result<Response<Body>, Refusal> {
    let Some(visitor) = way.visitor.take() else {
        let message = "The protocol cannot be switched on this connection.";
        return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, message));
    };
    let route = &seat.route;
    let after = route.limits.connect_timeout;
    let connecting = route.upstream.connect(&seat.conn, PassthroughTls::No);
    let leg = match timeout(after, connecting).await {
        Ok(result) => result.map_err(|error| error.to_refusal())?,
        Err(_) => {
            let address = route.endpoint.upstream.clone();
            return Err(UpstreamError::Timeout { address, after }.to_refusal());
        }
    };
    let upstream = After::Detach(wrap, leg);
    *shared.switched.lock() = Some(Switched { visitor, upstream, finish: None });
    Ok(response)
}

/// The visitor's bytes after HTTP, and what of them was read.
pub(super) async fn handed_over(upgrade: Option<OnUpgrade>) -> Option<(Bytes, Io)> {
    let parts = upgrade?.await.ok()?.downcast::<TokioIo<Sock>>().ok()?;
    let (unread, io) = parts.io.into_inner().into_io().into_parts();
    Some(([parts.read_buf, unread].concat().into(), io))
}
