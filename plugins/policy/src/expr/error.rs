//! What is wrong with an expression, or went wrong with it.

/// What is wrong with an expression, or went wrong with it. Its text never holds values of a
/// request, so that it can be shown and logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ExprError {
    pub(crate) kind: ExprErrorKind,
    pub(crate) message: String,
}

/// What a mistake of an expression counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExprErrorKind {
    /// It does not compile.
    Compile,
    /// Its evaluation failed.
    Expression,
    /// The evaluation of one inside a text failed.
    Interpolation,
    /// It took too many steps or made too large a value.
    Limit,
}

impl ExprErrorKind {
    /// The code that clients know for it.
    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::Compile => 2200,
            Self::Expression => 2254,
            Self::Interpolation => 2238,
            Self::Limit => 2249,
        }
    }
}

impl ExprError {
    /// It does not compile.
    pub(crate) fn compile(message: impl Into<String>) -> Self {
        Self { kind: ExprErrorKind::Compile, message: message.into() }
    }

    /// Its evaluation failed.
    pub(crate) fn eval(message: impl Into<String>) -> Self {
        Self { kind: ExprErrorKind::Expression, message: message.into() }
    }

    /// The code that clients know for it.
    pub(crate) const fn code(&self) -> u32 {
        self.kind.code()
    }
}
