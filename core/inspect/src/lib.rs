//! What a person or a script sees of a running agent: captured exchanges, the local API and the
//! page that shows them.
//!
//! Reading order: `control`, what the agent lends us; `meter`, what passes through an endpoint.

pub mod control;
pub mod meter;
