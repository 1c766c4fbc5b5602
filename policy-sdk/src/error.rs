//! What goes wrong in a policy, and what becomes of it.

use std::any::Any;
use std::fmt;

pub use adit_policy_rules::Kind as ErrorKind;
use adit_policy_rules::Refused;

use crate::backend::types;

/// `Result` with this crate's [`Error`] unless another one is named.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal of the agent, or any other error with its text.
///
/// It converts from every `std::error::Error`, so `?` works; and into a [`Reply`](crate::Reply):
/// 503 for [`Unavailable`](ErrorKind::Unavailable) and [`Limit`](ErrorKind::Limit), 500 otherwise.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

impl Error {
    /// An error of your own.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { kind: ErrorKind::Other, message: message.to_string() }
    }

    /// What sort of refusal it was; [`ErrorKind::Other`] for what did not come from the agent.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.message)
    }
}

impl<E: std::error::Error + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let any: &dyn Any = &error;
        if let Some(error) = any.downcast_ref::<types::Error>() {
            return Self { kind: kind_of(error.kind), message: error.message.clone() };
        }
        if let Some(refused) = any.downcast_ref::<Refused>() {
            return Self { kind: refused.kind, message: refused.message.to_string() };
        }
        Self::new(error)
    }
}

/// What the bindings call it.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn raw_error(refused: Refused) -> types::Error {
    let kind = match refused.kind {
        ErrorKind::Denied => types::ErrorKind::Denied,
        ErrorKind::Invalid => types::ErrorKind::Invalid,
        ErrorKind::TooLate => types::ErrorKind::TooLate,
        ErrorKind::Limit => types::ErrorKind::Limit,
        ErrorKind::Unavailable => types::ErrorKind::Unavailable,
        ErrorKind::Other => types::ErrorKind::Other,
    };
    types::Error { kind, message: refused.message.into_owned() }
}

fn kind_of(kind: types::ErrorKind) -> ErrorKind {
    match kind {
        types::ErrorKind::Denied => ErrorKind::Denied,
        types::ErrorKind::Invalid => ErrorKind::Invalid,
        types::ErrorKind::TooLate => ErrorKind::TooLate,
        types::ErrorKind::Limit => ErrorKind::Limit,
        types::ErrorKind::Unavailable => ErrorKind::Unavailable,
        types::ErrorKind::Other => ErrorKind::Other,
    }
}

/// Returns an [`Error`] made of a formatted text.
///
/// ```
/// use adit_policy_sdk::prelude::*;
///
/// fn positive(burst: u32) -> Result<u32> {
///     if burst == 0 {
///         bail!("burst must be at least 1");
///     }
///     Ok(burst)
/// }
/// assert_eq!(positive(0).unwrap_err().to_string(), "burst must be at least 1");
/// ```
#[macro_export]
macro_rules! bail {
    ($($text:tt)+) => {
        return ::core::result::Result::Err($crate::Error::new(::std::format!($($text)+)).into())
    };
}
