//! Plans, for people.

use std::fmt::Write;

use adit_agent::{ExplainedLink, Reason, TlsEnd};
use adit_chain::Needs;
use adit_config::{
    Config, Endpoint, UpstreamAddr,
    config::InspectDb,
    endpoint::{Address, ProxyProtocol},
    file::HttpVersion,
    handler::OnError,
};
use adit_runtime::{Limits, Relay};

use super::{Explained, policy};

/// All of them, with the edge that they would be asked of.
pub(super) fn plans(config: &Config, all: &[Explained<'_>]) -> String {
    let mut text = match &config.connect {
        Some(at) => format!("Edge  {} ({})\n", at.value, at.place),
        None => "Edge  embedded, on loopback\n".to_owned(),
    };
    for explained in all {
        text.push('\n');
        plan(&mut text, config, explained);
    }
    text
}

fn plan(text: &mut String, config: &Config, explained: &Explained<'_>) {
    let Explained { endpoint, plan } = explained;
    let (asks, upstream) = (address(endpoint, &plan.asks), &plan.upstream);
    let _ = writeln!(text, "{}  ({})\n  {asks} -> {upstream}", plan.name, endpoint.place);
    row(text, "TLS", tls(endpoint, plan.tls));
    handlers(text, config, &plan.links);
    if let Some(policy) = &plan.policy {
        for (i, line) in policy::lines(policy).iter().enumerate() {
            row(text, if i == 0 { "Policy" } else { "" }, line);
        }
    }
    row(text, "Relay", &relay(plan.relay, &plan.reasons));
    row(text, "Upstream", &service(endpoint, plan.tls));
    for warning in &endpoint.warnings {
        row(text, "Warning", &warning.to_string());
    }
    row(text, "Inspector", inspector(config, endpoint));
    if plan.relay == Relay::Http {
        row(text, "Limits", &limits(&plan.limits));
    }
}

fn row(text: &mut String, name: &str, what: &str) {
    let _ = writeln!(text, "  {name:<10} {what}");
}

/// What is asked for. A subdomain and a bare scheme are completed by the edge.
fn address(endpoint: &Endpoint, asks: &str) -> String {
    match &endpoint.address {
        Address::Labels(_) => format!("whatever the edge has for {asks}"),
        Address::Subdomain { .. } => format!("{asks}(the edge's domain)"),
        Address::Urls(_) if asks.ends_with("://") => format!("{asks}(what the edge chooses)"),
        Address::Urls(_) => asks.to_owned(),
    }
}

const fn tls(endpoint: &Endpoint, end: TlsEnd) -> &'static str {
    match end {
        _ if matches!(endpoint.address, Address::Labels(_)) => "as the edge has it",
        TlsEnd::Agent => "ends at this agent; the edge sees none of it",
        TlsEnd::Edge => "ends at the edge",
        TlsEnd::None => "none",
        TlsEnd::Upstream => "ends at the upstream; edge and agent see none of it",
    }
}

fn handlers(text: &mut String, config: &Config, links: &[ExplainedLink]) {
    if links.is_empty() {
        row(text, "Handlers", "none");
    }
    let width = |of: fn(&ExplainedLink) -> usize| links.iter().map(of).max().unwrap_or_default();
    let kinds = width(|link| called(link).chars().count());
    let seen = width(|link| sees(link.needs).chars().count());
    for (i, link) in links.iter().enumerate() {
        let name = if i == 0 { "Handlers" } else { "" };
        let broken = match link.on_error {
            OnError::Deny => "",
            OnError::Pass => "  passed over when it breaks",
        };
        let (n, kind, place) = (i + 1, called(link), &link.place);
        let sees = sees(link.needs);
        row(text, name, &format!("{n}. {kind:<kinds$}  {sees:<seen$}  {place}{broken}"));
        if let Some(grants) = grants(config, &link.kind) {
            row(text, "", &format!("   may use {grants}"));
        }
    }
}

/// The kind of a handler, and what it does if an option stands for it.
fn called(link: &ExplainedLink) -> String {
    match &link.stands_for {
        Some(action) => format!("{} ({action})", link.kind),
        None => link.kind.clone(),
    }
}

