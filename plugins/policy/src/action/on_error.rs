//! What happens to a request when an action has failed that may be survived.

use http::StatusCode;

use adit_chain::{ErrorCode, Refusal, code};

use super::Failure;
use crate::fields::Fields;

/// What happens to a request when an action has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// The visitor is turned away.
    Halt,
    /// The next action runs.
    Continue,
}

impl OnFailure {
    /// Reads `on_error`.
    pub(super) fn read(fields: &mut Fields<'_>, default: Self) -> Self {
        let choices = [("halt", Self::Halt), ("continue", Self::Continue)];
        fields.choice("on_error", &choices).unwrap_or(default)
    }
}

/// Why such an action failed.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    /// What the visitor is told, if the action halts.
    refusal: Box<Refusal>,
    /// What went wrong, where the visitor may not know it.
    reason: Option<String>,
}

impl Trouble {
    /// With a status, a code and a sentence that the visitor may read.
    pub(super) fn new(status: StatusCode, code: u32, message: impl Into<String>) -> Self {
        let refusal = Refusal::new(status, message.into()).with_code(ErrorCode(code));
        Self { refusal: Box::new(refusal), reason: None }
    }

    /// Whose reason is for whoever wrote the policy, and not for visitors.
    pub(super) fn internal(failure: &Failure) -> Self {
        Self { refusal: Box::new(failure.to_refusal()), reason: Some(failure.reason.to_string()) }
    }

    /// Its code, for the result.
    pub(super) fn code(&self) -> u32 {
        self.refusal.code.unwrap_or(code::HANDLER_FAILED).0
    }

    /// What went wrong, for the result and the log.
    pub(super) fn message(&self) -> &str {
        self.reason.as_deref().unwrap_or(&self.refusal.message)
    }

    /// Whether the connection is to be closed, which nothing survives.
    pub(super) const fn closes(&self) -> bool {
        self.refusal.close
    }

    /// What the visitor is told.
    pub(super) fn into_refusal(self) -> Refusal {
        *self.refusal
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self { refusal: Box::new(refusal), reason: None }
    }
}
