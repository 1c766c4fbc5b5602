//! Visitors come: which route each of them gets.
//!
//! ```text
//! TLS port    hello ─┬─ the edge's own name, or none ── TLS here ─┬─ first byte of a frame: an agent
//!                    │                                           └─ a letter: HTTP, by Host
//!                    ├─ a served name ── its route (TLS here, or passed on)
//!                    └─ another name ── TLS and a page if there is a certificate, else an alert
//! HTTP port   ── by Host, per exchange
//! ```

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use adit_chain::{Conn, Hello, TlsInfo};
use adit_net::{
    ConnStop, Io, Rewind, hello,
    tls::{self, server},
};
use adit_runtime::{ForwardCx, Router, Stop, Visitor, forward, serve_http};
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::{
    io::AsyncReadExt as _,
    net::TcpStream,
    time::{Instant, timeout_at},
};

use crate::{
    certificates::ByAddress,
    leg::{self, Source},
    router::{Secure, Sticky, Unserved},
    shared::Shared,
};

/// What the listeners hand connections to.
#[derive(Debug)]
pub(crate) struct Reception {
    pub(crate) shared: Arc<Shared>,
    pub(crate) plain: Arc<dyn Router>,
    pub(crate) secure: Arc<dyn Router>,
    /// Answers a handshake that nobody may have with an alert.
    pub(crate) nobody: Arc<rustls::ServerConfig>,
    pub(crate) unauthenticated: adit_net::per_source::PerSource,
    pub(crate) legs: Arc<tokio::sync::Semaphore>,
    pub(crate) own: Mutex<HashMap<IpAddr, Arc<rustls::ServerConfig>>>,
    /// Where this edge is, for the handlers of connections.
    pub(crate) region: Arc<str>,
}

impl Reception {
    /// A connection to the plain HTTP port.
    pub(crate) async fn http(self: Arc<Self>, tcp: TcpStream, client: SocketAddr, stop: ConnStop) {
        let io = Io::from(tcp);
        let Some(server) = io.local_addr() else { return };
        let region = Some(Arc::clone(&self.region));
        let visitor = Visitor { client, server, tls: None, hello: None, region };
        let router = Arc::clone(&self.plain);
        Box::pin(serve_http(visitor, Rewind::new(io), router, &Stop::from(&stop))).await;
    }

    /// A connection to the TLS port.
    pub(crate) async fn tls(self: Arc<Self>, tcp: TcpStream, client: SocketAddr, stop: ConnStop) {
        let mut io = Rewind::new(Io::from(tcp));
        let within = self.shared.settings.limits.tls_handshake;
        let hello = tokio::select! {
            hello = hello::peek(&mut io, within) => hello,
            () = stop.stop.cancelled() => return,
        };
        let name = match hello {
            Ok(hello) => hello.server_name,
            Err(error) => {
                tracing::debug!(%client, %error, "not a TLS client");
                return;
            }
        };
        let Some(server) = io.inner().local_addr() else { return };
        let name = name.map(|name| name.strip_suffix('.').unwrap_or(&name).to_owned());
        match name {
            Some(name) if !self.shared.settings.is_connect_name(&name) => {
                self.visitor(io, &name, client, server, &stop).await;
            }
            _ => self.agent(io, client, server, &stop).await,
        }
    }

    async fn visitor(
        &self,
        io: Rewind<Io>,
        name: &str,
        client: SocketAddr,
        server: SocketAddr,
        stop: &ConnStop,
    ) {
        let shared = &self.shared;
        let is_served = || shared.routes.secure(name).is_some();
        if !is_served() {
            tokio::select! {
                () = shared.restart.served(&shared.routes, is_served) => {}
                () = stop.stop.cancelled() => return,
            }
        }
        // Before the answer: a change in between makes it stale, and not the number.
        let generation = shared.routes.generation();
        if let Some(route) = shared.routes.secure(name).and_then(|pool| pool.pick()) {
            let conn = Conn::new(client, server, Arc::clone(&route.endpoint));
            // Who would ask for it, where there are no handlers?
            if !route.chain.links().is_empty() {
                let _ = conn.region.set(Arc::clone(&self.region));
                let ja4 = hello::ja4(io.prefix()).unwrap_or_default();
                let _ = conn.hello.set(Hello { sni: Some(name.to_owned()), ja4 });
            }
            let conn = Arc::new(conn);
            let router = Sticky::new(&shared.routes, generation, name, &route);
            let cx = ForwardCx {
                stop: Stop::from(stop),
                router: Some(Arc::new(router)),
                ..ForwardCx::default()
            };
            Box::pin(forward(conn, io, route, &cx)).await;
            return;
        }
        let can_answer = shared.certificates.can_answer(name);
        let config = if can_answer { &shared.tls.http } else { &self.nobody };
        let Some((io, tls)) = self.terminate(io, Arc::clone(config), client).await else { return };
        self.page(Rewind::new(io), tls, client, server, stop).await;
    }

