//! Exchanges, in raw bytes at both ends.

mod proxying;
