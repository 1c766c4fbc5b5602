//! Sockets and what stands between a socket and a connection's bytes.
//!
//! Promise: whatever a stranger or the network does, each operation here ends within a deadline,
//! holds a bounded amount of memory, and says in its error which step failed. Reading order:
//!
//! - [`tasks`], [`until`]: every task has an owner, and a shutdown has phases.
//! - [`listener`], [`per_source`]: accept TCP connections, and nothing else, in the accept loop.
//! - [`io`], [`rewind`]: one type for any connection's bytes, with a prefix that is read again.
//! - [`hello`]: what a TLS ClientHello asks for, without consuming it.
//! - [`tls`]: configurations and handshakes.
//! - [`proxy_protocol`]: PROXY headers, version 1 and 2, both ways.
//! - [`dial`], [`dns`], [`proxy`]: connect to somewhere, directly or through a proxy.
//! - `keepalive`: whether a silent peer still exists.
//! - [`limits`]: the named limits, with their reasons.
//!
//! Left out: HTTP, multiplexing, routing. This crate depends on no other crate of the workspace.

pub mod dial;
pub mod dns;
pub mod hello;
pub mod io;
mod keepalive;
pub mod limits;
pub mod listener;
mod peek;
pub mod per_source;
pub mod proxy;
pub mod proxy_protocol;
mod read_ahead;
pub mod rewind;
pub mod tasks;
pub mod tls;
pub mod until;

pub use io::{Duplex, Hearing, Io, Pipe};
pub use rewind::Rewind;
pub use tasks::{ConnStop, Drained};
