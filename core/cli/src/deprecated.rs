//! Flags that still work and that have a better way.
//!
//! Each use is told in the log, never on standard error: wrappers take a byte there for a failure.

use std::ffi::OsString;

use adit_config::location::Persona;
use tracing::info;

/// Flags whose successor is another flag: (flag, what to do). They are not in the help.
const RENAMED: &[(&str, &str)] = &[
    ("app-protocol", POLICY),
    ("domain", "use --url instead"),
    ("hostname", "use --domain instead"),
    ("policy-file", "use --traffic-policy-file instead"),
    ("proxy-proto", "use --upstream-proxy-protocol instead"),
    ("region", "ngrok automatically chooses the region with lowest latency"),
    ("remote-addr", "use --url instead"),
    ("scheme", "use --url instead"),
    ("subdomain", "use --domain instead"),
];

/// Flags that the ngrok agent has replaced by its policies. Fact: what to do is told in its words.
/// Ours: the help of adit shows them, because here each is a handler like any other.
const CLASSIC: &[&str] = &[
    "basic-auth",
    "circuit-breaker",
    "compression",
    "host-header",
    "mutual-tls-cas",
    "oauth",
    "oauth-allow-domain",
    "oauth-allow-email",
    "oauth-client-id",
    "oauth-client-secret",
    "oauth-scope",
    "oidc",
    "oidc-client-id",
    "oidc-client-secret",
    "oidc-scope",
    "request-header-add",
    "request-header-remove",
    "response-header-add",
    "response-header-remove",
    "ua-filter-allow",
    "ua-filter-deny",
    "upstream-protocol",
    "verify-webhook",
    "verify-webhook-secret",
    "websocket-tcp-converter",
];

/// Flags that are deprecated for `http` alone.
const ONLY_HTTP: &[&str] = &["cidr-allow", "cidr-deny", "mutual-tls-cas"];

const POLICY: &str = "use traffic policy instead";

/// Whether the help of a command leaves a flag out.
pub(crate) fn is_hidden(command: &str, flag: &str, persona: Persona) -> bool {
    match advice(command, flag) {
        None => false,
        Some(_) if persona == Persona::Ngrok => true,
        Some(_) => RENAMED.iter().any(|(renamed, _)| *renamed == flag),
    }
}

/// What to say about the deprecated flags of a command line, in their order.
pub(crate) fn notices(command: &str, args: &[OsString]) -> Vec<String> {
    let flags = args.iter().skip(1).map_while(|arg| match arg.to_str() {
        Some("--") => None,
        arg => Some(arg.unwrap_or_default()),
    });
    let flags = flags.filter_map(|arg| arg.strip_prefix("--"));
    let flags = flags.map(|flag| flag.split('=').next().unwrap_or(flag));
    flags.filter_map(|flag| Some(notice(flag, advice(command, flag)?))).collect()
}

/// The words of the notice. Fact: those of the ngrok agent.
fn notice(flag: &str, advice: &str) -> String {
    format!("Flag --{flag} has been deprecated, {advice}")
}

fn advice(command: &str, flag: &str) -> Option<&'static str> {
    if !matches!(command, "http" | "tcp" | "tls" | "start" | "tunnel") {
        return None;
    }
    if let Some((_, advice)) = RENAMED.iter().find(|(renamed, _)| *renamed == flag) {
        return Some(advice);
    }
    match (command, flag) {
        ("http", _) if CLASSIC.contains(&flag) || ONLY_HTTP.contains(&flag) => Some(POLICY),
        ("tls", "terminate-at") => Some("use the terminate-tls action or agent_tls_termination"),
        _ => None,
    }
}

/// Writes the notices to the log.
pub(crate) fn log(notices: &[String]) {
    for notice in notices {
        info!(msg = notice.as_str(), "command usage");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(args: &[&str]) -> Vec<String> {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        notices(args[1].to_str().unwrap_or_default(), &args)
    }

    #[test]
    fn each_use_is_told_in_the_words_that_scripts_know() {
        assert_eq!(
            told(&["adit", "http", "80", "--hostname=a.b", "--region", "us", "--url", "x"]),
            [
                "Flag --hostname has been deprecated, use --domain instead",
                "Flag --region has been deprecated, ngrok automatically chooses the region with \
                 lowest latency",
            ]
        );
        assert_eq!(
            told(&["adit", "http", "80", "--basic-auth", "a:b"]),
            ["Flag --basic-auth has been deprecated, use traffic policy instead"]
        );
    }

    #[test]
    fn a_flag_is_deprecated_only_where_it_is() {
        assert_eq!(told(&["adit", "tcp", "22", "--cidr-allow", "::1/128"]), [""; 0]);
        assert_eq!(told(&["adit", "edge", "--domain", "a.b"]), [""; 0]);
        assert_eq!(told(&["adit", "policy", "run", "--", "--region"]), [""; 0]);
    }
}
