//! Who is answered, and by whom.

use std::{fmt, future::Future, net::SocketAddr, sync::Arc};

use adit_chain::Body;
use adit_net::tasks::{Spawner, Tasks};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Shown, again,
    answer::{self, Answer},
    archive, captured, detail, endpoints,
    error::ApiError,
    events, exchanges, files,
    host::{Admission, HostRule},
    input::{self, Query},
    limits::{
        MAX_ARCHIVE, MAX_BODY, MAX_EVENT_STREAMS, MAX_REPLAY, MAX_TARGET, MAX_WHOLE, MAX_WORK,
    },
    messages, openapi, overview, payload, prometheus,
    record::Record,
    route::Route,
    session,
};
use crate::{
    capture::Store,
    control::{Control, Dialect},
    replay::Replayer,
};

/// What all connections share.
pub(super) struct Service {
    shown: Shown,
    addr: SocketAddr,
    hosts: HostRule,
    spawner: Spawner,
    work: Arc<Semaphore>,
    whole: Arc<Semaphore>,
    event_streams: Arc<Semaphore>,
}

/// A request that may be answered.
pub(super) struct Call<'a> {
    pub(super) service: &'a Service,
    pub(super) method: Method,
    query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call<'_> {
    pub(super) fn query(&self) -> Query<'_> {
        Query::of(self.query.as_deref())
    }
}

impl Service {
    pub(super) fn new(shown: Shown, addr: SocketAddr, tasks: &Tasks) -> Self {
        Self {
            hosts: HostRule::new(addr, &shown.allow_hosts),
            shown,
            addr,
            spawner: tasks.spawner(),
            work: Arc::new(Semaphore::new(MAX_WORK)),
            whole: Arc::new(Semaphore::new(MAX_WHOLE)),
            event_streams: Arc::new(Semaphore::new(MAX_EVENT_STREAMS)),
        }
    }

    pub(super) fn control(&self) -> Arc<dyn Control> {
        Arc::clone(&self.shown.control)
    }

    pub(super) const fn store(&self) -> Option<&Arc<Store>> {
        self.shown.store.as_ref()
    }

    pub(super) fn replayer(&self) -> Option<Arc<dyn Replayer>> {
        self.shown.replayer.clone()
    }

    pub(super) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(super) fn allow_hosts(&self) -> &[String] {
        &self.shown.allow_hosts
    }

    /// Places for work that needs the CPU.
    pub(super) fn work(&self) -> Arc<Semaphore> {
        Arc::clone(&self.work)
    }

    pub(super) const fn spawner(&self) -> &Spawner {
        &self.spawner
    }

    /// A place among the streams of events.
    pub(super) fn event_stream(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.event_streams).try_acquire_owned().map_err(|_| {
            ApiError::busy(format!("there are {MAX_EVENT_STREAMS} streams of events already"))
        })
    }

    /// Does something to its end, also when the client leaves meanwhile.
    pub(super) async fn whole<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let permit = Arc::clone(&self.whole).try_acquire_owned();
        let permit = permit.map_err(|_| {
            ApiError::busy(format!("{MAX_WHOLE} changes are under way already; try again"))
        })?;
        let working = self.spawner.spawn(async move {
            let done = work.await;
            drop(permit);
            done
        });
        match working.await {
            Ok(Some(done)) => Ok(done),
            Ok(None) => Err(ApiError::busy("the agent is stopping")),
            Err(error) => Err(ApiError::internal(&error)),
        }
    }

    /// Does something that needs the CPU, away from the threads that forward traffic.
    pub(super) async fn heavy<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let permit = Arc::clone(&self.work).acquire_owned().await;
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        working.await.map_err(|error| ApiError::internal(&error))
    }

    /// Answers a request, whatever it is.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let record = Record::start(request.uri().path());
        let mut response = match Box::pin(self.decide(request)).await {
            Ok(response) => response,
            Err(error) => {
                record.failed(&error);
                error.into_response()
            }
        };
        answer::secure(&mut response);
        record.end(response.status());
        response
    }

    async fn decide(&self, request: Request<Incoming>) -> Answer {
        let (parts, body) = request.into_parts();
        let admission =
            self.hosts.admit(&parts.uri, &parts.headers, parts.version, &*self.shown.control);
        let is_safe = matches!(parts.method, Method::GET | Method::HEAD);
        match admission {
            Admission::Full => {}
            Admission::ReadOnly if is_safe => {}
            Admission::ReadOnly => return Ok(refused_change()),
            Admission::Refused(host) => return Ok(refused_host(&host)),
        }
        if is_from_elsewhere(&parts.headers) {
            return Ok(refused_origin());
        }
        let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
        if target > MAX_TARGET {
            return Err(ApiError::too_large("target", MAX_TARGET));
        }
        let path = parts.uri.path();
        let route = Route::of(path).ok_or_else(|| ApiError::no_route(path))?;
        if !route.methods().contains(&parts.method) {
            return Err(ApiError::method(&parts.method, route.allowed()));
        }
        let body = if matches!(parts.method, Method::POST | Method::PUT) {
            input::require_json(&parts.headers)?;
            input::read(body, limit_of(&route)).await?
        } else {
            Bytes::new()
        };
        let query = parts.uri.query().map(str::to_owned);
        let call =
            Call { service: self, method: parts.method, query, headers: parts.headers, body };
        respond(route, call).await
    }
}

