//! Write policies for adit in Rust.
//!
//! A policy is code of yours in the chain of an endpoint. It sees connections, requests and
//! responses, changes them, answers them, or sends them elsewhere. It is compiled to a WebAssembly
//! component, runs inside the agent, and can do what its file grants and nothing else. The crate has
//! unsafe code where values cross the border of the component's memory; policies need none.
//!
//! # Facts about the target
//!
//! Policies are compiled for `wasm32-unknown-unknown`. There:
//!
//! - **`SystemTime::now` and `Instant::now` panic.** Use [`clock`].
//! - **`println!` and `eprintln!` go nowhere.** Use [`log`].
//! - **There are no threads, files, sockets and environment variables.** Ask the network through
//!   [`outbound`], for secrets [`secrets`], and keep state with [`kv`].
//! - **The standard `HashMap` has predictable keys.** For keys chosen by strangers use
//!   [`SeededMap`], or a `BTreeMap`.
//! - **A panic ends the call, not the agent.** The log says where it was; the instance is thrown
//!   away; the link's `on_error` decides what becomes of the exchange.
//!
//! # A whole policy
//!
//! `adit policy new key-limit` writes this, with its tests:
//!
//! ```
//! use adit_policy_sdk::prelude::*;
//!
//! #[derive(Deserialize)]
//! struct Config { burst: u32, per_ms: u32 }
//! struct KeyLimit(Config);
//!
//! #[policy]
//! impl KeyLimit {
//!     fn configure(config: Config) -> Result<Self> { Ok(Self(config)) }
//!
//!     fn on_request(&mut self, conn: &Connection, req: &mut Request) -> Result<(), Reply> {
//!         let key = req.header("x-api-key").unwrap_or_else(|| conn.client_ip().to_string());
//!         let quota = Quota { burst: self.0.burst, per_ms: self.0.per_ms };
//!         let d = rate::take("per-key", &key, quota).map_err(|_| Reply::new(503))?;
//!         req.set_header("x-ratelimit-remaining", d.remaining.to_string());
//!         if d.allowed { return Ok(()) }
//!         Err(Reply::new(429).header("retry-after", d.retry_after_ms.div_ceil(1000)).text("slow down\n"))
//!     }
//! }
//! # use adit_policy_sdk::testing::*;
//! # let mut t = Harness::<KeyLimit>::new(json!({ "burst": 1, "per_ms": 1000 })).unwrap();
//! # assert_eq!(t.request(get("/")).verdict, Verdict::Next);
//! # assert_eq!(t.request(get("/")).reply().header_text("retry-after").as_deref(), Some("1"));
//! ```
//!
//! Read it from the top. `configure` gets what stands under the policy's name in the file, once for
//! each instance. `on_request` is a *hook*: the agent calls it for each request, because it is there.
//! It reads a header, asks the agent for a token of that key's bucket, writes a header, and lets the
//! request pass or answers in its place. [`#[policy]`](macro@policy) lists all hooks, and says what
//! each may do and when.
//!
//! # Its file
//!
//! ```yaml
//! plugins:
//!   key-limit:
//!     wasm: ./key-limit.wasm
//!     grants: { rate: [per-key] }
//! endpoints:
//!   - name: api
//!     upstream: { url: 8080 }
//!     handlers:
//!       - key-limit: { burst: 20, per_ms: 1000 }
//! ```
//!
//! Without the grant the component would not load: it imports `rate`.
//!
//! # State from hook to hook
//!
//! The response may be seen by another instance than the request was, so fields of `self` do not
//! carry anything. [`Request::keep`] does:
//!
//! ```
//! use adit_policy_sdk::prelude::*;
//!
//! #[derive(Deserialize)]
//! struct Config { percent: u64 }
//! struct Canary(Config);
//!
//! #[policy]
//! impl Canary {
//!     fn configure(config: Config) -> Result<Self> { Ok(Self(config)) }
//!
//!     fn on_request(&mut self, _: &Connection, req: &mut Request) -> Verdict {
//!         let group = req.cookie("group").unwrap_or_else(|| self.pick());
//!         req.keep(&group);
//!         if group == "b" { Verdict::reroute("api-next") } else { Verdict::Next }
//!     }
//!
//!     fn on_response(&mut self, req: &Request, resp: &mut Response) -> Verdict {
//!         if let Some(group) = req.kept::<String>() {
//!             resp.append_header("set-cookie", format!("group={group}; Path=/; Max-Age=86400"));
//!         }
//!         Verdict::Next
//!     }
//! }
//!
//! impl Canary {
//!     fn pick(&self) -> String {
//!         if random::below(100) < self.0.percent { "b".into() } else { "a".into() }
//!     }
//! }
//! # use adit_policy_sdk::testing::*;
//! # let mut t = Harness::<Canary>::new(json!({ "percent": 100 })).unwrap();
//! # let exchange = t.request(get("/"));
//! # assert_eq!(exchange.verdict, Verdict::reroute("api-next"));
//! # assert_eq!(exchange.response().header("set-cookie").unwrap(), "group=b; Path=/; Max-Age=86400");
//! ```
//!
//! # Refusals
//!
//! What the agent does not accept, it refuses with an [`Error`]. Setters of heads come twice:
//! `set_header` panics, because a header that your code wrote wrongly is a mistake of your code;
//! `try_set_header` returns the error, for values that come from strangers. Everything that can be
//! refused for reasons outside of the code (`rate`, `kv`, `secrets`, `outbound`) returns a
//! [`Result`].
//!
//! # Tests
//!
//! `cargo test` needs no WebAssembly: see [`testing`]. The same requests, written as cases in a
//! YAML file, judge the native code and the component: see the module `cases`, with the feature of
//! that name.
//!
//! # The crate of a policy
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [dependencies]
//! adit-policy-sdk = "0.1"
//! serde = { version = "1", features = ["derive"] }   # for `#[derive(Deserialize)]`
//!
//! [profile.release]
//! opt-level = 3
//! lto = true
//! codegen-units = 1
//! panic = "abort"
//! strip = "debuginfo"   # keeps the names of functions, for backtraces
//! ```
//!
//! # Randomness for other crates
//!
//! `rand`, `uuid` and others ask the crate `getrandom`, which must be told to ask the agent. Turn on
//! this crate's feature `getrandom`, and put into `.cargo/config.toml`:
//!
//! ```toml
//! [target.wasm32-unknown-unknown]
//! rustflags = ['--cfg', 'getrandom_backend="custom"']
//! ```

