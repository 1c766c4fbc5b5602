//! The agent's own settings.

use std::{path::PathBuf, time::Duration};

use super::{Context, Env, or};
use crate::{
    addr::{ConnectAddr, parse_listen},
    config::{Config, ConnectCas, InspectDb, Log, LogTarget, WebAddr},
    diagnostic::Diagnostic,
    endpoint::Endpoint,
    file::{
        Agent, ConsoleColor, ConsoleUi, LogFormat, LogLevel, PolicyCache, PolicyRequests,
        UpdateChannel,
    },
    opaque::Opaque,
    place::{At, Place},
    secret::Secret,
};

/// Fact: the reference's documented default.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Fact: a wrapper's test gives the v3 agent one second from SIGTERM to its end.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(700);
/// Reason: whoever wants more than the longest download wants no end at all.
const MAX_DRAIN_TIMEOUT: Duration = Duration::from_secs(24 * 3600);
/// Fact: the reference's documented default.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);
/// Fact: the reference's documented default.
const HEARTBEAT_TOLERANCE: Duration = Duration::from_secs(15);

/// The value of `ADIT_<name>`, else of `NGROK_<name>`. An empty variable is not set.
fn var(env: &Env, name: &str) -> Option<At<String>> {
    ["ADIT_", "NGROK_"].iter().find_map(|prefix| {
        let name = format!("{prefix}{name}");
        let value = env.get(&name).filter(|v| !v.is_empty())?;
        Some(At::from_flag(value.clone(), &name))
    })
}

/// Lays the environment over what the files say.
pub(super) fn apply_env(agent: &mut Agent, env: &Env, cx: &mut Context) {
    if let Some(token) = var(env, "AUTHTOKEN") {
        agent.authtoken = Some(token.map(Secret::new));
    }
    if let Some(key) = var(env, "API_KEY") {
        agent.api_key = Some(key.map(Secret::new));
    }
    if let Some(cas) = var(env, "CONNECT_CAS") {
        agent.connect_cas = Some(cas);
    }
    if let Some(url) = var(env, "CONNECT_URL") {
        let parsed = cx.check(&url.place, url.value.parse::<ConnectAddr>());
        agent.connect_url = parsed.map(|addr| At::new(addr, url.place));
    }
    if agent.proxy_url.is_none() {
        let found = ["http_proxy", "http_proxy_env"]
            .iter()
            .find_map(|name| Some((name, env.get(*name).filter(|v| !v.is_empty())?)));
        if let Some((name, value)) = found {
            agent.proxy_url = Some(At::from_flag(Secret::new(value.clone()), name));
        }
    }
}

pub(super) fn resolve(
    agent: Agent,
    env: &Env,
    plugins: Vec<(At<String>, Opaque)>,
    endpoints: Vec<Endpoint>,
    cx: &mut Context,
) -> Config {
    let console_ui = or(agent.console_ui, ConsoleUi::IfTty);
    let local_storage = or(agent.local_storage, true);
    Config {
        authtoken: agent.authtoken.map(|at| at.value),
        api_key: agent.api_key.map(|at| at.value),
        api_url: var(env, "API_URL"),
        update_url: var(env, "UPDATE_URL"),
        connect: agent.connect_url,
        connect_cas: connect_cas(agent.connect_cas),
        connect_timeout: or(agent.connect_timeout, CONNECT_TIMEOUT),
        connect_interface: agent.connect_interface,
        proxy_url: agent.proxy_url.and_then(|url| proxy(url, cx)),
        dns_resolver_ips: or(agent.dns_resolver_ips, Vec::new())
            .into_iter()
            .map(|ip| ip.value)
            .collect(),
        crl_url: agent.crl_url,
        crl_noverify: or(agent.crl_noverify, false),
        drain_timeout: drain_timeout(agent.drain_timeout, cx),
        heartbeat_interval: or(agent.heartbeat_interval, HEARTBEAT_INTERVAL),
        heartbeat_tolerance: or(agent.heartbeat_tolerance, HEARTBEAT_TOLERANCE),
        metadata: or(agent.metadata, String::new()),
        region: agent.region.and_then(|r| region(r, cx)),
        remote_management: or(agent.remote_management, true),
        log: Log {
            target: log_target(agent.log, console_ui),
            format: or(agent.log_format, LogFormat::Term),
            level: or(agent.log_level, LogLevel::Info),
        },
        console_ui,
        console_ui_color: or(agent.console_ui_color, ConsoleColor::Black),
        web_addr: agent.web_addr.map_or(WebAddr::Default, |addr| web_addr(addr, cx)),
        web_allow_hosts: or(agent.web_allow_hosts, Vec::new()),
        inspect_db: match (local_storage, agent.inspect_db_size) {
            (false, _) => InspectDb::Off,
            (true, None) => InspectDb::DEFAULT,
            (true, Some(size)) => inspect_db(&size, cx),
        },
        update_channel: or(agent.update_channel, UpdateChannel::Stable),
        update_check: or(agent.update_check, true),
        policy_cache: or(agent.policy_cache, PolicyCache::On),
        policy_requests: or(agent.policy_requests, PolicyRequests::Internal),
        plugins,
        endpoints,
    }
}

