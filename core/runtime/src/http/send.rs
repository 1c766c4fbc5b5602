//! A request to the upstream, and the head of what comes back.

use std::{pin::pin, sync::Arc, time::Duration};

use adit_chain::{Body, Origin, Refusal, code};
use http::{
    HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
    header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING},
    uri::{Authority, PathAndQuery, Scheme},
};
use hyper::body::Incoming;
use tokio::time::timeout;
use tracing::debug;

use super::{
    again,
    arriving::Silence,
    body::{Borrowed, expect_continue},
    exchange::Shared,
    headers::{self, Has, Switch},
    pipe::{Pipe, SendError, bad_response},
    seat::Seat,
    switched::{After, Switched},
    way::Way,
};
use crate::{HttpVersion, render::HANG_UP};

/// Sends a request over a pipe that is idle, or a fresh one.
pub(super) async fn send(
    shared: &Shared,
    seat: &Arc<Seat>,
    mut request: Request<Body>,
    way: &mut Way,
) -> Result<Response<Body>, Refusal> {
    let version = seat.route.upstream.http_version();
    let silence = Silence::of(&mut request);
    let reuse = prepare(shared, &mut request, version, way);
    let mut attempt = seat.take(&shared.crew).await;
    if let Some(taped) = way.taped() {
        taped.forwarded();
    }
    let (response, pipe) = loop {
        let is_fresh = attempt.is_none();
        let mut pipe = match attempt.take() {
            Some(pipe) => pipe,
            None => Box::pin(Pipe::connect(&seat.route, &seat.conn, &shared.crew)).await?,
        };
        if is_fresh && let Some(handle) = pipe.share() {
            seat.give_back(handle);
        }
        if is_fresh && let Some(taped) = way.taped() {
            taped.connected();
        }
        let is_used = !is_fresh && pipe.version() == HttpVersion::Http1;
        let copy = is_used.then(|| again::copy(&request)).flatten();
        match head_in_time(shared, seat, &mut pipe, request, silence.as_ref()).await? {
            Ok(response) => break (response, pipe),
            Err(SendError::Stale(again)) if !is_fresh => request = *again,
            Err(SendError::Stale(_)) => return Err(closed_early()),
            Err(SendError::Lost(error)) => {
                debug!(id = %seat.conn.id, %error, "no response from the upstream");
                let Some(copy) = copy.filter(|_| again::has_left(&error)) else {
                    return Err(bad_response(&error));
                };
                request = copy;
            }
        }
    };
    if let Some(taped) = way.taped() {
        taped.answered();
    }
    receive(shared, seat, response, pipe, reuse, way)
}

/// Whether the pipe may carry another exchange after this one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reuse {
    Yes,
    No,
}

/// Brings a request into the shape that the upstream speaks.
fn prepare(
    shared: &Shared,
    request: &mut Request<Body>,
    version: HttpVersion,
    way: &mut Way,
) -> Reuse {
    *request.version_mut() = Version::HTTP_11;
    let expects = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    let mut reuse = Reuse::Yes;
    if version == HttpVersion::Http2 {
        if way.switch == Switch::Wanted {
            headers::refuse_switch(request.headers_mut());
            way.switch = Switch::No;
            way.visitor = None;
        }
        request.headers_mut().remove(EXPECT);
        to_absolute(request);
        *request.version_mut() = Version::HTTP_2;
        return reuse;
    }
    frame_unusual_body(request);
    if request.headers().get(EXPECT).is_some_and(expects)
        && !http_body::Body::is_end_stream(request.body())
    {
        expect_continue(&shared.traffic, request, way.interim);
        reuse = Reuse::No;
    } else if let Some(interim) = way.interim {
        interim.hear(&shared.traffic, request);
    }
    reuse
}

