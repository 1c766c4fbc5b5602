//! The road: carries one visitor's connection from accept to close, the same way at the agent and
//! at the edge.
//!
//! ```text
//! forward(conn, io, route) ── conn chain ── TLS here or passed on ── wrappers ──┬─ raw relay
//!                                                                              └─ HTTP exchanges
//! ```
//!
//! The only difference between the two sides is the [`Upstream`]: a local service at the agent,
//! legs to an agent at the edge. Reading order:
//!
//! - [`route`], [`upstream`], [`router`]: what a connection is forwarded by, and where to.
//! - [`mod@forward`], [`tls`]: one connection, until it is known how its bytes move.
//! - [`mod@relay`]: bytes, both halves.
//! - [`mod@http`]: exchanges, in HTTP/1.1 and HTTP/2.
//! - [`mod@render`]: how a refusal looks to a visitor.
//! - [`tap`]: exchanges, watched as they pass.
//! - [`mod@visit`]: requests of our own.
//! - [`limits`], [`metrics`], [`stop`]: deadlines and sizes, counters, shutdown.
//!
//! Left out: listeners and dialling (`adit-net`), handlers (plugins), the tunnel protocol.

mod divert;
pub mod forward;
pub mod http;
pub mod limits;
pub mod metrics;
pub mod relay;
pub mod render;
pub mod route;
pub mod router;
pub mod stop;
pub mod tap;
pub mod tls;
pub mod upstream;
pub mod visit;

#[cfg(test)]
mod rig;

pub use self::{
    forward::{ForwardCx, forward, forward_live},
    http::{Visitor, serve_http},
    limits::Limits,
    metrics::{Closed, Ended, Metrics, Observe},
    route::{Forwarded, Live, Neighbours, Relay, Route, RouteOptions, Routes, TlsDefault},
    router::{Router, host_of},
    stop::Stop,
    upstream::{HttpVersion, Leg, PassthroughTls, Upstream, UpstreamError},
    visit::visit,
};
