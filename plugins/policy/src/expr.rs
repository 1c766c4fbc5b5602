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

mod check;
mod convert;
mod error;
mod functions;
mod library;
mod limits;
mod parse;
pub(crate) mod regexes;
mod suggest;
mod template;
mod ty;

use std::{fmt, sync::Arc};

use cel::{Context, Value};

use self::{
    check::{Checked, check},
    library::ENGINE,
};
pub(crate) use self::{
    error::ExprError,
    suggest::closest,
    template::Template,
    ty::{Field, Root, Type},
};
use crate::{facts, phase::Phase, scope::Scope};

/// A compiled expression.
pub(crate) struct Expr {
    source: String,
    checked: Checked,
}

impl Expr {
    /// Compiles an expression and checks every name in it against what its phase knows.
    pub(crate) fn compile(source: &str, phase: Phase) -> Result<Self, ExprError> {
        Self::compile_with(source, phase, &[])
    }

    /// As [`compile`](Self::compile), with further names, which are given to
    /// [`eval_with`](Self::eval_with).
    pub(crate) fn compile_with(
        source: &str,
        phase: Phase,
        further: &'static [Field],
    ) -> Result<Self, ExprError> {
        let checked = parse::parse(source, |ast, positions| check(ast, positions, phase, further))?;
        Ok(Self { source: source.to_owned(), checked })
    }

    /// The expression as it was written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Whether its value cannot be a boolean, so that a rule could never match.
    pub(crate) fn is_surely_not_bool(&self) -> bool {
        self.checked.ty.is_surely_not_bool()
    }

    /// Evaluates it.
    pub(crate) fn eval(&self, scope: &Scope) -> Result<Value, ExprError> {
        self.eval_with(scope, [])
    }

    /// Evaluates it with values for the further names.
    pub(crate) fn eval_with(
        &self,
        scope: &Scope,
        further: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<Value, ExprError> {
        let Checked { ast, roots, patterns, .. } = &self.checked;
        let mut context = Context::with_env(Arc::clone(&ENGINE));
        facts::bind(&mut context, scope, roots);
        for (name, value) in further {
            context.add_variable_from_value(name, value);
        }
        for (name, pattern) in patterns {
            context.add_variable_as_val(name.as_str(), Box::new(pattern.clone()));
        }
        let result = limits::metered(|| {
            Value::resolve_val(ast, &context).and_then(|val| convert::to_value(val.as_ref()))
        });
        result.map_err(ExprError::limit)?.map_err(ExprError::execution)
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expr").field(&self.source).finish()
    }
}

#[cfg(test)]
mod tests;
