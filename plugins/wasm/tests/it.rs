//! The host against policies of text.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "it/bodies.rs"]
mod bodies;
#[path = "it/connections.rs"]
mod connections;
#[path = "it/faults.rs"]
mod faults;
#[path = "it/guest.rs"]
mod guest;
#[path = "it/heads.rs"]
mod heads;
#[path = "it/lab.rs"]
mod lab;
#[path = "it/leaks.rs"]
mod leaks;
#[path = "it/limits.rs"]
mod limits;
#[path = "it/loading.rs"]
mod loading;
#[path = "it/pool.rs"]
mod pool;
#[path = "it/rig.rs"]
mod rig;
#[path = "it/time.rs"]
mod time;
#[path = "it/versions.rs"]
mod versions;