/// What a handler is shown, in the order of the path.
pub(super) fn sees(needs: Needs) -> String {
    const WORDS: &[(Needs, &str)] = &[
        (Needs::CONNECT, "connection"),
        (Needs::STREAM, "stream"),
        (Needs::REQUEST_HEAD, "request head"),
        (Needs::REQUEST_BODY, "request body"),
        (Needs::RESPONSE_HEAD, "response head"),
        (Needs::RESPONSE_BODY, "response body"),
        (Needs::INSIDE, "internal endpoints"),
    ];
    let seen = WORDS.iter().filter(|(need, _)| needs.contains(*need)).map(|(_, word)| *word);
    let seen = seen.collect::<Vec<_>>();
    if seen.is_empty() { "nothing".to_owned() } else { seen.join(", ") }
}

/// What a policy's definition grants it.
fn grants(config: &Config, kind: &str) -> Option<String> {
    let (_, definition) = config.plugins.iter().find(|(name, _)| name.value == kind)?;
    let grants = definition.json.get("grants")?.as_object()?;
    let words = |value: &serde_json::Value| match value {
        serde_json::Value::Array(list) => {
            let words =
                list.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
            words.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    let all = grants.iter().map(|(power, to)| format!("{power} ({})", words(to)));
    Some(all.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
}

fn relay(relay: Relay, reasons: &[Reason]) -> String {
    let reasons = reasons.iter().map(|reason| match reason {
        Reason::Answers => "the agent answers from a directory".to_owned(),
        Reason::FirstToSee => {
            "the agent is the first to see HTTP, and tells the upstream whose it is".to_owned()
        }
        Reason::Handler(kind) => format!("{kind} sees it"),
        Reason::Inspector => "the inspector captures it".to_owned(),
    });
    let reasons = reasons.collect::<Vec<_>>().join("; ");
    match relay {
        Relay::Raw => "raw: bytes pass as they are, nothing here asks for more".to_owned(),
        Relay::Wrapped => format!("wrapped: bytes pass through handlers ({reasons})"),
        Relay::Http => format!("http: exchange by exchange ({reasons})"),
    }
}

fn service(endpoint: &Endpoint, tls: TlsEnd) -> String {
    let upstream = &endpoint.upstream;
    let is_http = endpoint.kind == adit_config::endpoint_url::Kind::Http;
    let mut parts = vec![match &upstream.addr.value {
        UpstreamAddr::Files { .. } => "a directory",
        _ if tls == TlsEnd::Upstream => "the visitor's own TLS",
        _ if is_http && upstream.protocol == HttpVersion::Http2 => "HTTP/2",
        _ if is_http => "HTTP/1.1",
        UpstreamAddr::Tls(_) => "TLS",
        _ => "bytes",
    }];
    let is_tls = matches!(upstream.addr.value, UpstreamAddr::Https(_) | UpstreamAddr::Tls(_));
    if is_tls && tls != TlsEnd::Upstream {
        parts.push(match (upstream.tls_verify, &upstream.tls_verify_cas) {
            (_, Some(_)) => "certificate verified by authorities of its own",
            (true, None) => "certificate verified",
            (false, None) => "certificate not verified",
        });
    }
    match upstream.proxy_protocol {
        _ if matches!(upstream.addr.value, UpstreamAddr::Files { .. }) => {}
        ProxyProtocol::None => {}
        ProxyProtocol::V1 => parts.push("PROXY header, version 1"),
        ProxyProtocol::V2 => parts.push("PROXY header, version 2"),
    }
    format!("{} ({})", parts.join(", "), upstream.addr.place)
}

fn inspector(config: &Config, endpoint: &Endpoint) -> &'static str {
    let is_http = endpoint.kind == adit_config::endpoint_url::Kind::Http;
    match (is_http, config.inspect_db, endpoint.inspect) {
        (false, ..) => "never: only HTTP is captured",
        (true, InspectDb::Off, _) => "off for all endpoints",
        (true, _, false) => "off",
        (true, _, true) => "on",
    }
}

fn limits(limits: &Limits) -> String {
    format!(
        "head within {}s, connect within {}s, response within {}s, idle {}s, buffered body {} MiB",
        limits.head_timeout.as_secs(),
        limits.connect_timeout.as_secs(),
        limits.response_timeout.as_secs(),
        limits.idle_timeout.as_secs(),
        limits.max_buffered_body / (1024 * 1024),
    )
}
