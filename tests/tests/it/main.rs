//! adit as a whole: edge, agents, services and visitors, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod http;
mod raw;
mod tls;
