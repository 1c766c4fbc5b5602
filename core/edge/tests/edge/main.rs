//! An edge with agents that are driven by hand: each statement of the protocol that concerns the
//! edge, as bytes and messages show it.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a test binary has no public side, and a panic is how it fails"
)]

mod bind;
mod command;
mod heartbeat;
mod left_out;
mod limits;
mod races;
mod returning;
mod rig;
mod session;
mod shutdown;
mod tls;
mod traffic;
mod wire;
