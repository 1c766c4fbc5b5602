//! Secrets that the operator names. Grant: `secrets: [name, …]`.
//!
//! The agent keeps the values themselves out of its log and inspector, but not what a policy derives
//! from them. Do not put them into panics.

use crate::backend::secrets;
use crate::error::{Error, Result};

/// The secret of that name, as octets.
///
/// # Errors
///
/// `Denied` without a grant, `Unavailable` if it cannot be read.
pub fn get_bytes(name: &str) -> Result<Vec<u8>> {
    Ok(secrets::get(name)?)
}

/// The secret of that name, as text.
///
/// # Errors
///
/// As [`get_bytes`], and if it is not UTF-8.
pub fn get(name: &str) -> Result<String> {
    String::from_utf8(get_bytes(name)?)
        .map_err(|_| Error::new(format_args!("secret {name:?} is not UTF-8")))
}