    /// Somebody who came to the edge itself: nearly always an agent.
    async fn agent(&self, io: Rewind<Io>, client: SocketAddr, server: SocketAddr, stop: &ConnStop) {
        let Some(guard) = self.unauthenticated.admit(client.ip()) else {
            tracing::debug!(%client, "source has too many connections that did not authenticate");
            return;
        };
        let Some(config) = self.own_config(server) else { return };
        let io = io.map(Io::read_ahead);
        let Some((mut io, tls)) = self.terminate(io, config, client).await else { return };
        let deadline = Instant::now() + self.shared.settings.limits.auth;
        let first = tokio::select! {
            first = timeout_at(deadline, first_byte(&mut io)) => first,
            () = stop.stop.cancelled() => return,
        };
        let Ok(Some(first)) = first else { return };
        let speaks_http = first.first().is_some_and(u8::is_ascii_alphabetic);
        let io = Rewind::with_prefix(first, io);
        if speaks_http {
            drop(guard);
            self.page(io, tls, client, server, stop).await;
            return;
        }
        let Ok(place) = Arc::clone(&self.legs).try_acquire_owned() else {
            tracing::warn!(%client, "no room for another agent");
            return;
        };
        let source = Source::Network(client, guard);
        let shared = Arc::clone(&self.shared);
        // Its task outlives this listener: visitors are drained before agents are sent away.
        self.shared.legs.spawn(async move {
            Box::pin(leg::serve(shared, io, source, deadline)).await;
            drop(place);
        });
    }

    async fn page(
        &self,
        io: Rewind<Io>,
        tls: TlsInfo,
        client: SocketAddr,
        server: SocketAddr,
        stop: &ConnStop,
    ) {
        let router: Arc<dyn Router> = match tls.sni.clone() {
            Some(name) => Arc::new(Unserved { all: Secure(Arc::clone(&self.shared.routes)), name }),
            None => Arc::clone(&self.secure),
        };
        let region = Some(Arc::clone(&self.region));
        let visitor = Visitor { client, server, tls: Some(tls), hello: None, region };
        Box::pin(serve_http(visitor, io, router, &Stop::from(stop))).await;
    }

    /// TLS for the edge's own names and addresses. There are as many as we have addresses.
    fn own_config(&self, server: SocketAddr) -> Option<Arc<rustls::ServerConfig>> {
        let ip = server.ip();
        if let Some(config) = self.own.lock().get(&ip) {
            return Some(Arc::clone(config));
        }
        let certificates = Arc::clone(&self.shared.certificates);
        // No protocol is chosen, so that an agent may offer any: refusing what is not known would
        // keep out those whose TLS is configured by somebody else. The only HTTP here is a page that
        // says that nobody is here, and who offers HTTP/2 speaks HTTP/1.1 where nothing is chosen.
        let options = server::Options::default();
        let config = server::from_resolver(Arc::new(ByAddress { certificates, ip }), options)
            .inspect_err(|error| tracing::error!(%error, "could not make a TLS configuration"))
            .map(without_memory)
            .ok()?;
        self.own.lock().insert(ip, Arc::clone(&config));
        Some(config)
    }

    async fn terminate(
        &self,
        io: Rewind<Io>,
        config: Arc<rustls::ServerConfig>,
        client: SocketAddr,
    ) -> Option<(Io, TlsInfo)> {
        let within = self.shared.settings.limits.tls_handshake;
        match Box::pin(tls::accept(io, config, within)).await {
            Ok(io) => {
                let info = adit_runtime::tls::info(io.get_ref().1);
                Some((Io::from(io), info))
            }
            Err(error) => {
                tracing::debug!(%client, %error, "no TLS session");
                None
            }
        }
    }
}

/// Agents connect seldom and strangers get an alert: no sessions are kept for them.
pub(crate) fn without_memory(config: Arc<rustls::ServerConfig>) -> Arc<rustls::ServerConfig> {
    let mut config = Arc::unwrap_or_clone(config);
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Arc::new(config)
}

async fn first_byte(io: &mut Io) -> Option<Bytes> {
    let mut first = BytesMut::with_capacity(64);
    match io.read_buf(&mut first).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(first.freeze()),
    }
}
