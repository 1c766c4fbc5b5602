//! Requests that handlers send to internal endpoints: through the handlers there, to the upstream
//! there. Everything about them lives in the task of the visitor's connection.

use std::sync::Arc;

use adit_chain::{
    Body, BoxFuture, Errand, ErrorCode, Id, Inside, InsideUrl, Needs, Origin, Refusal, code,
};
use http::{Request, Response, StatusCode, Version};
use hyper::upgrade::OnUpgrade;

use super::{
    body::Tracked,
    exchange::{HangUp, Shared, chained},
    headers::{self, Has, Switch},
    interim::Awaited,
    own::takes_exchanges,
    seat::Seat,
    send,
    way::Way,
    whole::settle_request,
};
use crate::{
    Route,
    divert::{MAX_FORWARDS, forwarded_too_often, internal},
    render::{ERROR_CODE, Taste},
};

/// How often requests of handlers may cause further ones.
///
/// Reason: a handler asks a service, which may ask another; more is a circle.
const MAX_ASKS: u8 = 3;

/// What a failure to get to an endpoint is told by. Everything else is an answer.
const UNREACHED: [ErrorCode; 5] = [
    code::ENDPOINT_OFFLINE,
    code::UPSTREAM_UNREACHABLE,
    code::AGENT_GONE,
    code::TUNNEL_NOT_FOUND,
    code::TOO_MANY_CONNECTIONS,
];

/// How a request came to a route: how often it, or one that caused it, was led on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hops {
    n_forwards: u8,
    n_asks: u8,
}

impl Hops {
    /// Whether a handler sent it.
    pub(super) fn is_inside(self) -> bool {
        self != Self::default()
    }

    #[expect(clippy::result_large_err, reason = "refusals are rare, and moved once")]
    fn after(self, errand: Errand) -> Result<Self, Refusal> {
        let Self { n_forwards, n_asks } = self;
        match errand {
            Errand::Forward if n_forwards < MAX_FORWARDS => {
                Ok(Self { n_forwards: n_forwards + 1, n_asks })
            }
            Errand::Forward => Err(forwarded_too_often()),
            Errand::Ask if n_asks < MAX_ASKS => Ok(Self { n_forwards, n_asks: n_asks + 1 }),
            Errand::Ask => {
                let message = format!("Requests caused further ones more than {MAX_ASKS} times.");
                Err(Refusal::new(StatusCode::LOOP_DETECTED, message).with_code(ErrorCode(3603)))
            }
        }
    }
}

/// Kept with a response that a refusal was rendered to, where whoever sent the request wants to
/// know more than the visitor.
#[derive(Clone)]
pub(super) struct Rendered(pub(super) Refusal);

/// The way from one exchange to internal endpoints.
pub(super) struct Doors {
    shared: Arc<Shared>,
    seat: Arc<Seat>,
    /// The visitor's bytes after HTTP, if it asked for another protocol.
    visitor: Option<OnUpgrade>,
    /// Lets the visitor have interim responses, if it can be sent any.
    interim: Option<Awaited>,
    hops: Hops,
}

impl Doors {
    /// The way from an exchange on a seat, for handlers that want it.
    pub(super) fn open(
        shared: &Arc<Shared>,
        seat: &Arc<Seat>,
        way: &Way,
        hops: Hops,
    ) -> Option<Arc<dyn Inside>> {
        if !seat.route.chain.needs().contains(Needs::INSIDE) {
            return None;
        }
        let (shared, seat, visitor) = (Arc::clone(shared), Arc::clone(seat), way.visitor.clone());
        Some(Arc::new(Self { shared, seat, visitor, interim: way.interim, hops }))
    }