extern crate self as adit_policy_sdk;

#[doc(hidden)]
#[allow(warnings, reason = "generated")]
#[allow(unsafe_code, reason = "lifts and lowers values at the border of the component")]
pub mod bindings;

pub mod agent;
mod backend;
#[cfg(all(feature = "cases", not(target_arch = "wasm32")))]
pub mod cases;
pub mod clock;
mod connection;
pub mod crypto;
#[cfg(all(feature = "getrandom", target_arch = "wasm32"))]
#[allow(unsafe_code, reason = "`getrandom` calls by a name that is fixed")]
mod entropy;
mod error;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod export;
mod headers;
mod hooks;
pub mod kv;
pub mod log;
pub mod metrics;
pub mod outbound;
mod outcome;
pub mod prelude;
pub mod random;
pub mod rate;
mod reply;
mod request;
mod response;
#[doc(hidden)]
#[allow(unsafe_code, reason = "hands out memory for values that cross the border")]
pub mod rt;
pub mod secrets;
mod seeded;
mod state;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod urlencoded;
mod verdict;

#[doc = include_str!("policy.md")]
pub use adit_policy_macro::policy;
pub use connection::Connection;
pub use error::{Error, ErrorKind, Result};
pub use hooks::{Hook, Hooks};
pub use outcome::Outcome;
pub use reply::{HeaderValue, Reply};
pub use request::Request;
pub use response::Response;
pub use seeded::{Seeded, SeededMap};
pub use verdict::{
    Admission, BodyVerdict, ChunkVerdict, Direction, IntoAdmission, IntoBodyVerdict,
    IntoChunkVerdict, IntoConfigured, IntoVerdict, Verdict,
};

#[doc(hidden)]
pub use hooks::parse_config;
