//! Runs the rules of a phase.
//!
//! Every rule that matches runs, from top to bottom, until an action ends the phase. Expressions
//! and fields are evaluated when they are reached, so each sees what was done before it.

use std::fmt;

use cel::Value;

use crate::{
    action::{Done, Failure},
    document::{Condition, Rule, Step},
    phase::Phase,
    scope::Scope,
};

/// How a phase ended.
pub(crate) enum Ended {
    /// An action ended it.
    Done(Done),
    /// An action broke.
    Failed(Failure),
    /// Nothing ended it.
    FellThrough,
}

/// Code of an evaluation that a limit stopped.
const MEMORY_LIMIT: u32 = 2249;

/// Runs the rules of a phase.
pub(crate) async fn run(rules: &[Rule], scope: &mut Scope) -> Ended {
    for rule in rules {
        let place = Place { phase: scope.phase, rule };
        let matches = match all_true(rule, scope) {
            Ok(matches) => matches,
            Err(failure) => return Ended::Failed(failure),
        };
        if matches {
            scope.note(|| format!("{place}: matched"));
        }
        for step in &rule.actions {
            if !matches && !step.action.reserves(scope) {
                continue;
            }
            match step.action.run(scope).await {
                Ok(done) => {
                    scope.note(|| format!("{place}: {}: {done}", step.kind.name));
                    match done {
                        Done::Next => {}
                        Done::Terminate(mode) => scope.tls = Some(mode),
                        done => return Ended::Done(done),
                    }
                }
                Err(failure) => {
                    tell_failure(&failure, &place, step, scope);
                    return Ended::Failed(failure);
                }
            }
        }
    }
    Ended::FellThrough
}

/// Whether all expressions of a rule are true; the first that is not ends it.
fn all_true(rule: &Rule, scope: &mut Scope) -> Result<bool, Failure> {
    for condition in &rule.expressions {
        if !is_true(condition, rule, scope)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an expression is true. One that fails is not, and neither is one that is no boolean: a
/// header that is missing must not turn every visitor away. But what a limit stopped has no value
/// at all, and a visitor who made it so with a huge header must not get past a rule that denies.
fn is_true(condition: &Condition, rule: &Rule, scope: &mut Scope) -> Result<bool, Failure> {
    let error = match condition.expr.eval(scope) {
        Ok(value) => return Ok(matches!(value, Value::Bool(true))),
        Err(error) => error,
    };
    let (place, code) = (Place { phase: scope.phase, rule }, error.code());
    let (id, expression) = (scope.id, &condition.source);
    scope.note(|| format!("{place}: {}: {error}", condition.source));
    if code == MEMORY_LIMIT {
        tracing::warn!(obj = "policy", %id, rule = %place, expression, code, err = %error, "expression stopped");
        return Err(Failure::new(code, format!("{place}: {error}")));
    }
    tracing::info!(
        obj = "policy",
        %id,
        rule = %place,
        expression,
        code,
        err = %error,
        "expression failed; the rule does not match"
    );
    Ok(false)
}

fn tell_failure(failure: &Failure, place: &Place<'_>, step: &Step, scope: &mut Scope) {
    let Failure { status, code, reason } = failure;
    let action = step.kind.name;
    tracing::warn!(
        obj = "policy",
        id = %scope.id,
        rule = %place,
        action,
        %code,
        err = %reason,
        "action failed"
    );
    scope.note(|| format!("{place}: {action}: failed {} {code}: {reason}", status.as_u16()));
}

/// Which rule, for people: `on_http_request[2] "writes need a token"`.
#[derive(Clone, Copy)]
struct Place<'a> {
    phase: Phase,
    rule: &'a Rule,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.phase, self.rule.index)?;
        match &self.rule.name {
            Some(name) => write!(f, " {name:?}"),
            None => Ok(()),
        }
    }
}
