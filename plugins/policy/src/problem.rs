//! What is wrong with a document: all of it at once.

use adit_chain::{BuildError, ErrorCode};

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
        self.push(at, code, message.into(), false);
    }

    /// Notes something odd, with which the document works.
    pub(crate) fn warn(&mut self, at: &[String], code: u32, message: impl Into<String>) {
        self.push(at, code, message.into(), true);
    }

    fn push(&mut self, at: &[String], code: u32, message: String, is_warning: bool) {
        self.0.push(Problem { at: at.to_vec(), code: ErrorCode(code), message, is_warning });
    }

    /// What was found, in the order of the document.
    #[cfg(test)]
    pub(crate) fn all(&self) -> &[Problem] {
        &self.0
    }

    /// Whether the document cannot be used.
    pub(crate) fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| !problem.is_warning)
    }

    /// Tells the log what is odd with the policy of an endpoint.
    pub(crate) fn log_warnings(&self, endpoint: &str) {
        for problem in self.0.iter().filter(|problem| problem.is_warning) {
            let Problem { at, code, message, .. } = problem;
            let place = at.join(".");
            tracing::warn!(obj = "policy", endpoint, place, %code, "{message}");
        }
    }

    /// The mistakes as one error, which holds the first and brings the others along; `None` if
    /// the document can be used.
    pub(crate) fn into_error(self) -> Option<BuildError> {
        let mistakes = self.0.into_iter().filter(|problem| !problem.is_warning);
        let mut errors = mistakes.map(|Problem { at, code, message, .. }| {
            BuildError::new(message).at(at).with_code(code)
        });
        let first = errors.next()?;
        Some(first.and(errors))
    }
}

/// The codes that clients know for mistakes in a document.
pub(crate) mod code {
    /// An expression does not compile.
    pub(crate) const EXPRESSION: u32 = 2200;
    /// There is no such type of action.
    pub(crate) const ACTION_TYPE: u32 = 2201;
    /// The action does not belong into this phase.
    pub(crate) const ACTION_IN_PHASE: u32 = 2202;
    /// A field is of the wrong type.
    pub(crate) const FIELD_TYPE: u32 = 2203;
    /// A field has an unacceptable value.
    pub(crate) const FIELD_VALUE: u32 = 2204;
    /// The action does not work on endpoints of this protocol.
    pub(crate) const ACTION_ON_PROTOCOL: u32 = 2205;
    /// A rule does nothing.
    pub(crate) const NO_ACTIONS: u32 = 2206;
    /// An action can never run.
    pub(crate) const AFTER_THE_END: u32 = 2207;
    /// The name of a header is too long.
    pub(crate) const HEADER_NAME_LEN: u32 = 2208;
    /// The value of a header is too long.
    pub(crate) const HEADER_VALUE_LEN: u32 = 2209;
    /// The name of a header holds characters that cannot be in one.
    pub(crate) const HEADER_NAME: u32 = 2210;
    /// The value of a header holds characters that cannot be in one.
    pub(crate) const HEADER_VALUE: u32 = 2211;
    /// Too many headers.
    pub(crate) const N_HEADERS: u32 = 2212;
    /// An expression in the value of an added header does not compile.
    pub(crate) const HEADER_TEMPLATE: u32 = 2213;
    /// A number is outside of its range.
    pub(crate) const RANGE: u32 = 2215;
    /// A list has too many entries.
    pub(crate) const N_ENTRIES: u32 = 2218;
    /// A field that is not for users to set.
    pub(crate) const NOT_FOR_USERS: u32 = 2219;
    /// A text is too long.
    pub(crate) const TOO_LONG: u32 = 2221;
    /// A value is none of the allowed ones.
    pub(crate) const CHOICE: u32 = 2222;
    /// A required field is missing or empty.
    pub(crate) const MISSING: u32 = 2223;
    /// An expression in a text does not compile.
    pub(crate) const TEMPLATE: u32 = 2224;
    /// A duration is outside of its limits.
    pub(crate) const DURATION: u32 = 2225;
    /// A field cannot be read, for the reason that is told.
    pub(crate) const UNREADABLE: u32 = 2228;
    /// The phase does not belong to endpoints of this protocol.
    pub(crate) const PHASE: u32 = 2230;
    /// A list has a value twice.
    pub(crate) const DUPLICATE: u32 = 2231;
    /// The document has the wrong shape.
    pub(crate) const SHAPE: u32 = 2236;
    /// A text is too short.
    pub(crate) const TOO_SHORT: u32 = 2237;
    /// A second action that signs visitors in.
    pub(crate) const SECOND_LOGIN: u32 = 2239;
    /// Variables are nested too deeply.
    pub(crate) const VARS_DEPTH: u32 = 2250;
    /// Variables have the wrong shape.
    pub(crate) const VARS_SHAPE: u32 = 2252;
    /// A text is not a regular expression.
    pub(crate) const REGEX: u32 = 2261;
    /// No connection is made to an internal endpoint.
    pub(crate) const INTERNAL_CONNECT: u32 = 2262;
    /// Too many rules.
    pub(crate) const N_RULES: u32 = 2264;
    /// Too many entries in a rule.
    pub(crate) const N_RULE_ENTRIES: u32 = 2265;
}
