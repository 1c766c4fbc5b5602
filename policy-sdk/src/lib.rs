//! Write policies for adit in Rust.