async fn respond(route: Route, call: Call<'_>) -> Answer {
    match route {
        Route::Home => Ok(answer::elsewhere("/inspect/http")),
        Route::Icon => Ok(answer::elsewhere("/static/favicon.svg")),
        Route::Page => files::page(&call.headers),
        Route::Static { path } => files::file(&path, &call.headers),
        Route::Index => session::index(),
        Route::Status => session::status(&call),
        Route::Tunnels => endpoints::collection(call, Dialect::Tunnels).await,
        Route::Tunnel { name } => endpoints::one(call, Dialect::Tunnels, name).await,
        Route::Endpoints => endpoints::collection(call, Dialect::Endpoints).await,
        Route::Endpoint { name } => endpoints::one(call, Dialect::Endpoints, name).await,
        Route::Captured => captured::collection(call).await,
        Route::CapturedOne { id } => captured::one(&call, &id),
        Route::Exchange { id } => detail::show(&call, &id).await,
        Route::Payload { id, side } => payload::send(&call, &id, side).await,
        Route::Replay { id } => again::replay(call, &id).await,
        Route::Curl { id } => again::command(&call, &id),
        Route::Har => archive::collection(call).await,
        Route::OpenApi => openapi::document(),
        Route::Diff => again::compare(&call).await,
        Route::Exchanges => exchanges::collection(call).await,
        Route::Messages { id } => messages::list(&call, &id),
        Route::Events => events::stream(&call),
        Route::Overview => overview::show(&call),
        Route::Reload => overview::reload(call).await,
        Route::Metrics => Ok(prometheus::text(&call)),
    }
}

/// The most octets that a body may have.
const fn limit_of(route: &Route) -> usize {
    match route {
        Route::Har => MAX_ARCHIVE,
        Route::Replay { .. } => MAX_REPLAY,
        _ => MAX_BODY,
    }
}

/// Whether a browser sends it for a page of another origin. Following a link is no harm; anything
/// else would be: such a page cannot read the answer, but it can cause it.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let is = |name, value| headers.get(name).is_some_and(|found| found == value);
    (is("sec-fetch-site", "cross-site") || is("sec-fetch-site", "same-site"))
        && !is("sec-fetch-mode", "navigate")
}

fn refused_host(host: &str) -> Response<Body> {
    let text = format!(
        "This agent does not answer to the host name {host:?}.\n\
         Use localhost, add the name to web_allow_hosts, or rewrite the Host header on the way.\n"
    );
    answer::text(StatusCode::UNAUTHORIZED, text)
}

fn refused_change() -> Response<Body> {
    let text = "Under the name of an endpoint this agent can be looked at, not changed.\n\
                Use localhost, or rewrite the Host header on the way.\n";
    answer::text(StatusCode::UNAUTHORIZED, text)
}

fn refused_origin() -> Response<Body> {
    answer::text(StatusCode::FORBIDDEN, "This agent does not answer to pages of other origins.\n")
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service({}, {:?})", self.addr, self.hosts)
    }
}
