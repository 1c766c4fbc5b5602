//! Rules and their expressions.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::{
    cx::Loading,
    keys,
    step::{self, Step},
};
use crate::{expr::Expr, phase::Phase, problem::code};

/// How many actions, and how many expressions, a rule may have.
///
/// Reason: the language has such a limit and does not tell it; people write a handful.
const MAX_ENTRIES: usize = 100;

/// A rule, ready to run.
pub(crate) struct Rule {
    /// Where it stands in its phase, from 0.
    pub(crate) index: usize,
    /// What its author calls it.
    pub(crate) name: Option<String>,
    /// It matches if all of them are true.
    pub(crate) expressions: Vec<Condition>,
    /// What it does then, in order.
    pub(crate) actions: Vec<Step>,
}

/// One expression of a rule.
pub(crate) struct Condition {
    /// As it was written, for the log.
    pub(crate) source: String,
    /// Compiled.
    pub(crate) expr: Expr,
}

/// Reads the rules of a phase. `None` if something is wrong with any of them.
pub(super) fn read_all(
    rules: &[Json],
    phase: Phase,
    at: &[String],
    loading: &mut Loading<'_>,
) -> Option<Vec<Rule>> {
    // Each is read even after a mistake, so that all of them are told.
    let read: Vec<_> = rules
        .iter()
        .enumerate()
        .map(|(index, rule)| {
            let at = keys::below(at, &[&index.to_string()]);
            read_rule(rule, index, phase, &at, loading)
        })
        .collect();
    read.into_iter().collect()
}

fn read_rule(
    rule: &Json,
    index: usize,
    phase: Phase,
    at: &[String],
    loading: &mut Loading<'_>,
) -> Option<Rule> {
    let Json::Object(map) = rule else {
        let message = "a rule is an object with expressions and actions";
        loading.problems.error(at, code::SHAPE, message);
        return None;
    };
    for key in keys::unknown(map, &["name", "expressions", "actions"]) {
        let message = "is not part of a rule, and does nothing";
        loading.problems.warn(&keys::below(at, &[key]), code::SHAPE, message);
    }
    let name = keys::find(map, "name").and_then(|(key, value)| {
        let text = text(value).map(Cow::into_owned);
        if text.is_none() {
            loading.problems.error(&keys::below(at, &[key]), code::SHAPE, "must be a text");
        }
        text.filter(|name| !name.is_empty())
    });
    let expressions = match keys::find(map, "expressions") {
        None => Some(Vec::new()),
        Some((key, list)) => read_expressions(list, phase, &keys::below(at, &[key]), loading),
    };
    let actions = match keys::find(map, "actions") {
        Some((key, list)) if !is_empty(list) => {
            step::read_all(list, phase, &keys::below(at, &[key]), loading)
        }
        _ => {
            loading.problems.error(at, code::NO_ACTIONS, "the rule has no actions");
            None
        }
    };
    Some(Rule { index, name, expressions: expressions?, actions: actions? })
}

fn read_expressions(
    list: &Json,
    phase: Phase,
    at: &[String],
    loading: &mut Loading<'_>,
) -> Option<Vec<Condition>> {
    let list = entries(list, "expressions", at, loading)?;
    let mut read = Vec::with_capacity(list.len());
    for (i, value) in list.iter().enumerate() {
        let at = keys::below(at, &[&i.to_string()]);
        let Some(source) = text(value) else {
            let message = "an expression is a text; quote it if it holds # or : or starts with {, \
                           [ or !";
            loading.problems.error(&at, code::SHAPE, message);
            read.push(None);
            continue;
        };
        let condition = match Expr::compile(&source, phase) {
            Ok(expr) if expr.is_surely_not_bool() => {
                let message = "is never true or false, so that the rule could never match";
                loading.problems.error(&at, code::EXPRESSION, message);
                None
            }
            Ok(expr) => Some(Condition { source: source.into_owned(), expr }),
            Err(error) => {
                loading.problems.error(&at, code::EXPRESSION, error.to_string());
                None
            }
        };
        read.push(condition);
    }
    read.into_iter().collect()
}

/// The entries of a list in a rule.
pub(super) fn entries<'a>(
    list: &'a Json,
    what: &str,
    at: &[String],
    loading: &mut Loading<'_>,
) -> Option<&'a [Json]> {
    let Json::Array(list) = list else {
        loading.problems.error(at, code::SHAPE, format!("write a list of {what}"));
        return None;
    };
    if list.len() > MAX_ENTRIES {
        let message = format!("a rule has at most {MAX_ENTRIES} {what}");
        loading.problems.error(at, code::N_RULE_ENTRIES, message);
        return None;
    }
    Some(list)
}

fn is_empty(list: &Json) -> bool {
    list.as_array().is_some_and(Vec::is_empty)
}

/// Text, number or boolean, as it was written.
fn text(value: &Json) -> Option<Cow<'_, str>> {
    match value {
        Json::String(text) => Some(text.into()),
        Json::Number(number) => Some(number.to_string().into()),
        Json::Bool(value) => Some(value.to_string().into()),
        _ => None,
    }
}
