//! How often a key may call.

include!("text/key_limit.rs");
