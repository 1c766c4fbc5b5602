//! Cases in a file: requests, and what must come of them.
//!
//! The same file judges the policy as native code, in `cargo test`, and as a component, in
//! `adit policy test`. So it is where the two cannot drift apart.
//!
//! ```yaml
//! config: { burst: 2, per_ms: 1000 }
//! grants: { rate: [per-key] }           # every name, unless this is here
//! secrets: { key: hunter2 }
//! outbound: { decider: [ { status: 200, json: { allow: true } } ] }
//! cases:
//!   - name: the third call is refused
//!     steps:
//!       - request: { target: "/a?b=c", from: 203.0.113.9, headers: { x-api-key: ann } }
//!         expect: { verdict: next, set: { x-ratelimit-remaining: "1" } }
//!       - advance: 1s
//!       - request: { method: POST, json: { a: 1 } }
//!         response: { status: 200, headers: { server: x }, body: hello }
//!         expect: { verdict: next, response: { status: 200, removed: [server], body: hello } }
//!       - connection: { from: 203.0.113.9, chunks: ["SSH-2.0-x\r\n"] }
//!         expect: { admission: accept, chunks: [detach] }
//! ```
//!
//! Every case starts anew: state, time and scripts are its own. What an `expect` does not name is
//! not looked at. The caller reads the YAML and hands in what it says as JSON; with the feature
//! `yaml`, `check` does both.

mod compare;
mod duration;
mod expect;
mod native;
mod run;
mod schema;

pub use crate::testing::Metric;
pub use expect::{ChunkName, Expect, ExpectReply, ExpectResponse, VerdictName};
#[cfg(feature = "yaml")]
pub use native::check;
pub use native::check_json;
pub use run::{Connected, Failed, Host, Observed, Report, Result, run};
pub use schema::{
    AdmissionName, AnswerStep, Case, ConnectionStep, File, FullPiece, Grants, Lines, Piece,
    RequestStep, ResponseStep, Side, Step,
};
