//! Expressions, and texts with expressions in them.

use cel::Value;

use crate::{phase::Phase, scope::Scope};

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Expr;

/// A text that may hold `${…}`.
#[derive(Debug)]
pub(crate) struct Template;

/// What is wrong with an expression, or went wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ExprError(pub(crate) String);

impl Expr {
    /// Compiles an expression and checks every name in it against what its phase knows.
    pub(crate) fn compile(source: &str, phase: Phase) -> Result<Self, ExprError> {
        let _ = (source, phase);
        todo!("owner: expr")
    }

    /// Evaluates it.
    pub(crate) fn eval(&self, scope: &Scope) -> Result<Value, ExprError> {
        let _ = scope;
        todo!("owner: expr")
    }
}

impl Template {
    /// Compiles a text. One without `${` is a literal.
    pub(crate) fn compile(source: &str, phase: Phase) -> Result<Self, ExprError> {
        let _ = (source, phase);
        todo!("owner: expr")
    }

    /// The text, if no expression is in it.
    pub(crate) fn literal(&self) -> Option<&str> {
        todo!("owner: expr")
    }

    /// The text with its expressions' values in it.
    pub(crate) fn text(&self, scope: &Scope) -> Result<String, ExprError> {
        let _ = scope;
        todo!("owner: expr")
    }

    /// As [`text`](Self::text), but the value itself where the whole text is one expression.
    pub(crate) fn value(&self, scope: &Scope) -> Result<Value, ExprError> {
        let _ = scope;
        todo!("owner: expr")
    }
}
