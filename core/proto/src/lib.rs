//! What agent and edge say to each other inside the streams of a session.
//!
//! Everything above the multiplexer and below HTTP is here: the four type bytes that begin a stream,
//! the one-JSON-object-each-way calls, the header in front of a proxied connection, the heartbeat, and
//! the text form of errors. All of it works over any `AsyncRead + AsyncWrite`; only [`session`] knows
//! the multiplexer.
//!
//! Left out: frames and windows (`adit-mux`), the bytes of a proxied connection and the PROXY
//! protocol (`adit-net`), and every decision: who may log in, which address a bind gets.
//!
//! ```text
//!  first 4 bytes     then
//!  type (u32 BE)     one JSON object  ->  one JSON object, FIN     calls and commands   [`rpc`]
//!                    i64 LE length, JSON header, bytes both ways   proxied connections  [`proxy`]
//!                    4 bytes  ->  the same 4 bytes, for ever       heartbeat            [`heartbeat`]
//! ```

pub mod stream_type;

pub mod json;

pub mod message;

pub mod options;

pub mod error_text;

pub mod peer;

pub mod secret;

pub mod proxy;

pub mod rpc;

pub mod heartbeat;

pub mod session;

pub use error_text::{ErrorCode, ErrorText};
pub use stream_type::StreamType;
