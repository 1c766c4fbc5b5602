//! Routes for requests, by `Host`.

use std::sync::Arc;

use adit_chain::{BoxFuture, Refusal, code};
use adit_runtime::{Route, Router};
use http::StatusCode;

use crate::{host, restart::Restart, table::Routes};

/// Finds routes for requests without TLS.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) routes: Arc<Routes>,
    /// For names that are served with TLS only. None: there is no TLS port.
    pub(crate) to_https: Option<Arc<Route>>,
    pub(crate) restart: Arc<Restart>,
}

/// Finds routes for requests inside TLS.
#[derive(Debug)]
pub(crate) struct Secure(pub(crate) Arc<Routes>);

impl Router for Plain {
    fn route(&self, authority: &str) -> Result<Arc<Route>, Refusal> {
        let host = host::of_authority(authority);
        if let Some(route) = self.routes.plain(&host).and_then(|pool| pool.pick()) {
            return Ok(route);
        }
        let has_https = self.routes.secure(&host).is_some_and(|pool| pool.proto.is_http());
        match &self.to_https {
            Some(redirect) if has_https => Ok(Arc::clone(redirect)),
            _ => Err(offline(&host)),
        }
    }

    fn returning<'a>(&'a self, authority: &'a str) -> BoxFuture<'a, ()> {
        let host = host::of_authority(authority);
        let routes = &self.routes;
        Box::pin(async move {
            let is_served = || routes.plain(&host).or_else(|| routes.secure(&host)).is_some();
            self.restart.served(routes, is_served).await;
        })
    }

    fn generation(&self) -> Option<u64> {
        Some(self.routes.generation())
    }
}

impl Router for Secure {
    fn route(&self, authority: &str) -> Result<Arc<Route>, Refusal> {
        let host = host::of_authority(authority);
        let pool = self.0.secure(&host).filter(|pool| pool.proto.is_http());
        pool.and_then(|pool| pool.pick()).ok_or_else(|| offline(&host))
    }

    fn generation(&self) -> Option<u64> {
        Some(self.0.generation())
    }
}

/// As [`Secure`], for a connection that came for a name: while nothing changes, requests for that
/// name go where the connection went. Members of a pool take turns by connection, not once for the
/// handshake and once for the request.
#[derive(Debug)]
pub(crate) struct Sticky {
    all: Secure,
    name: String,
    home: Arc<Route>,
    generation: u64,
}

impl Sticky {
    pub(crate) fn new(
        routes: &Arc<Routes>,
        generation: u64,
        name: &str,
        home: &Arc<Route>,
    ) -> Self {
        let (all, name) = (Secure(Arc::clone(routes)), name.to_owned());
        Self { all, name, home: Arc::clone(home), generation }
    }
}

impl Router for Sticky {
    fn route(&self, authority: &str) -> Result<Arc<Route>, Refusal> {
        let is_home = self.generation == self.all.0.generation()
            && host::of_authority(authority) == self.name;
        if is_home { Ok(Arc::clone(&self.home)) } else { self.all.route(authority) }
    }

    fn generation(&self) -> Option<u64> {
        self.all.generation()
    }
}

/// As [`Secure`], for a connection that came for a name that had no route: nothing else is served
/// on it. Reason: what an endpoint asks of its visitors' TLS was not asked here.
#[derive(Debug)]
pub(crate) struct Unserved {
    pub(crate) all: Secure,
    pub(crate) name: String,
}

impl Router for Unserved {
    fn route(&self, authority: &str) -> Result<Arc<Route>, Refusal> {
        let route = self.all.route(authority)?;
        let is_named = host::of_authority(authority) == self.name;
        if is_named { Ok(route) } else { Err(Refusal::misdirected()) }
    }

    fn generation(&self) -> Option<u64> {
        self.all.generation()
    }
}

fn offline(host: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, format!("The endpoint {host} is offline."))
        .with_code(code::ENDPOINT_OFFLINE)
}
