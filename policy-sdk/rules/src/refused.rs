//! How a check says no.

use std::borrow::Cow;
use std::fmt;

/// What sort of refusal it is: the `error-kind` of the contract, case for case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The configuration does not grant this.
    Denied,
    /// An argument makes no sense.
    Invalid,
    /// The thing can no longer be changed.
    TooLate,
    /// A quota is used up.
    Limit,
    /// A peer or a store did not answer in time.
    Unavailable,
    /// Anything invented later.
    Other,
}

/// A refusal: its kind and a sentence for the author of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What sort of refusal it is.
    pub kind: Kind,
    /// What was wrong, naming the thing and the limit.
    pub message: Cow<'static, str>,
}

impl Refused {
    /// A refusal of any kind.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The configuration does not grant this.
    pub fn denied(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Denied, message)
    }

    /// An argument makes no sense.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// The head has left.
    pub fn too_late() -> Self {
        Self::new(Kind::TooLate, "the head has left and can no longer be changed")
    }

    /// A quota is used up.
    pub fn limit(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Limit, message)
    }

    /// `what` is longer than its limit called `name`.
    pub(crate) fn too_long(what: &str, is: usize, name: &str, most: usize) -> Self {
        Self::limit(format!("{what} has {is} octets, {name} is {most}"))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}