/// Says how a body is framed where the HTTP library would take it for none.
///
/// Fact: it drops bodies of unknown length with these methods unless a header announces them. They
/// are rare, and have a meaning to some: searches, for instance.
fn frame_unusual_body(request: &mut Request<Body>) {
    let is_unusual = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_unusual || http_body::Body::is_end_stream(request.body()) {
        return;
    }
    let is_framed = http_body::Body::size_hint(request.body()).exact().is_some();
    if !is_framed && !request.headers().contains_key(CONTENT_LENGTH) {
        request.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// HTTP/2 has the authority in the target.
fn to_absolute(request: &mut Request<Body>) {
    let host = request.headers_mut().remove(HOST);
    let authority = host.and_then(|host| Authority::from_maybe_shared(host).ok());
    let Some(authority) = authority else { return };
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    parts.path_and_query.get_or_insert_with(|| PathAndQuery::from_static("/"));
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

/// Waits for the head of a response. A request that is still being sent has time, and so has a
/// service that says that it is at work, for as often as that is passed on.
async fn head_in_time(
    shared: &Shared,
    seat: &Seat,
    pipe: &mut Pipe,
    request: Request<Body>,
    silence: Option<&Silence>,
) -> Result<Result<Response<Incoming>, SendError>, Refusal> {
    let limit = seat.route.limits.response_timeout;
    let mut sending = pin!(pipe.send(request));
    let signs = || (shared.traffic.totals().bytes_in, shared.traffic.interim.n_ever());
    let mut seen = signs();
    loop {
        if let Ok(result) = timeout(limit, sending.as_mut()).await {
            return Ok(result);
        }
        let before = std::mem::replace(&mut seen, signs());
        if before == seen {
            let is_visitors = silence.is_some_and(Silence::is_the_visitors);
            return Err(if is_visitors { silent(limit) } else { late(limit) });
        }
    }
}

/// Takes what concerns one hop out of a response, and keeps the pipe until its body is through.
#[expect(clippy::result_large_err, reason = "refusals are rare, and moved once")]
fn receive(
    shared: &Shared,
    seat: &Arc<Seat>,
    response: Response<Incoming>,
    pipe: Pipe,
    reuse: Reuse,
    way: &mut Way,
) -> Result<Response<Body>, Refusal> {
    let mut response = response.map(Body::Incoming);
    *response.version_mut() = Version::HTTP_11;
    let headers = response.headers_mut();
    let has = Has::of(headers);
    let switch = headers::strip(headers, has);
    headers::one_length(headers);
    let mut is_own = false;
    if has.intersects(Has::ERROR_CODE | Has::ORIGIN) {
        is_own = headers::strip_marks(headers, has, pipe.origin());
    }
    if is_own {
        if response.headers_mut().remove(HANG_UP).is_some() {
            return Err(Refusal::close());
        }
        Origin::Agent.mark(&mut response);
    }
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let visitor = way.visitor.take().filter(|_| switch == Switch::Wanted);
        let Some(visitor) = visitor else {
            return Err(switched_unasked());
        };
        *response.body_mut() = Body::Empty;
        let upstream = After::Upgrade(pipe);
        *shared.switched.lock() = Some(Switched { visitor, upstream, finish: None });
        return Ok(response);
    }
    if switch == Switch::Wanted {
        headers::refuse_switch(response.headers_mut());
    }
    let pipe = (reuse == Reuse::Yes && pipe.version() == HttpVersion::Http1).then_some(pipe);
    way.borrowed = Some(Borrowed { seat: Arc::clone(seat), pipe });
    Ok(response)
}

pub(super) fn late(limit: Duration) -> Refusal {
    let message = format!("The service did not answer within {limit:?}.");
    Refusal::new(StatusCode::GATEWAY_TIMEOUT, message).with_code(code::BAD_UPSTREAM_RESPONSE)
}

/// What a visitor is told that has not sent what it said it would.
pub(super) fn silent(limit: Duration) -> Refusal {
    let message = format!("The rest of the request's body did not come within {limit:?}.");
    let mut refusal = Refusal::new(StatusCode::REQUEST_TIMEOUT, message);
    refusal.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    refusal
}

pub(super) fn switched_unasked() -> Refusal {
    let message = "The service switched to a protocol that it was not asked for.";
    Refusal::new(StatusCode::BAD_GATEWAY, message).with_code(code::BAD_UPSTREAM_RESPONSE)
}

pub(super) fn closed_early() -> Refusal {
    let message = "The service closed the connection before it had answered.";
    Refusal::new(StatusCode::BAD_GATEWAY, message).with_code(code::BAD_UPSTREAM_RESPONSE)
}
