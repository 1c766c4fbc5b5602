//! Whether a request is sent once more.

use cel::Value;

use super::exchange::Record;
use crate::{
    expr::{Expr, Field, Type},
    fields::Fields,
    phase::Phase,
    problem::code,
    scope::Scope,
};

/// How often a request is sent once more.
///
/// Fact: the documented limit.
const MAX_RETRIES: usize = 3;

/// What the condition knows beside what every expression knows.
const NAMES: &[Field] = &[
    // How many attempts there were.
    Field::new("attempts", Type::Int),
    Field::new(
        "last_attempt",
        Type::Object(&[
            Field::new("req", Type::Any),
            Field::new("res", Type::Any),
            Field::new("error", Type::Any),
        ]),
    ),
];

/// Decides after each attempt that failed, or was answered with 4xx or 5xx.
#[derive(Debug)]
pub(super) struct RetryCondition(Expr);

impl RetryCondition {
    /// Reads `retry_condition`.
    pub(super) fn read(fields: &mut Fields<'_>, phase: Phase) -> Option<Self> {
        let source = fields.string("retry_condition")?;
        let wrong = match Expr::compile_with(&source, phase, NAMES) {
            Ok(expr) if !expr.is_surely_not_bool() => return Some(Self(expr)),
            Ok(_) => "is never true or false".to_owned(),
            Err(error) => error.to_string(),
        };
        fields.error("retry_condition", code::EXPRESSION, wrong);
        None
    }

    /// Whether to try again. A condition that fails is not met.
    pub(super) fn is_met(&self, scope: &Scope, record: &Record) -> bool {
        let n_attempts = record.n_attempts();
        if n_attempts > MAX_RETRIES {
            return false;
        }
        let n_attempts = i64::try_from(n_attempts).unwrap_or(i64::MAX);
        let names =
            [("attempts", Value::Int(n_attempts)), ("last_attempt", record.last_to_value())];
        match self.0.eval_with(scope, names) {
            Ok(value) => matches!(value, Value::Bool(true)),
            Err(error) => {
                tracing::info!(obj = "policy", id = %scope.id, err = %error, "retry_condition failed");
                false
            }
        }
    }
}
