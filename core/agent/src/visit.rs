//! Requests of our own, through the route of an endpoint.

use std::{fmt, net::SocketAddr, sync::Arc};

use adit_chain::{Body, Conn, Id};
use adit_runtime::Route;
use http::{Request, Response};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tracing::debug;

use crate::{shared::Shared, streams};

/// A connection of our own to an endpoint's route, for one request.
pub struct Visit {
    shared: Arc<Shared>,
    route: Arc<Route>,
    conn: Arc<Conn>,
}

impl Visit {
    pub(crate) fn new(shared: &Arc<Shared>, route: Arc<Route>, client: SocketAddr) -> Option<Self> {
        let server = SocketAddr::from(([0, 0, 0, 0], 0));
        let conn = Arc::new(Conn::new(client, server, Arc::clone(&route.endpoint)));
        let is_http = route.endpoint.protocol.is_http();
        is_http.then(|| Self { shared: Arc::clone(shared), route, conn })
    }

    /// The connection's identity, as whoever watches the route sees it.
    pub fn id(&self) -> Id {
        self.conn.id
    }

    /// Sends a request in origin form, with `Host`, and waits for the head of the response. A
    /// service that fails is a response too.
    ///
    /// # Errors
    /// There is none: a handler hung up, or the session has ended.
    pub async fn send(self, request: Request<Body>) -> Result<Response<Incoming>, hyper::Error> {
        let Self { shared, route, conn } = self;
        let (io, serving) = adit_runtime::visit(conn, route, streams::cx_of_our_own(&shared));
        shared.spawner.spawn(serving);
        let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await?;
        shared.spawner.spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "a request of our own has failed");
            }
        });
        sender.send_request(request).await
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit").field("id", &self.conn.id).finish_non_exhaustive()
    }
}
