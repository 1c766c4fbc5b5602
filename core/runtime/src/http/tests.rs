//! Exchanges, in raw bytes at both ends where that matters.

mod failing;
mod finishing;
mod handling;
mod idling;
mod inside;
mod interim;
mod moving;
mod proxying;
mod routing;
mod smuggling;
mod tls;
mod two;
mod watching;
