//! Write policies for adit in Rust.

extern crate self as adit_policy_sdk;

#[doc(hidden)]
#[allow(warnings, reason = "generated")]
#[allow(unsafe_code, reason = "lifts and lowers values at the border of the component")]
pub mod bindings;

pub mod agent;
mod backend;
pub mod clock;
mod connection;
pub mod crypto;
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
#[expect(unsafe_code, reason = "hands out memory for values that cross the border")]
pub mod rt;
pub mod secrets;
mod seeded;
mod state;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod urlencoded;
mod verdict;

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
