//! What a plan comes to, for people: the same plan that is served, without an edge to ask.

use std::fmt;

use adit_chain::Needs;
use adit_config::{Place, endpoint::Address, endpoint_url::Scheme, handler::OnError};
use adit_runtime::{Forwarded, Limits, Relay};

use super::{Plan, Tls, Tools, requested};
use crate::{EndpointSpec, PlanError, spec::Enforced};

/// What would happen to the connections of an endpoint.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The endpoint's name.
    pub name: String,
    /// The address that is asked for: a URL, a subdomain, or labels.
    pub asks: String,
    /// Where connections go.
    pub upstream: String,
    /// Who ends the visitors' TLS.
    pub tls: TlsEnd,
    /// Every handler, in the order in which a visitor meets them.
    pub links: Vec<ExplainedLink>,
    /// The traffic policy, if there is one.
    pub policy: Option<ExplainedPolicy>,
    /// How bytes move.
    pub relay: Relay,
    /// Why they are not simply passed on; empty if they are.
    pub reasons: Vec<Reason>,
    /// Sizes and deadlines.
    pub limits: Limits,
}

/// Who ends the visitors' TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsEnd {
    /// This agent.
    Agent,
    /// The edge.
    Edge,
    /// There is none.
    None,
    /// The upstream.
    Upstream,
}

/// A traffic policy, and where it is enforced.
#[derive(Clone)]
pub struct ExplainedPolicy {
    /// Where, and why.
    pub enforced: Enforced,
    /// The document. It may hold secrets.
    pub document: serde_json::Value,
}

impl fmt::Debug for ExplainedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExplainedPolicy").field("enforced", &self.enforced).finish_non_exhaustive()
    }
}

/// A handler in its place.
#[derive(Clone, Debug)]
pub struct ExplainedLink {
    /// What it is called.
    pub kind: String,
    /// The action that it does, where an option of the configuration stands for it.
    pub stands_for: Option<String>,
    /// Where it comes from.
    pub place: Place,
    /// What it must see.
    pub needs: Needs,
    /// What happens to a visitor when it breaks.
    pub on_error: OnError,
}

/// What keeps bytes from being passed on as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The agent answers from a directory.
    Answers,
    /// The agent is the first to see the visitor's HTTP, and says so to the upstream.
    FirstToSee,
    /// A handler, by its kind.
    Handler(String),
    /// Exchanges are captured.
    Inspector,
}

impl Plan {
    /// Plans an endpoint as if it were to be served. Blocks.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub(crate) fn explain(spec: EndpointSpec, tools: &Tools) -> Result<Explanation, PlanError> {
        let asks = asked(&spec);
        let has_tls = matches!(spec.scheme(), Some(Scheme::Https | Scheme::Tls));
        let document = spec.traffic_policy().cloned();
        let policy = spec.enforced.as_deref().cloned().zip(document);
        let policy = policy.map(|(enforced, document)| ExplainedPolicy { enforced, document });
        let plan = Self::read(spec)?;
        let route = plan.route(&plan.provisional_url(), tools)?;
        let tls = match plan.tls {
            Tls::EndsHere => TlsEnd::Agent,
            Tls::Passes => TlsEnd::Upstream,
            Tls::Ended if has_tls => TlsEnd::Edge,
            Tls::Ended => TlsEnd::None,
        };
        let links = route.chain.links().iter().zip(plan.links.specs());
        let links: Vec<_> = links
            .map(|(link, spec)| ExplainedLink {
                kind: link.name().to_owned(),
                stands_for: spec.is_generated().then(|| first_action(&spec.options)),
                place: spec.place.clone(),
                needs: link.needs(),
                on_error: spec.on_error,
            })
            .collect();
        let counts: fn(Needs) -> bool = match route.relay {
            Relay::Http => Needs::wants_http,
            Relay::Wrapped => |needs| needs.contains(Needs::STREAM),
            Relay::Raw => |_| false,
        };
        let mut reasons: Vec<_> = links
            .iter()
            .filter(|link| counts(link.needs))
            .map(|link| Reason::Handler(link.kind.clone()))
            .collect();
        if route.relay == Relay::Http {
            reasons.extend(route.upstream.answers().then_some(Reason::Answers));
            reasons.extend((route.forwarded == Forwarded::Set).then_some(Reason::FirstToSee));
            reasons.extend(route.tap.is_some().then_some(Reason::Inspector));
        }
        Ok(Explanation {
            name: plan.name.to_string(),
            asks,
            upstream: plan.service.display.to_string(),
            tls,
            links,
            policy,
            relay: route.relay,
            reasons,
            limits: route.limits,
        })
    }
}

/// What the first rule of a document does.
fn first_action(document: &serde_json::Value) -> String {
    let action = &document["on_http_request"][0]["actions"][0]["type"];
    action.as_str().unwrap_or_default().to_owned()
}

/// The address that is asked for.
fn asked(spec: &EndpointSpec) -> String {
    match &spec.address {
        Address::Labels(labels) => {
            let labels = labels.iter().map(|(key, value)| format!("{key}={value}"));
            labels.collect::<Vec<_>>().join(",")
        }
        Address::Subdomain { name, schemes } => {
            let scheme = schemes.first().map_or("https", |scheme| scheme.as_str());
            format!("{scheme}://{}.", name.value)
        }
        Address::Urls(_) => requested(&spec.address).map(ToString::to_string).unwrap_or_default(),
    }
}
