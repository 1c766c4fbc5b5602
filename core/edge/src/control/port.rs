//! The listener of one `tcp` address.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use adit_chain::Conn;
use adit_net::{
    Drained, Io, Rewind,
    listener::{self, BindError, Listener},
    tasks::Spawner,
};
use adit_runtime::{ForwardCx, Stop, forward};
use tokio::net::TcpListener;

use crate::table::Pool;

/// How long connections go on after their address was given back.
const LINGER: Duration = Duration::from_secs(30);

/// The listener of one `tcp` address.
#[derive(Debug)]
pub(crate) struct PortListener(Listener);

impl PortListener {
    /// Leads connections to the tunnels of a pool. Holds on to nothing else, so that dropping the
    /// owner of the pool ends it.
    pub(crate) fn spawn(
        socket: TcpListener,
        limits: listener::Limits,
        pool: Arc<Pool>,
        region: Arc<str>,
    ) -> std::io::Result<Self> {
        let handler = move |tcp: tokio::net::TcpStream, client: SocketAddr, stop| {
            let (pool, region) = (Arc::clone(&pool), Arc::clone(&region));
            async move {
                let io = Io::from(tcp);
                let Some((route, server)) = pool.pick().zip(io.local_addr()) else {
                    io.reset_on_drop();
                    return;
                };
                let conn = Conn::new(client, server, Arc::clone(&route.endpoint));
                let _ = conn.region.set(region);
                let conn = Arc::new(conn);
                let cx = ForwardCx { stop: Stop::from(&stop), ..ForwardCx::default() };
                Box::pin(forward(conn, Rewind::new(io), route, &cx)).await;
            }
        };
        Listener::spawn(socket, limits, handler).map(Self)
    }

    /// Stops accepting and lets what is open go on for a while.
    pub(crate) fn retire(self, spawner: &Spawner) {
        spawner.spawn(async move {
            let _ = self.0.shutdown(LINGER).await;
        });
    }

    /// Stops accepting and lets connections finish until `grace` ends.
    pub(crate) async fn shutdown(self, grace: Duration) -> Drained {
        self.0.shutdown(grace).await
    }
}

/// Binds a port.
pub(crate) fn bind(ip: std::net::IpAddr, port: u16) -> Result<TcpListener, BindError> {
    listener::bind(SocketAddr::new(ip, port))
}
