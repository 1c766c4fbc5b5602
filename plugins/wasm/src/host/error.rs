//! How a refused request of a guest is told: the contract's error, with the limit's name in its text.

use adit_policy_rules::{Kind, Refused};
use wasmtime::format_err;

use super::State;
use crate::bindings::adit::policy::types::{Error, ErrorKind, Host};

/// What an interface's function answers a guest.
pub(super) type Answer<T> = Result<T, Error>;

impl Host for State {}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let kind = match refused.kind {
            Kind::Denied => ErrorKind::Denied,
            Kind::Invalid => ErrorKind::Invalid,
            Kind::TooLate => ErrorKind::TooLate,
            Kind::Limit => ErrorKind::Limit,
            Kind::Unavailable => ErrorKind::Unavailable,
            Kind::Other => ErrorKind::Other,
        };
        Self { kind, message: refused.message.into_owned() }
    }
}

/// The name is not among those that the file grants.
pub(super) fn not_granted(interface: &str, name: &str) -> Refused {
    let name = adit_policy_rules::observe::cut(name, 100);
    Refused::denied(format!("{interface} {name:?} is not granted; see the policy's grants"))
}

/// `configure` may run at any moment and any number of times, so it must not have effects.
pub(super) fn not_in_configure(interface: &str) -> Refused {
    Refused::denied(format!("{interface} cannot be used in configure"))
}

/// The handle does not belong to this call. Ends the guest: no such handle was ever given to it.
#[cold]
pub(super) fn no_such(thing: &str) -> wasmtime::Error {
    format_err!("this call is not about a {thing}")
}
