//! What adit accepts from a policy: pure checks and numbers, shared by the agent's host for
//! WebAssembly policies and by the SDK's native test host, so that what is refused in production is
//! refused in a test, with the same words.
//!
//! Nothing here does I/O, reads a clock or allocates more than its answer. No dependencies.
//!
//! | Module | Holds |
//! |---|---|
//! | [`limits`] | every number a policy can run into |
//! | [`head`] | header names and values, method, target, authority, status |
//! | [`reply`] | a whole response that a policy wrote |
//! | [`state`] | `keep`, variables, identity, keys and values |
//! | [`observe`] | log records and metric names |
//! | [`rate`] | the token bucket |
//! | [`refused`] | how a check says no |

pub mod head;
pub mod limits;
pub mod observe;
pub mod rate;
pub mod refused;
pub mod reply;
pub mod state;

pub use refused::{Kind, Refused};
