//! Exchanges: HTTP/1.1 and HTTP/2 from visitors, either to the upstream.

use std::{net::SocketAddr, sync::Arc};

use adit_chain::TlsInfo;
use adit_net::{Io, Rewind};

use crate::{Closed, Ended, Router, Stop};

/// Who came to a listener, before it is known what for.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The visitor.
    pub client: SocketAddr,
    /// The public address that the visitor reached.
    pub server: SocketAddr,
    /// The TLS session, if one was terminated.
    pub tls: Option<TlsInfo>,
}

/// Serves HTTP on a connection whose route is not known yet: it is found per exchange by `Host`,
/// and the conn chain of a route runs when the connection first asks for it.
pub async fn serve_http(
    visitor: Visitor,
    io: Rewind<Io>,
    router: Arc<dyn Router>,
    stop: &Stop,
) -> Closed {
    let _ = (visitor, io, router, stop);
    Closed::early(Ended::Refused)
}
