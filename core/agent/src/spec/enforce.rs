//! Where the rules of a traffic policy run.
//!
//! The agent enforces, so that rules hold whoever owns the edge. Some rules need what only the edge
//! has: TLS that ends there, what is known only there, and internal endpoints, which may be other
//! agents'. A policy with one of them goes to the edge as a whole, because its rules build on each
//! other.

use adit_config::{
    Endpoint, HandlerSpec, Place,
    endpoint::Address,
    endpoint_url::Kind,
    file::{Enforce, TerminateAt},
};
use serde_json::Value;

use crate::PlanError;

/// Where the rules of an endpoint's traffic policy run, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enforced {
    /// Where.
    pub at: Enforce,
    /// Why: words that go behind "because".
    pub because: &'static str,
    /// Where the rules are written.
    pub place: Place,
}

impl Enforced {
    /// Decides for the policy of an endpoint.
    ///
    /// # Errors
    /// The configuration asks for what cannot be.
    pub(crate) fn decide(policy: &HandlerSpec, endpoint: &Endpoint) -> Result<Self, PlanError> {
        let (at, because) = match &endpoint.enforce {
            None => by_need(&policy.options, endpoint),
            Some(asked) => {
                if asked.value == Enforce::Edge {
                    possible_at_edge(endpoint).map_err(|why| {
                        let text = format!("endpoint {:?}: enforce: edge: {why}", endpoint.name);
                        PlanError::new(&asked.place, text)
                    })?;
                }
                (asked.value, "enforce says so")
            }
        };
        Ok(Self { at, because, place: policy.place.clone() })
    }
}

fn by_need(document: &Value, endpoint: &Endpoint) -> (Enforce, &'static str) {
    let default = (Enforce::Agent, "it holds there whoever owns the edge");
    if possible_at_edge(endpoint).is_err() {
        return default;
    }
    let has_tls_at_agent = endpoint.tls.at == TerminateAt::Agent;
    let passes = endpoint.tls.at == TerminateAt::Upstream;
    let ends_tls = |action: &Value| {
        let has_pair = action["config"]["server_certificate"].is_string();
        is_kind(action, "terminate-tls") && !has_tls_at_agent && !(passes && has_pair)
    };
    if actions(document).any(ends_tls) {
        return (Enforce::Edge, "TLS of visitors ends at the edge");
    }
    let goes_inside = |action: &Value| {
        let url = action["config"]["url"].as_str().unwrap_or_default();
        is_kind(action, "forward-internal")
            || (is_kind(action, "http-request") && url.contains(".internal"))
    };
    let asks_for = |names: &[&str]| mentions(document, names);
    let because = if actions(document).any(goes_inside) {
        "internal endpoints may be other agents'"
    } else if asks_for(OF_SERVER) || (asks_for(OF_TLS) && !has_tls_at_agent) {
        "it asks for what only the edge knows of a connection"
    } else {
        return default;
    };
    // What asks for a password here must not be passed by there.
    if endpoint.handler_specs(None).is_empty() {
        (Enforce::Edge, because)
    } else {
        (Enforce::Agent, "other handlers of the endpoint come first, and run there")
    }
}

/// Facts of which the side knows where the visitor's connection ends, as expressions name them.
const OF_SERVER: &[&str] = &["conn.server_", "endpoint.id"];
/// Facts of which the side knows where TLS ends.
const OF_TLS: &[&str] = &["conn.tls"];

/// Whether some text of a document has one of these names in it. One that is no expression has no
/// worse effect than that the rules run at the edge.
fn mentions(document: &Value, names: &[&str]) -> bool {
    match document {
        Value::String(text) => names.iter().any(|name| text.contains(name)),
        Value::Array(items) => items.iter().any(|item| mentions(item, names)),
        Value::Object(fields) => fields.values().any(|value| mentions(value, names)),
        _ => false,
    }
}

fn possible_at_edge(endpoint: &Endpoint) -> Result<(), &'static str> {
    if matches!(endpoint.address, Address::Labels(_)) {
        return Err("what the edge routes by labels has rules of its own there");
    }
    if endpoint.kind == Kind::Http && endpoint.tls.at != TerminateAt::Edge {
        return Err("the edge does not see the HTTP of this endpoint, whose TLS ends elsewhere");
    }
    Ok(())
}