    async fn go(
        &self,
        to: &InsideUrl,
        mut request: Request<Body>,
        errand: Errand,
    ) -> Result<Response<Body>, Refusal> {
        let hops = self.hops.after(errand)?;
        let route = internal(self.seat.route.neighbours.as_deref(), to)?;
        if !takes_exchanges(&route) {
            let message = format!("The endpoint {to} takes connections and no requests.");
            return Err(
                Refusal::new(StatusCode::NOT_FOUND, message).with_code(code::ENDPOINT_OFFLINE)
            );
        }
        let taste = Taste::of(request.headers());
        let shared = &self.shared;
        let asked = shared.away.seat(Arc::clone(&route), &self.seat.conn, &shared.traffic).await;
        let seat = match asked {
            Ok(seat) => seat,
            // Its handlers do not let the connection in, which is an answer. To close is none.
            Err(refusal) => {
                let rendered = shared.render(refusal, Id::next(), taste);
                return rendered.map_err(|HangUp| Refusal::close());
            }
        };
        seat.route.metrics.exchange();
        // What comes before an answer is the visitor's only if the answer is.
        let interim = self.interim.filter(|_| errand == Errand::Forward);
        let mut way = Way { interim, ..Way::new() };
        if let Some(tap) = seat.route.tap.as_deref() {
            way.watch(shared, (&seat.conn, tap), &request);
        }
        if let Some(taped) = way.taped() {
            request = request.map(|body| taped.hear(body));
        }
        self.settle_switch(&mut request, errand, &mut way);
        let is_head = request.method() == http::Method::HEAD;
        let result = if has_handlers(&seat.route) {
            Box::pin(chained(shared, Arc::clone(&seat), request, taste, &mut way, hops)).await
        } else {
            settle_request(&mut request);
            send::send(shared, &seat, request, &mut way).await
        };
        let result = match result {
            Ok(mut response) => match unreached(&response, to) {
                Some(refusal) => Err(refusal),
                None => {
                    // Whoever made it there: to whom it was sent from, it is an answer.
                    response.extensions_mut().remove::<Rendered>();
                    response.extensions_mut().remove::<Origin>();
                    Ok(response)
                }
            },
            Err(refusal) => Err(refusal),
        };
        match result {
            Ok(response) => {
                let finish = way.finish.and_then(|finish| shared.leave(finish, &response, is_head));
                let borrowed = way.borrowed;
                if finish.is_none() && borrowed.is_none() {
                    return Ok(response);
                }
                Ok(response.map(|body| Body::boxed(Tracked::lent(body, borrowed, finish))))
            }
            Err(refusal) => {
                if let Some(finish) = &mut way.finish {
                    finish.failed(&refusal);
                }
                Err(refusal)
            }
        }
    }

    /// Only a visitor's own request may switch protocols: the answer has to be the visitor's, too.
    fn settle_switch(&self, request: &mut Request<Body>, errand: Errand, way: &mut Way) {
        *request.version_mut() = Version::HTTP_11;
        let has = Has::of(request.headers());
        way.switch = headers::strip(request.headers_mut(), has);
        if way.switch == Switch::No {
            return;
        }
        way.visitor = self.visitor.clone().filter(|_| errand == Errand::Forward);
        if way.visitor.is_none() {
            headers::refuse_switch(request.headers_mut());
            way.switch = Switch::No;
        }
    }
}

impl Inside for Doors {
    fn send<'a>(
        &'a self,
        to: &'a InsideUrl,
        request: Request<Body>,
        errand: Errand,
    ) -> BoxFuture<'a, Result<Response<Body>, Refusal>> {
        Box::pin(self.go(to, request, errand))
    }
}

impl std::fmt::Debug for Doors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doors").field("hops", &self.hops).finish_non_exhaustive()
    }
}

fn has_handlers(route: &Route) -> bool {
    route.chain.needs().wants_http() || route.upstream.answers()
}

/// Whether a response says that the request did not get to where it was sent: one of ours, or of
/// the agent at the other end.
fn unreached(response: &Response<Body>, to: &InsideUrl) -> Option<Refusal> {
    if Origin::of(response) != Origin::Agent {
        return None;
    }
    if let Some(Rendered(refusal)) = response.extensions().get() {
        return refusal.code.is_some_and(|code| UNREACHED.contains(&code)).then(|| refusal.clone());
    }
    let said = response.headers().get(ERROR_CODE)?;
    let code = UNREACHED.into_iter().find(|code| *said == *code.to_string())?;
    let message = format!("The service behind {to} could not be reached.");
    Some(Refusal::new(response.status(), message).with_code(code))
}
