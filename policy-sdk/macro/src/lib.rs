//! The `#[policy]` attribute of `adit-policy-sdk`.
