//! `set-vars`: gives values names, which the rest of the phase reads as `vars.name`.

use adit_chain::BoxFuture;
use serde_json::{Map, Value as Json};

use super::{Action, BuildCx, Done, Failure, Kind};
use crate::{
    fields::{Depth, Fields, Tree},
    phase::Phase,
    problem::code,
    scope::Scope,
    value,
};

pub(super) const KIND: Kind = Kind {
    name: "set-vars",
    namespace: "set_vars",
    phases: &[
        Phase::TcpConnect,
        Phase::HttpRequest,
        Phase::HttpResponse,
        Phase::EventStreamMessage,
    ],
    is_terminating: false,
    build,
};

/// How deep values may be nested.
///
/// Reason: the language has such a limit and does not tell it; this is deeper than people write.
const MAX_DEPTH: Depth = Depth { most: 10, code: code::VARS_DEPTH };

/// How many variables one action may set.
///
/// Reason: as many as a rule may have actions.
const MAX_VARS: usize = 100;

/// How large all variables of a phase may be together, in bytes of their JSON.
///
/// Reason: as large as one value may become while it is evaluated.
const MAX_TOTAL_LEN: usize = 1024 * 1024;

/// The variables are too large.
const TOO_LARGE: u32 = 2249;

fn build(fields: &mut Fields<'_>, _: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let vars = fields.required("vars", |fields, name| match fields.raw(name)? {
        Json::Object(map) => {
            let message = "should be a list of objects with one key each, which keeps their order";
            fields.warn(name, code::VARS_SHAPE, message);
            let read: Vec<_> = in_order(map)
                .into_iter()
                .map(|(key, json)| Some((key.clone(), fields.tree(&[name, key], json, MAX_DEPTH)?)))
                .collect();
            read.into_iter().collect()
        }
        Json::Array(_) => fields.each(name, 1..=MAX_VARS, |fields, path, entry| {
            let only = entry.as_object().filter(|map| map.len() == 1);
            let Some((key, json)) = only.and_then(|map| map.iter().next()) else {
                let message = "must be an object with one key, the variable's name";
                fields.error_in(path, code::VARS_SHAPE, message);
                return None;
            };
            Some((key.clone(), fields.tree(&[path, &[key.as_str()]].concat(), json, MAX_DEPTH)?))
        }),
        _ => {
            let message = "must be a list of objects with one key each";
            fields.error(name, code::VARS_SHAPE, message);
            None
        }
    })?;
    Some(Box::new(SetVars { vars }))
}

/// The entries of one object, whose order was lost: each after those that it mentions.
fn in_order(map: &Map<String, Json>) -> Vec<(&String, &Json)> {
    let texts: Vec<String> = map.values().map(Json::to_string).collect();
    let mut waiting: Vec<_> = map.iter().zip(&texts).collect();
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let mentions = |text: &str, name: &str| {
            [format!("vars.{name}"), format!("vars['{name}']")].iter().any(|use_| {
                text.match_indices(use_.as_str()).any(|(at, _)| {
                    let next = text[at + use_.len()..].chars().next();
                    !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
                })
            })
        };
        let is_free = |(i, (_, text)): &(usize, &((&String, &Json), &String))| {
            let mut others = waiting.iter().enumerate().filter(|(j, _)| j != i);
            !others.any(|(_, ((name, _), _))| mentions(text, name))
        };
        // Two that mention each other stay as they are: the first one will fail, and say so.
        let next = waiting.iter().enumerate().find(is_free).map_or(0, |(i, _)| i);
        ordered.push(waiting.remove(next).0);
    }
    ordered
}

#[derive(Debug)]
struct SetVars {
    vars: Vec<(String, Tree)>,
}

impl SetVars {
    fn set(&self, scope: &mut Scope) -> Result<Done, Failure> {
        for (name, tree) in &self.vars {
            let value = tree.value(scope, Err)?;
            scope.set_var(name, value);
        }
        let sizes = scope.vars.iter().map(|(name, value)| name.len() + len(value));
        if sizes.sum::<usize>() > MAX_TOTAL_LEN {
            let reason = format!("the variables take more than {MAX_TOTAL_LEN} bytes");
            return Err(Failure::new(TOO_LARGE, reason));
        }
        Ok(Done::Next)
    }
}

