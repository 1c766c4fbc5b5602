//! Bytes, both halves.
