//! Written by a tool from the WIT package: do not edit, run `policy-sdk/bindgen`.
//!
//! This is where the crate's unsafe code is: lifting and lowering of values between a policy's
//! memory and the agent. On other targets than `wasm32` it compiles and cannot be called.

#[rustfmt::skip]
pub mod imports;

#[rustfmt::skip]
pub mod close_hook;
#[rustfmt::skip]
pub mod connection_hook;
#[rustfmt::skip]
pub mod finish_hook;
#[rustfmt::skip]
pub mod request_body_hook;
#[rustfmt::skip]
pub mod request_hook;
#[rustfmt::skip]
pub mod response_body_hook;
#[rustfmt::skip]
pub mod response_hook;
#[rustfmt::skip]
pub mod setup;
#[rustfmt::skip]
pub mod stream_hook;
