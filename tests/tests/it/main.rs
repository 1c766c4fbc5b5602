//! adit as a whole: edge, agents, services and visitors, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod handlers;
mod http;
mod local;
mod pool;
mod raw;
mod tls;
mod trouble;
