//! The harness of the whole-system tests: a world of edge, agents, services and visitors, all on
//! loopback and in one runtime, that is put together in a sentence and taken down without a trace.
//!
//! ```no_run
//! use adit_agent::EndpointSpec;
//! use adit_tests::{Upstream, World};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let upstream = Upstream::counting("hello").await;
//! let world = World::new().agent(EndpointSpec::http(&upstream.http_url())).up().await;
//!
//! assert_eq!(world.get("/").await.text(), "hello");
//! world.down().await.assert_no_task_left();
//! # }
//! ```
//!
//! Reading order:
//!
//! - [`world`]: edge and agents. [`visitor`]: who comes from outside.
//! - [`upstream`], [`mod@service`]: what is behind the tunnel. [`identity`]: certificates for it.
//!   [`guest`]: policies to run.
//! - [`stranger`]: peers that behave badly. [`path`]: a network between agent and edge.
//! - [`mod@eventually`]: the only way to wait.
//!
//! What is created before a world is part of its surroundings; so create services first.

pub mod eventually;
pub mod guest;
pub mod identity;
pub mod path;
pub mod service;
pub mod stranger;
pub mod upstream;
pub mod visitor;
pub mod world;

pub use self::{
    eventually::{eventually, soon},
    identity::Identity,
    path::Path,
    upstream::Upstream,
    visitor::{Reply, Visitor},
    world::{Down, World},
};

/// The bytes of a connection, whatever carries them.
pub type Socket = Box<dyn adit_net::Duplex>;
