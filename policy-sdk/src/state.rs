//! Values that travel from hook to hook, as JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("the value can be written as JSON")
}

pub(crate) fn from_json<T: DeserializeOwned>(octets: Option<Vec<u8>>) -> Option<T> {
    serde_json::from_slice(&octets?).ok()
}

/// For calls whose refusal is a mistake of the policy: it panics, which the agent treats as a fault.
#[track_caller]
pub(crate) fn must<E: Into<Error>>(what: &str, result: Result<(), E>) {
    if let Err(error) = result {
        panic!("{what}: {}", error.into());
    }
}
