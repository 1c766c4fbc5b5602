//! Who answers: the agent on `wasm32`, the test host everywhere else.
//!
//! Both sides offer the same functions with the same signatures, so everything above this line is
//! one piece of code. Plain data is the contract's on both.

pub(crate) use crate::bindings::imports::adit::policy::types;

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::imports::adit::policy::{
    agent, clock, connections::Connection, crypto, http::Request, http::Response, kv, log, metrics,
    outbound, outcomes::Outcome, random, rate, secrets,
};

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::double::{Connection, Outcome, Request, Response};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::world::{
    agent, clock, crypto, kv, log, metrics, outbound, random, rate, secrets,
};
