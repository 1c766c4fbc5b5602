//! The traffic-policy language: rules that decide what happens to connections, requests and
//! responses, written in YAML or JSON, with CEL expressions and a fixed set of actions.
//!
//! ```text
//! document ─load─> Policy { phase: [Rule { expressions, actions }] } ─run─> Verdict
//! ```
//!
//! A document is loaded once, and everything that can be wrong with it is found then and told at
//! once, each mistake with its place and its code. A running policy is one
//! [`Handler`](adit_chain::Handler): [`factory`] makes it.
//!
//! | to see | read |
//! | --- | --- |
//! | what a document may hold | `document`, `fields` |
//! | when rules run, and what comes of them | `phase`, `run`, `handler`, `response` |
//! | what rules know and change | `scope`, `facts` |
//! | how expressions work | `expr`, `value` |
//! | what an action does | `action`, one file for each type |
//!
//! What this crate leaves out: reading files and YAML (it takes neutral JSON), the rendering of
//! refusals, the way to internal endpoints ([`Inside`](adit_chain::Inside)), and the network
//! ([`Services`]).

mod action;
mod coding;
mod document;
mod expr;
mod factory;
mod facts;
mod fields;
mod gather;
mod handler;
mod login;
mod phase;
mod problem;
mod response;
mod run;
mod scope;
mod services;
mod sse;
#[cfg(test)]
mod testing;
mod travel;
mod value;
mod verify_webhook;

pub use self::{
    factory::factory,
    login::Logins,
    services::{Fetch, FetchError, Fetched, Reach, Services},
};
