//! What is wrong with a document: all of it at once.

use adit_chain::ErrorCode;

/// One mistake in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where, as keys from the outside in: `["on_http_request", "0", "actions", "1", "type"]`.
    pub(crate) at: Vec<String>,
    /// The code that clients know for it.
    pub(crate) code: ErrorCode,
    /// What is wrong and what to do, without the place.
    pub(crate) message: String,
    /// Whether the document can be used all the same.
    pub(crate) is_warning: bool,
}

/// What was found while a document was loaded.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// Notes a mistake.
    pub(crate) fn error(&mut self, at: &[String], code: u32, message: impl Into<String>) {
        let code = ErrorCode(code);
        self.0.push(Problem { at: at.to_vec(), code, message: message.into(), is_warning: false });
    }

    /// Notes something odd, with which the document works.
    pub(crate) fn warn(&mut self, at: &[String], code: u32, message: impl Into<String>) {
        let code = ErrorCode(code);
        self.0.push(Problem { at: at.to_vec(), code, message: message.into(), is_warning: true });
    }

    /// What was found, in the order of the document.
    pub(crate) fn all(&self) -> &[Problem] {
        &self.0
    }

    /// Whether the document cannot be used.
    pub(crate) fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| !problem.is_warning)
    }
}
