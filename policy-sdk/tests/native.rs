//! The guests of `component.rs`, tested as their authors would; and what the harness does for each
//! hook.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "native/bodies.rs"]
mod bodies;
#[path = "native/canary.rs"]
mod canary;
#[path = "native/cases.rs"]
mod cases;
#[path = "native/configure.rs"]
mod configure;
#[path = "native/faults.rs"]
mod faults;
#[path = "native/heads.rs"]
mod heads;
#[path = "native/key_limit.rs"]
mod key_limit;
#[path = "native/services.rs"]
mod services;
#[path = "native/streams.rs"]
mod streams;
