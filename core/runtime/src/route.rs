//! An endpoint with its chain and its upstream.

use std::{fmt, sync::Arc};

use adit_chain::{Chain, Endpoint, InsideUrl, Side};
use arc_swap::ArcSwap;
use rustls::ServerConfig;

use crate::{Limits, Metrics, Observe, Upstream, tap::Tap};

/// How bytes move, decided when the route is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relay {
    /// As they are: no handler wants bytes or HTTP.
    Raw,
    /// As bytes, through the wrappers of the chain.
    Wrapped,
    /// As exchanges.
    Http,
}

/// Who terminates TLS when no handler of the chain settled it.
#[derive(Clone, Default)]
pub enum TlsDefault {
    /// Nobody: the bytes that arrive are plain.
    #[default]
    None,
    /// This side.
    Here(Arc<ServerConfig>),
    /// Somebody further on: the bytes pass untouched.
    Pass,
}

impl fmt::Debug for TlsDefault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Here(_) => "Here",
            Self::Pass => "Pass",
        })
    }
}

/// What happens to `X-Forwarded-For`, `-Proto` and `-Host`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forwarded {
    /// They are replaced: this side is the first that sees the visitor's HTTP.
    Set,
    /// They stay: a trusted side set them.
    #[default]
    Keep,
}

/// What a route may be told beside its parts.
#[derive(Clone, Debug)]
pub struct RouteOptions {
    /// Which side of the tunnel it is on. The edge always speaks HTTP on HTTP endpoints.
    pub side: Side,
    /// Who terminates TLS.
    pub tls: TlsDefault,
    /// Sizes and deadlines.
    pub limits: Limits,
    /// What happens to the `X-Forwarded` headers.
    pub forwarded: Forwarded,
    /// Told about connections and exchanges.
    pub observe: Option<Arc<dyn Observe>>,
    /// Watches exchanges, on HTTP endpoints.
    pub tap: Option<Arc<dyn Tap>>,
    /// The internal endpoints that its handlers may send to.
    pub neighbours: Option<Arc<dyn Neighbours>>,
}

impl RouteOptions {
    /// The defaults of one side: the edge sets the `X-Forwarded` headers, the agent keeps them; and
    /// the edge is the more patient one.
    pub fn new(side: Side) -> Self {
        let forwarded = match side {
            Side::Edge => Forwarded::Set,
            Side::Agent => Forwarded::Keep,
        };
        let (tls, limits) = (TlsDefault::None, Limits::of(side));
        Self { side, tls, limits, forwarded, observe: None, tap: None, neighbours: None }
    }
}

/// An endpoint with its chain and its upstream. Unchanged routes keep their `Arc` over a reload.
#[derive(Debug)]
pub struct Route {
    /// What handlers may know of the endpoint.
    pub endpoint: Arc<Endpoint>,
    /// The user's handlers.
    pub chain: Chain,
    /// Where connections go.
    pub upstream: Arc<dyn Upstream>,
    /// How bytes move.
    pub relay: Relay,
    /// Who terminates TLS when no handler settles it.
    pub tls: TlsDefault,
    /// What happens to the `X-Forwarded` headers.
    pub forwarded: Forwarded,
    /// Sizes and deadlines.
    pub limits: Limits,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Who watches the exchanges.
    pub tap: Option<Arc<dyn Tap>>,
    /// The internal endpoints that its handlers may send to.
    pub neighbours: Option<Arc<dyn Neighbours>>,
}

impl Route {
    /// Plans how the bytes of an endpoint move.
    pub fn new(
        endpoint: Arc<Endpoint>,
        chain: Chain,
        upstream: Arc<dyn Upstream>,
        options: RouteOptions,
    ) -> Self {
        let RouteOptions { side, tls, limits, forwarded, observe, tap, neighbours } = options;
        let tap = tap.filter(|_| endpoint.protocol.is_http());
        let relay = match &tap {
            Some(_) => Relay::Http,
            None => plan(&endpoint, &chain, &*upstream, side, forwarded),
        };
        let metrics = Arc::new(Metrics::new(observe));
        Self { endpoint, chain, upstream, relay, tls, forwarded, limits, metrics, tap, neighbours }
    }
}

/// A route that may be replaced while it is in use. A connection takes the one that is there when
/// it is accepted, an exchange that is seen here the one that is there when it begins; what is
/// under way ends where it began. The counters go on.
#[derive(Debug)]
pub struct Live(ArcSwap<Route>);

impl Live {
    /// Begins with a route.
    pub fn new(route: Route) -> Self {
        Self(ArcSwap::from_pointee(route))
    }

    /// The route for whoever comes now.
    pub fn route(&self) -> Arc<Route> {
        self.0.load_full()
    }

    /// Puts another in its place. Who counts stays the same; who watches is the other's affair.
    pub fn replace(&self, mut route: Route) {
        route.metrics = Arc::clone(&self.0.load().metrics);
        self.0.store(Arc::new(route));
    }

    /// Who watches the exchanges that begin now.
    pub(crate) fn tap(&self) -> Option<Arc<dyn Tap>> {
        self.0.load().tap.clone()
    }

    pub(crate) fn is(&self, route: &Arc<Route>) -> bool {
        Arc::ptr_eq(&self.0.load(), route)
    }
}

/// The routes of this side by the names of their endpoints, for handlers that send exchanges to
/// another one.
pub trait Routes: fmt::Debug + Send + Sync + 'static {
    /// The route of an endpoint.
    fn named(&self, name: &str) -> Option<Arc<Route>>;
}

/// The internal endpoints that handlers of a route may send to: those of its account at the edge,
/// those of its session at the agent.
pub trait Neighbours: fmt::Debug + Send + Sync + 'static {
    /// The route of the endpoint with that URL, or of the closest wildcard that covers it.
    fn internal(&self, url: &InsideUrl) -> Option<Arc<Route>>;
}

fn plan(
    endpoint: &Endpoint,
    chain: &Chain,
    upstream: &dyn Upstream,
    side: Side,
    forwarded: Forwarded,
) -> Relay {
    let wants_http = side == Side::Edge
        || forwarded == Forwarded::Set
        || chain.needs().wants_http()
        || upstream.answers();
    if endpoint.protocol.is_http() && wants_http {
        Relay::Http
    } else if chain.needs().contains(adit_chain::Needs::STREAM) {
        Relay::Wrapped
    } else {
        Relay::Raw
    }
}
