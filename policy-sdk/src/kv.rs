//! State that outlives an instance. Grant: `kv: [bucket, …]`.
//!
//! Keys have at most 256 octets, values 64 KiB. A full bucket drops what was not used for longest.
//! Buckets live in one agent: they survive reloads and not restarts. In `configure` everything here
//! answers `Denied`: configuring may happen at any moment, any number of times.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::kv;
use crate::error::Result;
use crate::state;

/// How long a value lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// Until it is dropped to make room.
    UntilEvicted,
    /// So long at most. Rounded to milliseconds, at least one.
    For(Duration),
}

impl From<Duration> for Ttl {
    fn from(time: Duration) -> Self {
        Self::For(time)
    }
}

impl Ttl {
    fn millis(self) -> u32 {
        match self {
            Self::UntilEvicted => 0,
            Self::For(time) => u32::try_from(time.as_millis()).unwrap_or(u32::MAX).max(1),
        }
    }
}

/// The octets under a key.
///
/// # Errors
///
/// `Denied` without a grant for the bucket, `Invalid` and `Limit` for a bad key.
pub fn get_bytes(bucket: &str, key: &str) -> Result<Option<Vec<u8>>> {
    Ok(kv::get(bucket, key)?)
}

/// The value under a key, written by [`set`]. `None` also if it is of another shape.
///
/// # Errors
///
/// As [`get_bytes`].
pub fn get<T: DeserializeOwned>(bucket: &str, key: &str) -> Result<Option<T>> {
    Ok(state::from_json(get_bytes(bucket, key)?))
}

/// Puts octets under a key.
///
/// # Errors
///
/// As [`get_bytes`]; `Limit` for a value over 64 KiB.
pub fn set_bytes(bucket: &str, key: &str, value: &[u8], ttl: impl Into<Ttl>) -> Result<()> {
    Ok(kv::set(bucket, key, value, ttl.into().millis())?)
}

/// Puts a value under a key, as JSON.
///
/// # Errors
///
/// As [`set_bytes`].
///
/// # Panics
///
/// If the value cannot be written as JSON.
pub fn set<T: Serialize + ?Sized>(
    bucket: &str,
    key: &str,
    value: &T,
    ttl: impl Into<Ttl>,
) -> Result<()> {
    set_bytes(bucket, key, &state::to_json(value), ttl)
}

/// Removes a key, and says whether it was there.
///
/// # Errors
///
/// As [`get_bytes`].
pub fn delete(bucket: &str, key: &str) -> Result<bool> {
    Ok(kv::delete(bucket, key)?)
}

/// Adds to a number in one step, and returns the new total. A missing key counts as 0. The lifetime
/// starts with the first addition; later ones leave it alone.
///
/// # Errors
///
/// As [`get_bytes`]; `Invalid` if something else than a counter is there, or it would overflow.
pub fn increment(bucket: &str, key: &str, by: i64, ttl: impl Into<Ttl>) -> Result<i64> {
    Ok(kv::increment(bucket, key, by, ttl.into().millis())?)
}

/// Writes only while the stored octets are the expected ones, `None` for nothing; and says whether
/// it did.
///
/// # Errors
///
/// As [`set_bytes`].
pub fn swap(
    bucket: &str,
    key: &str,
    expected: Option<&[u8]>,
    value: &[u8],
    ttl: impl Into<Ttl>,
) -> Result<bool> {
    Ok(kv::swap(bucket, key, expected, value, ttl.into().millis())?)
}
