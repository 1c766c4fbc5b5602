//! Texts with `${expression}` in them.

mod scan;

use cel::Value;

use self::scan::{Piece, scan};
use super::{Expr, ExprError, limits::MAX_VALUE_SIZE};
use crate::{phase::Phase, scope::Scope, value};

/// A text that may hold `${…}`. What an expression yields goes into the text as it is: it is not
/// looked into for more.
#[derive(Debug)]
pub(crate) struct Template(Form);

#[derive(Debug)]
enum Form {
    Literal(String),
    /// Nothing but one expression.
    Single(Expr),
    Mixed(Vec<Part>),
}

#[derive(Debug)]
enum Part {
    Text(String),
    Expr(Expr),
}

impl Template {
    /// Compiles a text. One without `${` is a literal.
    pub(crate) fn compile(source: &str, phase: Phase) -> Result<Self, ExprError> {
        let mut parts = Vec::new();
        for piece in scan(source)? {
            parts.push(match piece {
                Piece::Text(text) => Part::Text(text.to_owned()),
                Piece::Expr(source) => {
                    let expr = Expr::compile(source, phase);
                    Part::Expr(expr.map_err(|error| error.in_text(source))?)
                }
            });
        }
        Ok(Self(match <[Part; 1]>::try_from(parts) {
            Ok([Part::Text(text)]) => Form::Literal(text),
            Ok([Part::Expr(expr)]) => Form::Single(expr),
            Err(parts) if parts.is_empty() => Form::Literal(String::new()),
            Err(parts) => Form::Mixed(parts),
        }))
    }

    /// The text, if no expression is in it.
    pub(crate) fn literal(&self) -> Option<&str> {
        match &self.0 {
            Form::Literal(text) => Some(text),
            Form::Single(_) | Form::Mixed(_) => None,
        }
    }

    /// The text with its expressions' values in it.
    pub(crate) fn text(&self, scope: &Scope) -> Result<String, ExprError> {
        match &self.0 {
            Form::Literal(text) => Ok(text.clone()),
            Form::Single(expr) => Ok(value::to_text(&eval(expr, scope)?)),
            Form::Mixed(parts) => {
                let mut text = String::new();
                let mut n_made = 0;
                for part in parts {
                    match part {
                        Part::Text(literal) => text.push_str(literal),
                        Part::Expr(expr) => {
                            let made = value::to_text(&eval(expr, scope)?);
                            n_made += made.len();
                            if n_made > MAX_VALUE_SIZE {
                                return Err(ExprError::limit(
                                    "it makes a value of more than 1 MiB",
                                ));
                            }
                            text.push_str(&made);
                        }
                    }
                }
                Ok(text)
            }
        }
    }

    /// As [`text`](Self::text), but the value itself where the whole text is one expression.
    pub(crate) fn value(&self, scope: &Scope) -> Result<Value, ExprError> {
        match &self.0 {
            Form::Single(expr) => eval(expr, scope),
            Form::Literal(_) | Form::Mixed(_) => self.text(scope).map(Value::from),
        }
    }
}

fn eval(expr: &Expr, scope: &Scope) -> Result<Value, ExprError> {
    expr.eval(scope).map_err(|error| error.in_text(expr.source()))
}

#[cfg(test)]
mod tests;
