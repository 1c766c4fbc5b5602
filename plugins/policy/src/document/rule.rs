//! Rules and their actions.

use std::borrow::Cow;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Map, Value as Json};

use super::{cx::Loading, keys};
use crate::{
    action::{self, Action, BuildCx, Kind},
    expr::Expr,
    fields::Fields,
    phase::Phase,
    problem::code,
};

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

/// One action of a rule.
pub(crate) struct Step {
    /// Its type.
    pub(crate) kind: &'static Kind,
    /// Itself.
    pub(crate) action: Box<dyn Action>,
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
        text
    });
    let expressions = match keys::find(map, "expressions") {
        None => Some(Vec::new()),
        Some((key, list)) => read_expressions(list, phase, &keys::below(at, &[key]), loading),
    };
    let actions = match keys::find(map, "actions") {
        Some((key, list)) if !is_empty(list) => {
            read_actions(list, phase, &keys::below(at, &[key]), loading)
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

fn read_actions(
    list: &Json,
    phase: Phase,
    at: &[String],
    loading: &mut Loading<'_>,
) -> Option<Vec<Step>> {
    let list = entries(list, "actions", at, loading)?;
    let mut has_ended = false;
    let mut read = Vec::with_capacity(list.len());
    for (i, value) in list.iter().enumerate() {
        let at = keys::below(at, &[&i.to_string()]);
        if has_ended {
            let message = "never runs: an action before it in this rule always ends the phase";
            loading.problems.warn(&at, code::AFTER_THE_END, message);
        }
        let step = read_action(value, phase, &at, loading);
        has_ended |= step.as_ref().is_some_and(|(_, ends)| *ends);
        read.push(step.map(|(step, _)| step));
    }
    read.into_iter().collect()
}

/// An action, and whether nothing can come after it.
fn read_action(
    value: &Json,
    phase: Phase,
    at: &[String],
    loading: &mut Loading<'_>,
) -> Option<(Step, bool)> {
    let Json::Object(map) = value else {
        let message = "an action is an object with type and config";
        loading.problems.error(at, code::SHAPE, message);
        return None;
    };
    for key in keys::unknown(map, &["type", "config"]) {
        let message = "is not part of an action, and does nothing; its fields go into config";
        loading.problems.warn(&keys::below(at, &[key]), code::SHAPE, message);
    }
    let kind = find_kind(map, phase, at, loading);
    let (config_at, config) = match keys::find(map, "config") {
        None => (keys::below(at, &["config"]), Cow::Owned(Map::new())),
        Some((key, value)) => {
            let config_at = keys::below(at, &[key]);
            let Some(config) = config(value) else {
                let message = "must be an object with the action's fields";
                loading.problems.error(&config_at, code::FIELD_TYPE, message);
                return None;
            };
            (config_at, config)
        }
    };
    let kind = kind?;
    loading.met(kind.name, at);
    let cx = BuildCx { phase, chain: loading.chain, services: loading.services };
    let mut fields = Fields::new(config_at, phase, &config, loading.problems);
    let action = (kind.build)(&mut fields, &cx);
    fields.finish();
    let goes_on = config.get("on_error").is_some_and(|choice| choice == "continue");
    Some((Step { kind, action: action? }, kind.is_terminating && !goes_on))
}

fn find_kind(
    map: &Map<String, Json>,
    phase: Phase,
    at: &[String],
    loading: &mut Loading<'_>,
) -> Option<&'static Kind> {
    let (key, name) = keys::find(map, "type").map_or(("type", None), |(k, v)| (k, v.as_str()));
    let at = keys::below(at, &[key]);
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        loading.problems.error(&at, code::ACTION_TYPE, "the action has no type");
        return None;
    };
    let Some(kind) = action::kind(name) else {
        let message = match name {
            "ai-gateway" | "owasp-crs-request" | "owasp-crs-response" | "saml" => {
                format!("{name} is not supported here")
            }
            _ => {
                let known: Vec<_> = action::kinds().iter().map(|kind| kind.name).collect();
                format!("there is no action {name:?}; there are {}", known.join(", "))
            }
        };
        loading.problems.error(&at, code::ACTION_TYPE, message);
        return None;
    };
    if !kind.phases.contains(&phase) {
        let phases: Vec<_> = kind.phases.iter().map(|phase| phase.key()).collect();
        let message =
            format!("{} does not belong into {phase}; it runs in {}", kind.name, phases.join(", "));
        loading.problems.error(&at, code::ACTION_IN_PHASE, message);
        return None;
    }
    Some(kind)
}

/// The fields of an action. Programs write them as base64 of their JSON.
fn config(value: &Json) -> Option<Cow<'_, Map<String, Json>>> {
    match value {
        Json::Object(map) => Some(Cow::Borrowed(map)),
        Json::String(text) if text.is_empty() => Some(Cow::Owned(Map::new())),
        Json::String(text) => {
            let json = BASE64_STANDARD.decode(text).ok()?;
            match serde_json::from_slice(&json).ok()? {
                Json::Object(map) => Some(Cow::Owned(map)),
                Json::Null => Some(Cow::Owned(Map::new())),
                _ => None,
            }
        }
        _ => None,
    }
}

fn entries<'a>(
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
