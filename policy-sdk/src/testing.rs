//! Native tests: the policy as a plain value, in a world that the test controls.
//!
//! `cargo test` needs no WebAssembly target and no agent. A [`Harness`] configures the policy, calls
//! its hooks as the agent would, and checks what the policy does with the same rules: a header that
//! is refused in production is refused here, with the same words.
//!
//! ```
//! # use adit_policy_sdk::prelude::*;
//! # #[derive(Deserialize)]
//! # struct Config { burst: u32, per_ms: u32 }
//! # struct KeyLimit(Config);
//! # #[policy]
//! # impl KeyLimit {
//! #     fn configure(config: Config) -> Result<Self> { Ok(Self(config)) }
//! #     fn on_request(&mut self, conn: &Connection, req: &mut Request) -> Result<(), Reply> {
//! #         let quota = Quota { burst: self.0.burst, per_ms: self.0.per_ms };
//! #         let d = rate::take("per-key", &conn.client_ip().to_string(), quota)?;
//! #         req.set_header("x-ratelimit-remaining", d.remaining);
//! #         if d.allowed { Ok(()) } else { Err(Reply::new(429)) }
//! #     }
//! # }
//! use adit_policy_sdk::testing::*;
//!
//! let mut t = Harness::<KeyLimit>::new(json!({ "burst": 2, "per_ms": 1000 })).unwrap();
//! let exchange = t.request(get("/").from("203.0.113.9"));
//! assert_eq!(exchange.verdict, Verdict::Next);
//! assert_eq!(exchange.edits.header("x-ratelimit-remaining"), Some("1"));
//!
//! t.request(get("/").from("203.0.113.9"));
//! assert_eq!(t.request(get("/").from("203.0.113.9")).reply().status, 429);
//! t.advance(Duration::from_secs(1));
//! assert_eq!(t.request(get("/").from("203.0.113.9")).verdict, Verdict::Next);
//! ```
//!
//! | What | How |
//! |---|---|
//! | a request | [`get`], [`post`], [`method`]; `from`, `header`, `body`, … |
//! | what the upstream answers | `.answer(`[`response`]`(200).header(…).body(…))`; an empty 200 unless said |
//! | a raw connection | [`Harness::connect`], then `send`, `receive`, `close` |
//! | time | stands still; [`Harness::advance`] moves it |
//! | another instance for each call | [`Setup::fresh_instances`] |
//! | randomness | the same in each run; [`Setup::seed`] for another |
//! | `kv`, `rate` | in memory, as long as the harness |
//! | `secrets`, `outbound`, grants | [`Harness::setup`] |
//! | log and metrics | [`Harness::logs`], [`Harness::metric`] |
//!
//! A panic of the policy fails the test, as it should; [`Harness::try_request`] hands it out as a
//! [`Fault`] instead.

pub(crate) mod double;
mod edits;
mod exchange;
mod harness;
mod message;
mod run;
mod setup;
mod stream;
pub(crate) mod world;

pub use std::time::Duration;

pub use serde_json::json;

pub use crate::log::Level;
pub use crate::outbound::Answer;
pub use crate::verdict::{Admission, BodyVerdict, ChunkVerdict, Direction, Verdict};
pub use edits::Edits;
pub use exchange::{Exchange, Fault, Head, Visible};
pub use harness::Harness;
pub use message::{
    Client, Message, Upstream, client, delete, get, head, method, post, put, response,
};
pub use setup::{Grants, Setup};
pub use stream::Stream;
pub use world::{LogRecord, Metric, Sent};
