//! Plans, for programs. Keys are only ever added.

use adit_agent::{Reason, TlsEnd};
use adit_chain::Needs;
use adit_config::{Config, endpoint::ProxyProtocol};
use adit_runtime::Relay;
use serde_json::{Value, json};

use super::{Explained, policy};

/// All of them, with the edge that they would be asked of.
pub(super) fn plans(config: &Config, all: &[Explained<'_>]) -> Value {
    let edge = config.connect.as_ref().map(|at| at.value.to_string());
    let endpoints: Vec<_> = all.iter().map(|explained| plan(config, explained)).collect();
    json!({ "edge": edge, "endpoints": endpoints })
}

fn plan(config: &Config, explained: &Explained<'_>) -> Value {
    let Explained { endpoint, plan } = explained;
    let upstream = &endpoint.upstream;
    let handlers = plan.links.iter().map(|link| {
        let grants = config.plugins.iter().find(|(name, _)| name.value == link.kind);
        json!({
            "kind": link.kind,
            "stands_for": link.stands_for,
            "place": link.place.to_string(),
            "sees": sees(link.needs),
            "on_error": link.on_error.as_str(),
            "grants": grants.map(|(_, definition)| definition.json.get("grants")),
        })
    });
    json!({
        "name": plan.name,
        "place": endpoint.place.to_string(),
        "asks": plan.asks,
        "tls": match plan.tls {
            TlsEnd::Agent => "agent",
            TlsEnd::Edge => "edge",
            TlsEnd::None => "none",
            TlsEnd::Upstream => "upstream",
        },
        "handlers": handlers.collect::<Vec<_>>(),
        "traffic_policy": plan.policy.as_ref().map(policy::json),
        "relay": match plan.relay {
            Relay::Http => "http",
            Relay::Raw => "raw",
            Relay::Wrapped => "wrapped",
        },
        "because": plan.reasons.iter().map(reason).collect::<Vec<_>>(),
        "upstream": {
            "url": plan.upstream,
            "place": upstream.addr.place.to_string(),
            "protocol": upstream.protocol.as_str(),
            "proxy_protocol": match upstream.proxy_protocol {
                ProxyProtocol::None => Value::Null,
                ProxyProtocol::V1 => 1.into(),
                ProxyProtocol::V2 => 2.into(),
            },
            "tls_verify": upstream.tls_verify,
        },
        "warnings": endpoint.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "inspect": endpoint.inspect,
        "limits": {
            "head_ms": plan.limits.head_timeout.as_millis(),
            "connect_ms": plan.limits.connect_timeout.as_millis(),
            "response_ms": plan.limits.response_timeout.as_millis(),
            "idle_ms": plan.limits.idle_timeout.as_millis(),
            "buffered_body": plan.limits.max_buffered_body,
        },
    })
}

fn sees(needs: Needs) -> Vec<String> {
    needs.iter_names().map(|(name, _)| name.to_ascii_lowercase()).collect()
}

fn reason(reason: &Reason) -> Value {
    match reason {
        Reason::Answers => json!({ "upstream": "answers" }),
        Reason::FirstToSee => json!({ "agent": "first to see HTTP" }),
        Reason::Handler(kind) => json!({ "handler": kind }),
        Reason::Inspector => json!({ "inspector": true }),
    }
}
