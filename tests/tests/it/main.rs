//! adit as a whole: edge, agents, services and visitors, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod arrows;
mod handlers;
mod hostile;
mod http;
mod leaks;
mod local;
mod policies;
mod policy_edge;
mod policy_facts;
mod policy_guide;
mod policy_internal;
mod policy_login;
mod policy_program;
mod policy_rules;
mod policy_traffic;
mod pool;
mod program;
mod raw;
mod sdk;
mod session;
mod storm;
mod strangers;
mod tls;
mod trouble;
mod update;
