//! What a body says: its encodings undone, its kind known, its text made readable.
//!
//! Everything here is fed by strangers. Nothing panics, nothing grows past a named limit, and what
//! is not as it says to be is shown as it is.

pub mod grpc;
pub(crate) mod splitting;
pub(crate) mod websocket;
