//! An endpoint that is served, as its owner sees it.

use std::{fmt, net::SocketAddr, sync::Arc};

use adit_runtime::Route;
use tokio::runtime::Handle;

use crate::{
    BindError, Down, EndpointSpec, PlanError, Visit,
    bound::{self, Bound},
    shared::Shared,
};

/// An endpoint that is served. Dropping it gives the address back in the background;
/// [`close`](Self::close) waits for that, and [`keep`](Self::keep) leaves it to the session.
#[must_use = "dropping it closes the endpoint"]
pub struct Endpoint {
    shared: Arc<Shared>,
    bound: Arc<Bound>,
    on_drop: OnDrop,
    /// Whoever drops it need not be one of its threads.
    runtime: Handle,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnDrop {
    Close,
    Nothing,
}

impl Endpoint {
    pub(crate) fn new(shared: Arc<Shared>, bound: Arc<Bound>) -> Self {
        Self { shared, bound, on_drop: OnDrop::Close, runtime: Handle::current() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.bound.name
    }

    /// The id that the edge knows it by.
    pub fn id(&self) -> String {
        self.bound.id()
    }

    /// Where visitors reach it. Stays the same over reconnects, unless the edge forgot it.
    pub fn url(&self) -> Arc<str> {
        self.bound.url()
    }

    /// Where its traffic goes: `http://localhost:8080`.
    pub fn upstream(&self) -> Arc<str> {
        Arc::clone(&self.bound.plan().service.display)
    }

    /// Its route, with the counters.
    pub fn route(&self) -> Arc<Route> {
        self.bound.live.route()
    }

    /// Serves what another description says, at the same address and without losing anybody:
    /// connections take the new route when they are accepted, exchanges that are seen here when
    /// they begin, and what is under way ends as it began. The counters go on.
    ///
    /// # Errors
    /// The description cannot be followed, or asks for another address or other TLS, for which the
    /// endpoint has to be closed and bound again. Nothing changed then.
    pub async fn update(&self, spec: EndpointSpec) -> Result<(), PlanError> {
        bound::update(&self.shared, &self.bound, spec).await
    }

    /// As [`update`](Self::update), where the edge has to do something else too: metadata, TLS that
    /// ends there, pooling. The address stays; what is asked for as such must be the same.
    ///
    /// # Errors
    /// The description cannot be followed, or asks for another address, or the edge refuses.
    /// Nothing changed then.
    pub async fn renew(&self, spec: EndpointSpec) -> Result<(), BindError> {
        bound::renew(&self.shared, &self.bound, spec).await
    }

    /// A connection of our own to the endpoint's route: no edge is on the way, the handlers here
    /// are. `client` is whom they see. `None` if the endpoint carries no HTTP.
    pub fn visit(&self, client: SocketAddr) -> Option<Visit> {
        Visit::new(&self.shared, self.route(), client)
    }

    /// Gives the address back. Connections that are open go on.
    pub async fn close(mut self) {
        self.on_drop = OnDrop::Nothing;
        self.give_back().await;
    }

    /// As [`close`](Self::close), where others look at the endpoint too. Once is enough.
    pub async fn give_back(&self) {
        bound::close(&self.shared, &self.bound).await;
    }

    /// Lets it be served for as long as the session lasts.
    pub fn keep(mut self) {
        self.on_drop = OnDrop::Nothing;
    }

    /// Waits until it is served no more, and says why.
    pub async fn ended(&self) -> Down {
        let mut ended = self.bound.ended.subscribe();
        match ended.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(why)) => why.clone(),
            _ => Down::Closed,
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if self.on_drop == OnDrop::Close {
            let (shared, bound) = (Arc::clone(&self.shared), Arc::clone(&self.bound));
            let spawner = self.shared.spawner.clone();
            let _entered = self.runtime.enter();
            spawner.spawn(async move { bound::close(&shared, &bound).await });
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("name", &self.name()).field("url", &self.url()).finish()
    }
}
