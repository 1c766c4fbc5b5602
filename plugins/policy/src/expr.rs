//! Expressions, and texts with expressions in them.
//!
//! What this module takes from [`facts`](crate::facts), and nothing else of it:
//!
//! ```text
//! facts::SCHEMA: &[Root]                      // every root, its phases, and the tree below it
//! facts::bind<'v>(&mut cel::Context<'_, 'v>,  // context.add_variable_as_val(root, …)
//!                 scope: &'v Scope,           //   once for each name in `roots`, which are
//!                 roots: &[&'static str])     //   names of SCHEMA; computes nothing yet
//! ```
//!
//! [`Root`], [`Field`] and [`Type`] are ours. `vars` and each namespace below `actions.ngrok` that
//! has no fixed fields are [`Type::Map`] of [`Type::Any`] or [`Type::Any`].
//!
//! Values that `bind` puts in may be any `cel::common::value::Val`, and may borrow from the scope.
//! What is asked of them:
//!
//! - Objects and maps report `MAP_TYPE`, lists `LIST_TYPE`, strings with fields `STRING_TYPE`.
//!   They keep `as_builtin` at `Other`, except strings with fields: those hand out their
//!   `CelString` in `as_builtin` *and* in `into_builtin`, or the engine panics.
//! - Objects and maps are `Indexer` (an absent key is `ExecutionError::NoSuchKey`; in a
//!   [`Type::Multi`] it is the empty list), `Container` (exact: decides `in` and `has()` for
//!   objects, maps and multimaps), `Iterable` over their present keys as `CelString`s, and `Sizer`.
//!   A whole object as the result of an expression is read by its keys, one by one.
//! - Lists are `Indexer`, `Container`, `Iterable` and `Sizer`, or plain `CelList`s.
//! - `equals` and `clone_as_boxed` are cheap: loops clone what they iterate over.
//! - A timestamp or duration without a value is an error when it is read, and not in the container.
//!
//! Functions of requests and responses are rewritten to these facts, so they need
//! `req.headers`, `res.headers`, `req.url.query_params`, `req.cookies`, `res.cookies`.

mod error;
mod ty;

use cel::Value;

pub(crate) use self::{
    error::{ExprError, ExprErrorKind},
    ty::{Field, Root, Type},
};
use crate::{phase::Phase, scope::Scope};

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Expr;

/// A text that may hold `${…}`.
#[derive(Debug)]
pub(crate) struct Template;

impl Expr {
    /// Compiles an expression and checks every name in it against what its phase knows.
    pub(crate) fn compile(source: &str, phase: Phase) -> Result<Self, ExprError> {
        let _ = (source, phase);
        todo!("owner: expr")
    }

    /// Whether its value cannot be a boolean, so that a rule could never match.
    pub(crate) fn is_surely_not_bool(&self) -> bool {
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