/// About how large a value is.
fn len(value: &cel::Value) -> usize {
    match value {
        cel::Value::String(text) => text.len(),
        cel::Value::Bytes(bytes) => bytes.len(),
        cel::Value::List(_) | cel::Value::Map(_) => value::to_json(value).to_string().len(),
        _ => size_of::<u64>(),
    }
}

impl Action for SetVars {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        Box::pin(std::future::ready(self.set(scope)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{get, policy, refused, request_action};

    #[tokio::test]
    async fn later_variables_see_earlier_ones_and_a_lone_expression_keeps_its_type() {
        let rig = request_action(
            "set-vars",
            json!({"vars": [
                {"n": "${1 + 1}"},
                {"text": "${vars.n} and ${vars['n']}"},
                {"literal": "1 + 1"},
                {"deep": {"list": ["${vars.n}", true, 1.5]}},
                {"n": "${vars.n + 1}"},
            ]}),
        );
        assert!(rig.request(get("/")).await.is_forwarded());
        let vars = json!({
            "n": 3, "text": "2 and 2", "literal": "1 + 1", "deep": {"list": [2, true, 1.5]},
        });
        assert_eq!(rig.vars(Phase::HttpRequest), vars);
    }

    #[tokio::test]
    async fn variables_end_with_their_phase_and_results_do_not() {
        let set = json!({"type": "set-vars", "config": {"vars": [{"a": "1"}]}});
        let add = |headers| json!({"type": "add-headers", "config": {"headers": headers}});
        let rig = policy(json!({
            "on_http_request": [{"actions": [set, add(json!({"x-a": "${vars.a}"}))]}],
            "on_http_response": [
                {"expressions": ["has(vars.a)"], "actions": [add(json!({"x-vars": "1"}))]},
                {"actions": [add(json!({"x-b": "${actions.ngrok.add_headers.headers_added['x-a']}"}))]},
            ],
        }));
        let answer = rig.round(get("/"), crate::testing::response(200, &[], "")).await;
        assert!(!answer.headers().contains_key("x-vars"));
        assert_eq!(answer.headers()["x-b"], "1");
    }

    #[tokio::test]
    async fn one_object_is_taken_with_a_warning_in_the_order_that_works() {
        let config = json!({"vars": {"a": "${vars.b}!", "b": "${vars.c_1}?", "c": "c", "c_1": "${vars['c']}"}});
        assert_eq!(refused("set-vars", config.clone()), ["warning vars: 2252"]);
        let rig = request_action("set-vars", config);
        assert!(rig.request(get("/")).await.is_forwarded());
        let vars = json!({"a": "c?!", "b": "c?", "c": "c", "c_1": "c"});
        assert_eq!(rig.vars(Phase::HttpRequest), vars);
    }

    #[tokio::test]
    async fn variables_that_grow_without_end_fail_the_request() {
        let mut vars = vec![json!({"a": "x".repeat(4096)})];
        vars.extend((0..9).map(|_| json!({"a": "${vars.a}${vars.a}"})));
        let rig = request_action("set-vars", json!({"vars": vars}));
        assert_eq!(rig.request(get("/")).await.refused(), (500, Some(2249)));
    }

    #[test]
    fn mistakes_have_their_codes() {
        let code = |vars| refused("set-vars", json!({"vars": vars}));
        assert_eq!(refused("set-vars", json!({})), ["vars: 2223"]);
        assert_eq!(code(json!([])), ["vars: 2223"]);
        assert_eq!(code(json!("a")), ["vars: 2252"]);
        assert_eq!(code(json!(["a"])), ["vars.0: 2252"]);
        assert_eq!(code(json!([{"a": 1, "b": 2}])), ["vars.0: 2252"]);
        assert_eq!(code(json!([{"a": "${nope}"}])), ["vars.0.a: 2224"]);
        let deep = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
        assert!(code(json!([{"a": deep(10)}])).is_empty());
        assert!(code(json!([{"a": deep(11)}]))[0].ends_with(": 2250"));
    }
}
