//! A sticky split between two endpoints.

include!("text/canary.rs");
