//! The agent: dials an edge, keeps a session with it, and forwards visitors' connections to
//! services next to it. A library first; the command line is one of its users.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use adit_agent::{Agent, EndpointSpec, Roots};
//! use adit_chain::Registry;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let agent = Agent::builder()
//!     .connect("connect.tunnel.example.com:443")
//!     .roots(Roots::Host)
//!     .authtoken("2abc…")
//!     .registry(Registry::default())
//!     .build()?;
//! let session = agent.start().await?;
//! let endpoint = session.bind(EndpointSpec::http("http://localhost:8080")).await?;
//! println!("serving {} at {}", endpoint.upstream(), endpoint.url());
//! session.handle().stopped().await;
//! endpoint.close().await;
//! session.shutdown(Duration::from_secs(5)).await;
//! # Ok(())
//! # }
//! ```
//!
//! The promise: a session outlives its connections. Whatever breaks is dialled, authenticated and
//! bound again under the same addresses, until the owner or the edge ends it; and nothing that an
//! endpoint's description asks for is ignored. How a connection is forwarded is the business of
//! `adit-runtime`; what handlers do, of plugins.
//!
//! Reading order:
//!
//! - `agent`, `spec`: what a program says. `session`, `endpoint`, `event`: what it gets.
//! - `supervise`, `leg`, `further`, `backoff`, `dial`: one session over many connections.
//! - `bound`, `call`: asking for addresses. `streams`, `orders`: what the edge sends.
//!   `neighbours`: how endpoints find each other.
//! - `plan`, `upstream`, `files`: how connections go on from here.
//! - `visit`: requests of our own. `outbound`: calls to services on behalf of policies.

mod agent;
mod backoff;
mod bound;
mod call;
mod dial;
mod endpoint;
mod error;
mod event;
mod files;
mod further;
mod leg;
mod neighbours;
mod orders;
mod outbound;
mod plan;
mod session;
mod shared;
mod spec;
mod streams;
mod supervise;
mod upstream;
mod visit;

pub use adit_net::tls::Roots;

pub use self::{
    agent::{Agent, Builder},
    dial::Dialer,
    endpoint::Endpoint,
    error::{BindError, BuildError, ConnectError, DialError, PlanError},
    event::{Down, Event, Order, SessionInfo, Status, Stopped},
    orders::{RemoteOrders, Support},
    outbound::{CallError, Caller},
    plan::{ExplainedLink, ExplainedPolicy, Explanation, Reason, TlsEnd, check_policy},
    session::{Connecting, Handle, Session},
    spec::{EndpointSpec, Enforced},
    visit::Visit,
};

#[cfg(test)]
mod tests;
