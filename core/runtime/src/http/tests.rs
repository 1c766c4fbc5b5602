//! Exchanges, in raw bytes at both ends where that matters.

mod failing;
mod handling;
mod proxying;
mod routing;
mod smuggling;
mod tls;
mod two;
