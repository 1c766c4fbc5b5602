//! The actions of rules.

use std::borrow::Cow;

use adit_chain::Protocol;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Map, Value as Json};

use super::{cx::Loading, keys, rule};
use crate::{
    action::{self, Action, BuildCx, Kind},
    expr::closest,
    fields::Fields,
    phase::Phase,
    problem::code,
};

/// Actions that mean nothing on endpoints of a protocol: without TLS, there is none to end.
const NOT_ON: [(&str, Protocol); 1] = [("terminate-tls", Protocol::Http)];

/// One action of a rule.
pub(crate) struct Step {
    /// Its type.
    pub(crate) kind: &'static Kind,
    /// Itself.
    pub(crate) action: Box<dyn Action>,
}

/// Reads the actions of a rule. `None` if something is wrong with any of them.
pub(super) fn read_all(
    list: &Json,
    phase: Phase,
    at: &[String],
    loading: &mut Loading<'_>,
) -> Option<Vec<Step>> {
    let list = rule::entries(list, "actions", at, loading)?;
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
                let near = closest(name, known.iter().copied());
                let hint = near.map(|near| format!("did you mean {near}?"));
                let hint = hint.unwrap_or_else(|| format!("there are {}", known.join(", ")));
                format!("there is no action {name:?}; {hint}")
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
    let protocol = loading.chain.endpoint.protocol;
    if NOT_ON.contains(&(kind.name, protocol)) {
        let message = format!("{} does not work on {} endpoints", kind.name, protocol.as_str());
        loading.problems.error(&at, code::ACTION_ON_PROTOCOL, message);
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
