//! The rules of a traffic policy, for people and for programs: when they hold, and what they do.
//! Not what with: the options of an action may hold secrets.

use std::fmt::Write;

use adit_agent::ExplainedPolicy;
use serde_json::{Value, json};

/// A rule of a document, as far as it is one.
struct Rule<'a> {
    name: Option<&'a str>,
    expressions: Vec<&'a str>,
    actions: Vec<&'a str>,
}

/// Phases of a document with rules in them, in the order of the path.
fn phases(document: &Value) -> Vec<(&str, Vec<Rule<'_>>)> {
    const ORDER: &[&str] = &[
        "on_tcp_connect",
        "inbound",
        "on_http_request",
        "outbound",
        "on_http_response",
        "on_event_stream_message",
    ];
    let rules = |phase: &&'static str| {
        let rules: Vec<_> = document[*phase].as_array()?.iter().map(rule).collect();
        (!rules.is_empty()).then_some((*phase, rules))
    };
    ORDER.iter().filter_map(rules).collect()
}

fn rule(rule: &Value) -> Rule<'_> {
    let list = |key: &str| rule[key].as_array().into_iter().flatten();
    Rule {
        name: rule["name"].as_str(),
        expressions: list("expressions").filter_map(Value::as_str).collect(),
        actions: list("actions").filter_map(|action| action["type"].as_str()).collect(),
    }
}

/// Where it runs, why, and its rules: the first line, and those below it.
pub(super) fn lines(policy: &ExplainedPolicy) -> Vec<String> {
    let enforced = &policy.enforced;
    let mut lines =
        vec![format!("at the {}, because {}  ({})", enforced.at, enforced.because, enforced.place)];
    if policy.document["enabled"] == false {
        lines.push("switched off: no rule runs".to_owned());
    }
    for (phase, rules) in phases(&policy.document) {
        lines.push(phase.to_owned());
        for (i, rule) in rules.iter().enumerate() {
            let mut line = format!("  {}. ", i + 1);
            if let Some(name) = rule.name {
                let _ = write!(line, "{name}: ");
            }
            line.push_str(&rule.actions.join(", "));
            if !rule.expressions.is_empty() {
                let when = rule.expressions.iter().map(|e| e.trim().replace('\n', " "));
                let _ = write!(line, "  when {}", when.collect::<Vec<_>>().join(" and "));
            }
            lines.push(line);
        }
    }
    lines
}

/// The same, for programs.
pub(super) fn json(policy: &ExplainedPolicy) -> Value {
    let rule = |rule: &Rule<'_>| json!({ "name": rule.name, "expressions": rule.expressions, "actions": rule.actions });
    let phases = phases(&policy.document)
        .into_iter()
        .map(|(phase, rules)| (phase.to_owned(), rules.iter().map(rule).collect::<Value>()));
    json!({
        "enforced_at": policy.enforced.at.as_str(),
        "because": policy.enforced.because,
        "place": policy.enforced.place.to_string(),
        "phases": phases.collect::<serde_json::Map<_, _>>(),
    })
}
