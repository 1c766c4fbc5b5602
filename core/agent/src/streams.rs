//! Streams that the edge opens: visitors, heartbeats, orders.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use adit_chain::Conn;
use adit_config::endpoint::ProxyProtocol;
use adit_mux::{Accept, ErrorCode, Stream};
use adit_net::{
    Io, Rewind,
    proxy_protocol::{self, Header},
    tasks::Spawner,
};
use adit_proto::{
    StreamType,
    heartbeat::{self, Pulse},
    proxy::ProxyHeader,
    session::TypedStreams,
};
use adit_runtime::{ForwardCx, Route, Routes, Stop, forward_live};
use arc_swap::ArcSwap;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use crate::{orders, shared::Shared};

/// Time for the header of a proxied connection. The edge sends it with the stream's first frame.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// What the streams of one connection to the edge share.
pub(crate) struct Incoming {
    pub(crate) shared: Arc<Shared>,
    /// Runs visitors' connections.
    pub(crate) conns: Spawner,
    /// Runs everything else.
    pub(crate) link: Spawner,
    /// What connections are forwarded with.
    cx: ArcSwap<ForwardCx>,
}

impl Incoming {
    pub(crate) fn new(
        shared: Arc<Shared>,
        (conns, late): (Spawner, CancellationToken),
        link: Spawner,
    ) -> Self {
        let cx = ForwardCx {
            stop: Stop { late: Some(late), ..Stop::from(conns.signals()) },
            routes: Some(Arc::new(ByName(Arc::clone(&shared)))),
            ..ForwardCx::default()
        };
        Self { shared, conns, link, cx: ArcSwap::from_pointee(cx) }
    }

    /// Takes in the secret by which the edge recognises our own answers.
    pub(crate) fn set_origin(&self, origin: &str) {
        let cx = ForwardCx { origin: Some(origin.into()), ..(**self.cx.load()).clone() };
        self.cx.store(Arc::new(cx));
    }

    /// Hands streams out until the connection ends. Only types are read here, side by side.
    pub(crate) async fn serve(self: Arc<Self>, accept: Accept) {
        let mut streams = TypedStreams::new(accept);
        while let Some((stream_type, mut stream)) = streams.next().await {
            let this = Arc::clone(&self);
            match stream_type {
                StreamType::PROXY => {
                    self.conns.spawn(this.proxied(stream));
                }
                StreamType::HEARTBEAT => {
                    self.link.spawn(echo(stream));
                }
                StreamType::STOP | StreamType::RESTART | StreamType::UPDATE => {
                    let shared = Arc::clone(&self.shared);
                    self.link.spawn(orders::answer(shared, stream_type, stream));
                }
                StreamType::STOP_TUNNEL => {
                    let shared = Arc::clone(&self.shared);
                    self.link.spawn(orders::stop_tunnel(shared, stream));
                }
                other => {
                    debug!(stream_type = %other, "refused a stream of a type that we do not know");
                    stream.reset(ErrorCode::StreamRefused);
                }
            }
        }
    }

    /// One visitor's connection.
    async fn proxied(self: Arc<Self>, mut stream: Stream) {
        let header = match timeout(HEADER_TIMEOUT, ProxyHeader::read(&mut stream)).await {
            Ok(Ok(header)) => header,
            Ok(Err(error)) => {
                debug!(%error, "refused a connection");
                return stream.reset(ErrorCode::StreamRefused);
            }
            Err(_) => return stream.reset(ErrorCode::StreamRefused),
        };
        let Some(bound) = self.shared.endpoint(&header.id) else {
            debug!(id = header.id, "refused a connection for an endpoint that we do not have");
            return stream.reset(ErrorCode::StreamRefused);
        };
        let unspecified = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let mut client = header.client_addr.unwrap_or(unspecified);
        let mut server = unspecified;
        let mut io = Rewind::new(Io::pipe(stream));
        let plan = bound.plan();
        if plan.proxy_protocol != ProxyProtocol::None {
            match proxy_protocol::read(&mut io, HEADER_TIMEOUT).await {
                Ok(Header::Proxied { source, destination }) => {
                    (client, server) = (source, destination);
                }
                // Fact: other agents go on without a header, too.
                Ok(_) | Err(proxy_protocol::ReadError::Absent) => {}
                // Dropping the stream tells the edge.
                Err(error) => return debug!(%error, "refused a connection"),
            }
        }
        let live = Arc::clone(&bound.live);
        let route = live.route();
        let conn = Arc::new(Conn::new(client, server, Arc::clone(&route.endpoint)));
        let l = &plan.service.address;
        info!(obj = "join", id = %conn.id, %l, r = %client, "join connections");
        // What is replaced meanwhile shall not live for as long as this connection.
        drop((plan, bound));
        let cx = self.cx.load_full();
        Box::pin(forward_live(conn, io, route, live, &cx)).await;
    }
}

/// What requests of our own are forwarded with.
pub(crate) fn cx_of_our_own(shared: &Arc<Shared>) -> ForwardCx {
    ForwardCx {
        stop: Stop::from(shared.spawner.signals()),
        routes: Some(Arc::new(ByName(Arc::clone(shared)))),
        ..ForwardCx::default()
    }
}

/// The endpoints of the session, for handlers that send exchanges from one to another.
struct ByName(Arc<Shared>);

impl Routes for ByName {
    fn named(&self, name: &str) -> Option<Arc<Route>> {
        self.0.endpoint_named(name).map(|bound| bound.live.route())
    }
}

impl fmt::Debug for ByName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByName")
    }
}

/// Answers the edge's pings. Whether they come is the edge's affair: our own tell us enough.
async fn echo(stream: Stream) {
    if let Err(error) = heartbeat::echo(stream, None, &Pulse::new()).await {
        debug!(%error, "no more echoes");
    }
}
