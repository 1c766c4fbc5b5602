//! Regular expressions that may hold `${…}`.

use regex::{Regex, RegexBuilder};

use crate::{
    expr::{ExprError, Template},
    scope::Scope,
};

/// How much memory a compiled expression may take, in bytes.
///
/// Reason: visitors may have a say in what is spliced in; ordinary patterns take some KiB.
const MAX_COMPILED_LEN: usize = 1024 * 1024;

/// A regular expression. One without `${…}` is compiled when the document is loaded, others each
/// time they are needed.
#[derive(Debug)]
pub(crate) enum Pattern {
    /// Compiled.
    Fixed(Regex),
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
    Regex(#[from] regex::Error),
}

impl Pattern {
    /// Compiles it as far as it is known.
    pub(crate) fn new(template: Template) -> Result<Self, regex::Error> {
        match template.literal() {
            Some(text) => compile(text).map(Self::Fixed),
            None => Ok(Self::Made(template)),
        }
    }

    /// The expression as it is now.
    pub(crate) fn regex(&self, scope: &Scope) -> Result<Regex, PatternError> {
        match self {
            // A handle: cloning it copies no program.
            Self::Fixed(regex) => Ok(regex.clone()),
            Self::Made(template) => Ok(compile(&template.text(scope)?)?),
        }
    }
}

fn compile(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).size_limit(MAX_COMPILED_LEN).build()
}
