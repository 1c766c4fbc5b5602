//! Regular expressions that may hold `${…}`.

use std::sync::Arc;

use regex::Regex;

use crate::{
    expr::{ExprError, Template, regexes},
    scope::Scope,
};

/// A regular expression. One without `${…}` is compiled when the document is loaded, others each
/// time they are needed.
#[derive(Debug)]
pub(crate) enum Pattern {
    /// Compiled.
    Fixed(Arc<Regex>),
    /// To be compiled once its expressions have values.
    Made(Template),
}

/// A regular expression could not be had.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum PatternError {
    /// An expression in it failed.
    #[error(transparent)]
    Expr(#[from] ExprError),
    /// What came out is none.
    #[error("not a regular expression: {0}")]
    Regex(String),
}

impl Pattern {
    /// Compiles it as far as it is known.
    pub(crate) fn new(template: Template) -> Result<Self, String> {
        match template.literal() {
            Some(text) => regexes::compile(text).map(|regex| Self::Fixed(Arc::new(regex))),
            None => Ok(Self::Made(template)),
        }
    }

    /// The expression as it is now.
    pub(crate) fn regex(&self, scope: &Scope) -> Result<Arc<Regex>, PatternError> {
        match self {
            Self::Fixed(regex) => Ok(Arc::clone(regex)),
            Self::Made(template) => {
                regexes::cached(&template.text(scope)?).map_err(PatternError::Regex)
            }
        }
    }
}
