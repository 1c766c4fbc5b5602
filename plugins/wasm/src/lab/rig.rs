//! What a policy in the lab sees instead of a tunnel.

use std::net::SocketAddr;

use adit_chain::{Endpoint, Protocol, Refusal};

use super::{Arc, Body, BoxError, Bytes, Conn, MAX_BODY, Origin, Request, Response};

/// A connection to an endpoint of the lab.
pub(super) fn conn(from: SocketAddr, is_http: bool) -> Arc<Conn> {
    let protocol = if is_http { Protocol::Https } else { Protocol::Tcp };
    let endpoint = Endpoint {
        name: "lab".to_owned(),
        url: format!("{}://lab.example", protocol.as_str()),
        protocol,
        upstream: "http://localhost:8080".to_owned(),
        upstream_host: None,
    };
    let server = SocketAddr::from(([192, 0, 2, 1], 443));
    Arc::new(Conn::new(from, server, Arc::new(endpoint)))
}

/// The service's answer.
pub(super) fn answer(response: Response<Bytes>) -> Response<Body> {
    let mut response = response.map(Body::from);
    Origin::Upstream.mark(&mut response);
    response
}

/// What the visitor is told of a handler that broke.
pub(super) fn refused(error: BoxError) -> Response<Body> {
    let refusal = match error.downcast::<Refusal>() {
        Ok(refusal) => *refusal,
        Err(_) => Refusal::handler_failed(),
    };
    let mut response = Response::new(Body::from(refusal.message.into_owned()));
    *response.status_mut() = refusal.status;
    response
}

/// As [`refused`]; `None` where the connection is closed.
pub(super) fn unless_closed(error: BoxError) -> Option<Response<Body>> {
    let is_close = error.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.close);
    (!is_close).then(|| refused(error))
}

/// The request as the service would read it, and whether its body ended well.
pub(super) async fn whole(request: Request<Body>) -> (Request<Bytes>, bool) {
    let (head, body) = request.into_parts();
    match body.into_whole(MAX_BODY).await {
        Ok(body) => (Request::from_parts(head, body), true),
        Err(_) => (Request::from_parts(head, Bytes::new()), false),
    }
}

/// The response as the visitor reads it. `None`: it was cut off.
pub(super) async fn whole_response(response: Response<Body>) -> Option<Response<Bytes>> {
    let (head, body) = response.into_parts();
    let body = body.into_whole(MAX_BODY).await.ok()?;
    Some(Response::from_parts(head, body))
}