fn connect_cas(written: Option<At<String>>) -> ConnectCas {
    match written {
        None => ConnectCas::Trusted,
        Some(at) => match at.value.as_str() {
            "trusted" => ConnectCas::Trusted,
            "host" => ConnectCas::Host,
            _ => ConnectCas::File(at.map(PathBuf::from)),
        },
    }
}

fn drain_timeout(written: Option<At<Duration>>, cx: &mut Context) -> Duration {
    match written {
        None => DRAIN_TIMEOUT,
        Some(At { value, .. }) if value <= MAX_DRAIN_TIMEOUT => value,
        Some(At { place, .. }) => {
            cx.error(&place, "drain_timeout is 24h at most");
            DRAIN_TIMEOUT
        }
    }
}

/// The URL may hold a password, so no error repeats it.
fn proxy(written: At<Secret<String>>, cx: &mut Context) -> Option<At<Secret<url::Url>>> {
    const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];
    match url::Url::parse(written.value.expose()) {
        Ok(url) if SCHEMES.contains(&url.scheme()) && url.has_host() => {
            Some(At::new(Secret::new(url), written.place))
        }
        _ => {
            let d = Diagnostic::new(written.place, "not the URL of a proxy");
            cx.fail(d.hint("write http://host:port, https://host:port or socks5://host:port"));
            None
        }
    }
}

/// Fact: the reference's documented region codes.
const REGIONS: [&str; 9] = ["auto", "us", "us-cal-1", "eu", "ap", "au", "sa", "jp", "in"];

fn region(written: At<String>, cx: &mut Context) -> Option<At<String>> {
    if REGIONS.contains(&written.value.as_str()) {
        return Some(written);
    }
    let d = Diagnostic::new(written.place, format!("unknown region {:?}", written.value));
    cx.fail(d.hint(format!("use one of {}", REGIONS.join(", "))));
    None
}

fn log_target(written: Option<At<String>>, console: ConsoleUi) -> LogTarget {
    match written {
        None if console == ConsoleUi::Off => LogTarget::Stdout,
        None => LogTarget::Off,
        Some(at) => match at.value.as_str() {
            "stdout" => LogTarget::Stdout,
            "stderr" => LogTarget::Stderr,
            "false" | "" => LogTarget::Off,
            _ => LogTarget::File(at.map(PathBuf::from)),
        },
    }
}

fn web_addr(written: At<String>, cx: &mut Context) -> WebAddr {
    if written.value == "false" {
        return WebAddr::Off;
    }
    let At { value, place } = written;
    match cx.check(&place, parse_listen(&value)) {
        Some(addr) => WebAddr::At(At::new(addr, place)),
        None => WebAddr::Default,
    }
}

fn inspect_db(size: &At<i64>, cx: &mut Context) -> InspectDb {
    match u64::try_from(size.value) {
        Ok(0) => InspectDb::DEFAULT,
        Ok(bytes) => InspectDb::Bytes(bytes),
        Err(_) => {
            if size.value != -1 {
                let place: &Place = &size.place;
                cx.error(
                    place,
                    "inspect_db_size is a number of bytes, 0 for the default or -1 for none",
                );
            }
            InspectDb::Off
        }
    }
}