fn is_kind(action: &Value, kind: &str) -> bool {
    action["type"] == kind
}

/// Every action of every rule, whatever else the document says.
fn actions(document: &Value) -> impl Iterator<Item = &Value> {
    let phases = document.as_object().into_iter().flat_map(|phases| phases.values());
    let rules = phases.filter_map(Value::as_array).flatten();
    rules.filter_map(|rule| rule["actions"].as_array()).flatten()
}

#[cfg(test)]
mod tests {
    use adit_config::{Layers, file::File};
    use serde_json::json;

    use super::*;

    fn decided(keys: &str, action: Value) -> Result<(Enforce, &'static str), String> {
        let yaml = format!("version: 2\ntunnels:\n  a:\n    addr: 80\n{keys}");
        let files = vec![File::parse("adit.yml", yaml.as_bytes())];
        let config = Layers { files, ..Layers::default() }.resolve().unwrap();
        let document = json!({ "on_http_request": [{ "actions": [action] }] });
        let policy = HandlerSpec::new("traffic-policy", document, Place::of("p.yml"));
        let enforced = Enforced::decide(&policy, config.endpoints.first().unwrap());
        enforced.map(|it| (it.at, it.because)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_agent_enforces_what_it_can() {
        let at = |keys: &str, action| decided(keys, action).unwrap().0;
        let http = "    proto: http\n";
        let deny = || json!({ "type": "deny" });
        let forward = || {
            let config = json!({ "url": "http://x.internal" });
            json!({ "type": "forward-internal", "config": config })
        };
        let ask = |url: &str| json!({ "type": "http-request", "config": { "url": url } });
        let ends = || json!({ "type": "terminate-tls" });
        assert_eq!(at(http, deny()), Enforce::Agent);
        assert_eq!(at(http, ask("https://api.example")), Enforce::Agent);
        assert_eq!(at(http, ask("http://auth.internal/check")), Enforce::Edge);
        assert_eq!(at(http, forward()), Enforce::Edge);
        assert_eq!(at(http, ends()), Enforce::Edge);
        let here = "    proto: tls\n    terminate_at: agent\n";
        assert_eq!(at(here, ends()), Enforce::Agent);
        assert_eq!(at("    proto: tls\n", ends()), Enforce::Edge);
        let pair = json!({ "server_certificate": "PEM", "server_private_key": "PEM" });
        let own = json!({ "type": "terminate-tls", "config": pair });
        assert_eq!(at("    proto: tls\n", own), Enforce::Agent);
        assert_eq!(at("    labels: [a=b]\n", forward()), Enforce::Agent);
        let tell = |text: &str| json!({ "type": "log", "config": { "metadata": { "is": text } } });
        assert_eq!(at(http, tell("${conn.tls.version}")), Enforce::Edge);
        assert_eq!(at(http, tell("${conn.server_region}")), Enforce::Edge);
        assert_eq!(at(http, tell("${conn.client_ip}")), Enforce::Agent);
        assert_eq!(at(here, tell("${conn.tls.sni}")), Enforce::Agent);
        let guarded = format!("{http}    basic_auth: [\"ann:password\"]\n");
        assert_eq!(at(&guarded, forward()), Enforce::Agent);
    }

    #[test]
    fn the_configuration_may_say_where() {
        let deny = || json!({ "type": "deny" });
        let edge = decided("    proto: http\n    enforce: edge\n", deny());
        assert_eq!(edge, Ok((Enforce::Edge, "enforce says so")));
        let forward = json!({ "type": "forward-internal" });
        let agent = decided("    proto: http\n    enforce: agent\n", forward);
        assert_eq!(agent, Ok((Enforce::Agent, "enforce says so")));
        let blind = "    proto: http\n    terminate_at: agent\n    enforce: edge\n";
        assert_eq!(
            decided(blind, deny()).unwrap_err(),
            "adit.yml:7:14: endpoint \"a\": enforce: edge: the edge does not see the HTTP of this \
             endpoint, whose TLS ends elsewhere"
        );
        let labels = decided("    labels: [a=b]\n    enforce: edge\n", deny()).unwrap_err();
        assert!(labels.ends_with("what the edge routes by labels has rules of its own there"));
    }
}
