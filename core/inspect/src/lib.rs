//! What a person or a script sees of a running agent: captured exchanges, the local API and the
//! page that shows them.
//!
//! Reading order: [`control`], what the agent lends us; [`model`], what is remembered of an exchange;
//! [`capture`], where; [`view`], what it says; [`meter`], what passes through an endpoint.

pub mod api;
pub mod capture;
pub mod control;
pub mod curl;
pub mod diff;
pub mod har;
pub mod meter;
pub mod model;
pub mod replay;
pub mod secrets;
pub mod view;
