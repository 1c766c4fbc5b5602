//! One HTTP service, and connections to it that wait for the next call.

use std::{collections::VecDeque, net::IpAddr, sync::Arc, time::Duration};

use adit_net::{Io, Rewind, dial, limits, tasks::Tasks, tls};
use bytes::Bytes;
use http::{HeaderValue, Uri, uri::Scheme};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls::ClientConfig;
use tokio::time::Instant;

use super::{CallError, IDLE, MAX_IDLE};
use crate::error::chain;

/// Time for a service to accept a connection; the call's own deadline is shorter as a rule.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether an address may be connected to; any if nothing says so.
pub(super) type Allows<'a> = Option<&'a (dyn Fn(IpAddr) -> bool + Send + Sync)>;

/// The near end of one connection.
pub(super) type Sender = http1::SendRequest<Full<Bytes>>;

/// One HTTP service.
#[derive(Debug)]
pub(super) struct Service {
    /// `Host` of requests to it.
    pub(super) host: HeaderValue,
    name: String,
    port: u16,
    is_https: bool,
    idle: Mutex<VecDeque<(Sender, Instant)>>,
}

impl Service {
    /// The service at a URL.
    pub(super) fn parse(url: &str) -> Result<Self, CallError> {
        let bad = |what: &str| CallError::Unreachable { reason: format!("{url:?} {what}") };
        let uri: Uri = url.parse().map_err(|_| bad("is not a URL"))?;
        let is_https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(_) => return Err(bad("is neither http:// nor https://")),
            None => return Err(bad("is no endpoint of this agent, and no URL")),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(bad("has a path; the policy says which one to call"));
        }
        let authority = uri.authority().ok_or_else(|| bad("has no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("has a user; policies send their own credentials"));
        }
        let port = authority.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| bad("has no host"))?;
        let name = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { host, name, port, is_https, idle: Mutex::default() })
    }

    /// A connection that waits for a call; the one that was used last.
    pub(super) fn idle(&self) -> Option<Sender> {
        let mut idle = self.idle.lock();
        while let Some((sender, since)) = idle.pop_back() {
            if sender.is_ready() && since.elapsed() < IDLE {
                return Some(sender);
            }
        }
        None
    }

    /// Keeps a connection, if it can be used again.
    pub(super) fn keep(&self, sender: Sender) {
        let mut idle = self.idle.lock();
        idle.retain(|(sender, since)| !sender.is_closed() && since.elapsed() < IDLE);
        if !sender.is_closed() && idle.len() < MAX_IDLE {
            idle.push_back((sender, Instant::now()));
        }
    }

    /// A new connection, to an address that `allows` lets pass; that address, too.
    pub(super) async fn dial(
        &self,
        config: &Arc<ClientConfig>,
        tasks: &Tasks,
        max_head: usize,
        allows: Allows<'_>,
    ) -> Result<(Sender, Option<IpAddr>), CallError> {
        let dialer = dial::Dialer::default().with_timeout(DIAL_TIMEOUT);
        let tcp = match allows {
            None => dialer.tcp(&self.name, self.port).await,
            Some(allows) => dialer.tcp_where(&self.name, self.port, allows).await,
        };
        let tcp = tcp.map_err(|error| match error {
            dial::DialError::Forbidden { host } => CallError::Forbidden { host },
            other => unreachable(&other),
        })?;
        let address = tcp.peer_addr().ok().map(|address| address.ip());
        let io = if self.is_https {
            let name = tls::server_name(&self.name).map_err(|error| unreachable(&error))?;
            let within = limits::TLS_HANDSHAKE_DEADLINE;
            let stream =
                tls::connect(Rewind::new(Io::from(tcp)), Arc::clone(config), name, within).await;
            TokioIo::new(Io::from(stream.map_err(|error| unreachable(&error))?))
        } else {
            TokioIo::new(Io::from(tcp))
        };
        let mut builder = http1::Builder::new();
        builder.max_buf_size(max_head);
        let (sender, connection) =
            builder.handshake(io).await.map_err(|error| unreachable(&error))?;
        // Ends with the sender, or with the caller.
        drop(tasks.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to a service ended");
            }
        }));
        Ok((sender, address))
    }
}

fn unreachable(error: &dyn std::error::Error) -> CallError {
    CallError::Unreachable { reason: chain(error).to_string() }
}
