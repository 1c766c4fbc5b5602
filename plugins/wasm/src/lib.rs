//! Runs a user's WebAssembly policies as handlers of a chain.

#[allow(missing_docs, unreachable_pub, clippy::all)]
mod bindings;
mod fault;
mod grants;
mod hook;
pub mod host;
mod limits;
mod ticker;
mod time;

pub use self::{
    fault::{Fault, FaultKind},
    grants::{Grants, KvQuota, RateQuota, SecretValue},
    hook::{Hook, HookInterface},
};
