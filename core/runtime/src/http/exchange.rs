//! One exchange, from the request's head to the response's.

use std::{sync::Arc, time::Instant};

use adit_chain::{
    Body, BodyLimits, Exchange, Id, Needs, OnError, Origin, Outcome, Refusal, Trace, Unwind,
};
use adit_net::until::until;
use http::{
    HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
    header::{CONNECTION, HOST},
};
use hyper::{body::Incoming, upgrade::OnUpgrade};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::{
    away::Away,
    body::{InFlight, Tracked},
    crew::Crew,
    finish::{self, Finish, Watched},
    guard,
    headers::{self, Has, Switch},
    inside::{Doors, Hops, Rendered},
    interim::Awaited,
    places::Places,
    seat::Seat,
    send,
    sock::Traffic,
    switched::{Switched, detach},
    way::Way,
    whole::{buffer_request, buffered, leave_out_body, settle_length, take_request},
};
use crate::{
    Forwarded, UpstreamError,
    divert::{MAX_FORWARDS, forwarded_too_often},
    render::{Taste, hang_up, render},
};

/// What the exchanges of one visitor's connection share.
pub(super) struct Shared {
    pub(super) places: Places,
    /// Where handlers sent exchanges.
    pub(super) away: Away,
    pub(super) crew: Crew,
    pub(super) traffic: Arc<Traffic>,
    /// Secret with which answers of this side are marked.
    pub(super) origin: Option<Arc<str>>,
    /// Cancelled when nobody is to wait for an answer any more.
    pub(super) late: Option<CancellationToken>,
    /// What comes after HTTP, once a `101` was answered.
    pub(super) switched: Mutex<Option<Switched>>,
    /// The visitor's bytes, if it asked for another protocol last. When the connection ends, the HTTP
    /// library hands them over there, whatever was answered.
    pub(super) asked: Mutex<Option<OnUpgrade>>,
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed without an answer")]
pub(super) struct HangUp;

/// Answers a request. It is under way from now on, whenever the future is polled first.
pub(super) fn serve(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Tracked>, HangUp>> {
    let has_body = !http_body::Body::is_end_stream(request.body());
    let raw = shared.traffic.begin(has_body, |head| guard::check_raw(request.method(), head));
    let mut in_flight = InFlight { traffic: Arc::clone(&shared.traffic), metrics: None };
    if let Some(asked) = request.extensions().get::<OnUpgrade>() {
        *shared.asked.lock() = Some(asked.clone());
    }
    let is_http11 = request.version() == Version::HTTP_11;
    let is_http2 = request.version() == Version::HTTP_2;
    let interim = is_http11.then(|| Awaited(shared.traffic.n_begun()));
    async move {
        let taste = Taste::of(request.headers());
        let is_head = request.method() == Method::HEAD;
        let mut way = Way { interim, ..Way::new() };
        if let Some((conn, tap)) = shared.places.tapped() {
            way.watch(&shared, (&conn, &*tap), &request);
        }
        let result = match raw {
            Ok(()) => match shared.late.clone() {
                None => answer(&shared, request, taste, &mut way).await,
                Some(late) => {
                    let answering = Box::pin(answer(&shared, request, taste, &mut way));
                    match until(late, answering).await {
                        Some(result) => result,
                        None => Err(too_late()),
                    }
                }
            },
            Err(wrong) => Err(guard::refusal(wrong)),
        };
        let mut response = match result {
            Ok(response) => response,
            Err(refusal) => {
                if let Some(finish) = &mut way.finish {
                    finish.failed(&refusal);
                }
                let id = way.taped().map_or_else(Id::next, |taped| taped.id);
                let mut response = shared.render(refusal, id, taste)?;
                Origin::Agent.mark(&mut response);
                response
            }
        };
        if let Some(interim) = interim {
            shared.traffic.interim.sent(interim).await;
        }
        in_flight.metrics = way.metrics;
        let finish = way.finish.and_then(|finish| shared.leave(finish, &response, is_head));
        if is_head && is_http2 {
            leave_out_body(&mut response);
        }
        Ok(response.map(|body| Tracked::new(body, in_flight, way.borrowed, finish)))
    }
}

/// What visitors are told who waited when the agent ended.
fn too_late() -> Refusal {
    let mut refusal = UpstreamError::AgentGone.to_refusal();
    refusal.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    refusal
}

impl Shared {
    /// Gives back what idle pipes hold.
    pub(super) fn look_after(&self) {
        let now = tokio::time::Instant::now();
        self.places.look_after(now, &self.crew, &self.traffic);
        self.away.look_after(now, &self.crew, &self.traffic);
    }

    /// Leaves whoever wants to be told of the end with what ends last: the response, or what comes
    /// after a switch of protocols.
    pub(super) fn leave(
        &self,
        mut finish: Box<Finish>,
        response: &Response<Body>,
        is_head: bool,
    ) -> Option<Box<Finish>> {
        let status = response.status();
        finish.answered(response);
        if status == StatusCode::SWITCHING_PROTOCOLS
            && let Some(switched) = &mut *self.switched.lock()
        {
            switched.finish = Some(finish);
            return None;
        }
        let has_no_body = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if is_head || has_no_body || http_body::Body::is_end_stream(response.body()) {
            finish.complete();
        }
        Some(finish)
    }

    pub(super) fn render(
        &self,
        refusal: Refusal,
        id: Id,
        taste: Taste,
    ) -> Result<Response<Body>, HangUp> {
        draw(refusal, id, taste, self.origin.as_deref())
    }
}

/// Draws a refusal, and says so in the log.
pub(super) fn draw(
    refusal: Refusal,
    id: Id,
    taste: Taste,
    origin: Option<&str>,
) -> Result<Response<Body>, HangUp> {
    if refusal.close {
        // The visitor's connection is the edge's, where there is one: only it can close it.
        return origin.and_then(|origin| hang_up(&refusal, origin)).ok_or(HangUp);
    }
    // The page has the id, so whoever is shown one asks about it. Refusals are what handlers are
    // for, and as many as strangers like.
    let (status, err) = (refusal.status.as_u16(), &*refusal.message);
    if refusal.status.is_server_error() {
        tracing::info!(obj = "http", %id, status, err, "request failed");
    } else {
        tracing::debug!(obj = "http", %id, status, err, "request refused");
    }
    Ok(render(refusal, id, taste, origin))
}

async fn answer(
    shared: &Arc<Shared>,
    mut request: Request<Incoming>,
    taste: Taste,
    way: &mut Way,
) -> Result<Response<Body>, Refusal> {
    let host = guard::check(&request).map_err(guard::refusal)?;
    if request.method() == Method::CONNECT {
        let message = "This is not a proxy.";
        let mut refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message);
        refusal.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        return Err(refusal);
    }
    let seat = shared.places.seat(host.as_ref()).await?;
    let metrics = &seat.route.metrics;
    metrics.exchange();
    let began = metrics.is_observed().then(Instant::now);
    way.metrics = began.is_some().then(|| Arc::clone(metrics));
    if let Some(tap) = seat.route.tap.as_deref().filter(|_| way.finish.is_none()) {
        way.watch(shared, (&seat.conn, tap), &request);
    }
    way.switch = normalise(&mut request, host, &seat);
    if way.switch == Switch::Wanted {
        way.visitor = Some(hyper::upgrade::on(&mut request));
    }
    let mut request = request.map(Body::Incoming);
    if let Some(taped) = way.taped() {
        request = request.map(|body| taped.hear(body));
    }
    let has_handlers = seat.route.chain.needs().wants_http() || seat.route.upstream.answers();
    let result = if has_handlers {
        // Boxed: it is the larger part of an exchange, and many have no handlers.
        let hops = Hops::default();
        Box::pin(chained(shared, Arc::clone(&seat), request, taste, way, hops)).await
    } else {
        send::send(shared, &seat, request, way).await
    };
    if let Some(began) = began {
        let status = result.as_ref().map_or_else(|refusal| refusal.status, Response::status);
        metrics.observed(status, began.elapsed());
    }
    result
}

/// Brings a request into the shape in which handlers see it: origin form, with `Host`, without the
/// headers of one hop, and with who came.
fn normalise(request: &mut Request<Incoming>, host: Option<HeaderValue>, seat: &Seat) -> Switch {
    if request.uri().authority().is_some() {
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    }
    let is_http2 = request.version() == Version::HTTP_2;
    let headers = request.headers_mut();
    let has = Has::of(headers);
    let mut switch = headers::strip(headers, has);
    if is_http2 && switch == Switch::Wanted {
        headers::refuse_switch(headers);
        switch = Switch::No;
    }
    if is_http2 && has.contains(Has::COOKIES) {
        headers::join_cookies(headers);
    }
    if let Some(host) = &host
        && is_http2
    {
        headers.insert(HOST, host.clone());
    }
    if seat.route.forwarded == Forwarded::Set {
        seat.who.announce(headers, has, host);
    }
    switch
}

/// Through the handlers, to the upstream or wherever they say, and back.
pub(super) async fn chained(
    shared: &Arc<Shared>,
    mut seat: Arc<Seat>,
    request: Request<Body>,
    taste: Taste,
    way: &mut Way,
    hops: Hops,
) -> Result<Response<Body>, Refusal> {
    let mut exchange = Exchange::new(Arc::clone(&seat.conn), request);
    let is_taped = way.taped().map(|taped| exchange.id = taped.id).is_some();
    if is_taped {
        exchange.trace = Trace::recording();
    }
    let id = exchange.id;
    let is_head = exchange.request.method() == Method::HEAD;
    let mut watched = Watched::new(exchange, shared);
    let mut unwind = Unwind::default();
    let mut result = through(shared, &mut seat, &mut watched, &mut unwind, way, hops).await;
    let limit = seat.route.limits.max_buffered_body;
    let mut failure = None;
    loop {
        let mut response = match result {
            Ok(response) => response,
            Err(refusal) => {
                failure = Some(finish::reason(&refusal));
                let rendered = hops.is_inside().then(|| Rendered(refusal.clone()));
                match shared.render(refusal, id, taste) {
                    Ok(mut response) => {
                        if !unwind.is_empty() || is_taped || rendered.is_some() {
                            Origin::Agent.mark(&mut response);
                        }
                        if let Some(rendered) = rendered {
                            response.extensions_mut().insert(rendered);
                        }
                        response
                    }
                    Err(HangUp) => {
                        way.finish = watched.finish(way.finish.take(), failure);
                        return Err(Refusal::close());
                    }
                }
            }
        };
        if unwind.is_empty() {
            settle_length(&mut response, is_head);
            way.finish = watched.finish(way.finish.take(), failure);
            return Ok(response);
        }
        if watched.needs.contains(Needs::RESPONSE_BODY) {
            match buffered(response, limit).await {
                Ok(whole) => response = whole,
                Err(refusal) => {
                    result = Err(refusal);
                    continue;
                }
            }
        }
        result = unwind.run_traced(id, response, &mut watched.exchange.trace).await;
    }
}

/// The request's side of the handlers, and the upstream.
async fn through(
    shared: &Arc<Shared>,
    seat: &mut Arc<Seat>,
    watched: &mut Watched<'_>,
    unwind: &mut Unwind,
    way: &mut Way,
    hops: Hops,
) -> Result<Response<Body>, Refusal> {
    let (mut n_reroutes, mut first) = (0, 0);
    loop {
        let route = Arc::clone(&seat.route);
        watched.needs |= route.chain.needs();
        let exchange = &mut watched.exchange;
        exchange.body_limits = BodyLimits {
            max_len: route.limits.max_buffered_body,
            timeout: route.limits.response_timeout,
        };
        exchange.inside = Doors::open(shared, seat, way, hops);
        if route.chain.needs().contains(Needs::REQUEST_BODY) {
            buffer_request(exchange, &route.limits).await?;
        }
        match Box::pin(route.chain.request_from(first, exchange, unwind)).await {
            Outcome::Forward => {
                if let Some(answering) = route.upstream.respond(exchange) {
                    return Ok(answering.await);
                }
                let mut request = take_request(exchange);
                watched.count(&mut request);
                return send::send(shared, seat, request, way).await;
            }
            Outcome::Respond(mut response) => {
                if !unwind.is_empty() || way.finish.is_some() {
                    Origin::Handler.mark(&mut response);
                }
                return Ok(response);
            }
            Outcome::Abort(refusal) => return Err(refusal),
            Outcome::Reroute { to, link, then } => {
                if n_reroutes == MAX_FORWARDS {
                    return Err(forwarded_too_often());
                }
                if let Some(next) = shared.places.named(&to.0, &shared.away).await? {
                    if let Some(then) = then {
                        route.chain.waits(link, then, unwind);
                    }
                    *seat = next;
                    seat.route.metrics.exchange();
                    exchange.conn = Arc::clone(&seat.conn);
                    (n_reroutes, first) = (n_reroutes + 1, 0);
                    continue;
                }
                let error = format!("there is no endpoint {:?} that takes exchanges", to.0);
                match route.chain.broke(link, exchange.id, &error.into()) {
                    OnError::Deny => return Err(Refusal::handler_failed()),
                    OnError::Pass => first = link + 1,
                }
            }
            Outcome::Detach(response, wrap) => {
                return detach(shared, seat, response, wrap, way).await;
            }
        }
    }
}
