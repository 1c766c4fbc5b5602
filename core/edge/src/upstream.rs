//! Legs to an agent, as an upstream.

use std::{sync::Arc, time::Duration};

use adit_chain::{BoxFuture, Conn};
use adit_mux::OpenError;
use adit_net::{Io, proxy_protocol};
use adit_proto::{
    message::Proto,
    options::ProxyProto,
    proxy::{EdgeType, ProxyHeader},
};
use adit_runtime::{HttpVersion, Leg, PassthroughTls, Upstream, UpstreamError};
use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    limits::Limits,
    paths::Paths,
    proxied::{Proxied, Second},
};

/// Legs that are tried for one visitor, when they break under our hands.
const MAX_TRIES: usize = 3;
/// Between two attempts to open a stream on a leg that is full.
const FULL_PAUSE: Duration = Duration::from_millis(20);

/// The agent behind one tunnel.
#[derive(Debug)]
pub(crate) struct AgentUpstream {
    pub(crate) paths: Arc<Paths>,
    /// For the page that says that it is offline.
    pub(crate) url: String,
    pub(crate) bind: String,
    pub(crate) proto: Proto,
    pub(crate) edge_type: EdgeType,
    pub(crate) proxy_proto: ProxyProto,
    pub(crate) version: HttpVersion,
    pub(crate) bounds: Bounds,
}

/// What bounds a visitor on its way to the agent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How long it waits for an agent that is away.
    away: Duration,
    /// How long it waits for room on a leg.
    room: Duration,
    /// How long after going online a stream may end with nothing and be tried again.
    retry: Duration,
    /// Bytes of JSON in front of its stream.
    header_len: usize,
}

impl From<&Limits> for Bounds {
    fn from(limits: &Limits) -> Self {
        Self {
            away: limits.detached_wait,
            room: limits.proxied_wait,
            retry: limits.bind_retry,
            header_len: limits.proxy_header_len,
        }
    }
}

impl Upstream for AgentUpstream {
    fn connect<'a>(
        &'a self,
        conn: &'a Conn,
        tls: PassthroughTls,
    ) -> BoxFuture<'a, Result<Leg, UpstreamError>> {
        Box::pin(self.open(conn, tls))
    }

    fn http_version(&self) -> HttpVersion {
        self.version
    }
}

impl AgentUpstream {
    async fn open(&self, conn: &Conn, tls: PassthroughTls) -> Result<Leg, UpstreamError> {
        let first = self.first_bytes(conn, tls)?;
        let mut n_broken = 0;
        let mut full_since: Option<Instant> = None;
        while n_broken < MAX_TRIES {
            let Some((leg, online)) = self.paths.ready(self.bounds.away).await else {
                return Err(UpstreamError::Offline { url: self.url.clone() });
            };
            let patience = full_since
                .map_or(self.bounds.room, |since| self.bounds.room.saturating_sub(since.elapsed()));
            let place = timeout(patience, Arc::clone(&leg.room).acquire_owned()).await;
            let Ok(Ok(place)) = place else { return Err(UpstreamError::Busy) };
            match leg.mux.open(first.clone()) {
                Ok(stream) => {
                    let origin = Some(Arc::clone(&leg.origin));
                    // One that was ready has dealt with the visitor: asking twice could order twice.
                    let second = match leg.family.registers_before_fin() {
                        true => None,
                        false => Second::new(first, online + self.bounds.retry),
                    };
                    let io = Io::pipe(Proxied::new(stream, second, leg, place));
                    return Ok(Leg { io, origin });
                }
                // Streams that the agent has not ended yet still count for it.
                Err(OpenError::TooManyStreams) => {
                    drop(place);
                    if full_since.get_or_insert_with(Instant::now).elapsed() >= self.bounds.room {
                        return Err(UpstreamError::Busy);
                    }
                    sleep(FULL_PAUSE).await;
                }
                Err(error) => {
                    // Its task has not noticed yet; no other visitor shall run into it.
                    tracing::debug!(%error, "leg is ending");
                    self.paths.remove(&leg);
                    leg.end.cancel();
                    n_broken += 1;
                }
            }
        }
        Err(UpstreamError::AgentGone)
    }

    fn first_bytes(&self, conn: &Conn, tls: PassthroughTls) -> Result<Bytes, UpstreamError> {
        let header = ProxyHeader {
            id: self.bind.clone(),
            client_addr: Some(conn.client),
            proto: Some(self.proto),
            edge_type: self.edge_type,
            passthrough_tls: tls == PassthroughTls::Yes,
        };
        let header = header.to_first_bytes_within(self.bounds.header_len).map_err(|error| {
            tracing::error!(bind = %self.bind, %error, "could not make a proxy header");
            UpstreamError::TunnelNotFound
        })?;
        let version = match self.proxy_proto {
            ProxyProto::None => return Ok(header),
            ProxyProto::V1 => proxy_protocol::Version::V1,
            ProxyProto::V2 => proxy_protocol::Version::V2,
        };
        let whom =
            proxy_protocol::Header::Proxied { source: conn.client, destination: conn.server };
        let mut first = BytesMut::from(&header[..]);
        first.extend_from_slice(&whom.to_bytes(version));
        Ok(first.freeze())
    }
}
