//! The settings of the agent itself: what to show of them, and which need a restart.

use std::net::SocketAddr;

use adit_config::{
    At, Config, Secret,
    config::{ConnectCas, InspectDb, LogTarget, WebAddr},
};
use adit_inspect::control::Setting;

/// Characters of a token that are shown: enough to tell two apart, far from enough to use one.
const TOKEN_PREFIX: usize = 6;

/// The settings that differ, by their keys in the file. None of them takes effect before a restart.
pub(super) fn differing(started: &Config, now: &Config) -> Vec<String> {
    let (a, b) = (started, now);
    let same = [
        ("authtoken", exposed(&a.authtoken) == exposed(&b.authtoken)),
        ("connect_url", value(&a.connect) == value(&b.connect)),
        ("connect_cas", cas(&a.connect_cas) == cas(&b.connect_cas)),
        ("connect_timeout", a.connect_timeout == b.connect_timeout),
        ("connect_interface", value(&a.connect_interface) == value(&b.connect_interface)),
        (
            "proxy_url",
            a.proxy_url.as_ref().map(|url| url.value.expose())
                == b.proxy_url.as_ref().map(|url| url.value.expose()),
        ),
        ("dns_resolver_ips", a.dns_resolver_ips == b.dns_resolver_ips),
        ("crl_url", value(&a.crl_url) == value(&b.crl_url)),
        ("crl_noverify", a.crl_noverify == b.crl_noverify),
        ("drain_timeout", a.drain_timeout == b.drain_timeout),
        ("heartbeat_interval", a.heartbeat_interval == b.heartbeat_interval),
        ("heartbeat_tolerance", a.heartbeat_tolerance == b.heartbeat_tolerance),
        ("metadata", a.metadata == b.metadata),
        ("region", value(&a.region) == value(&b.region)),
        ("remote_management", a.remote_management == b.remote_management),
        ("log", log_target(&a.log.target) == log_target(&b.log.target)),
        ("log_format", a.log.format == b.log.format),
        ("log_level", a.log.level == b.log.level),
        ("console_ui", a.console_ui == b.console_ui),
        ("console_ui_color", a.console_ui_color == b.console_ui_color),
        ("web_addr", web_addr(&a.web_addr) == web_addr(&b.web_addr)),
        ("web_allow_hosts", hosts(a) == hosts(b)),
        ("inspect_db_size", a.inspect_db == b.inspect_db),
        ("policy_cache", a.policy_cache == b.policy_cache || a.plugins.is_empty()),
        ("policy_requests", a.policy_requests == b.policy_requests),
    ];
    same.into_iter().filter(|(_, same)| !same).map(|(key, _)| key.to_owned()).collect()
}

/// What the status page shows.
pub(super) fn shown(config: &Config, files: &[String], web: Option<SocketAddr>) -> Vec<Setting> {
    let on = |on: bool| if on { "yes" } else { "no" }.to_owned();
    let or = |text: Option<String>, none: &str| text.unwrap_or_else(|| none.to_owned());
    let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    let token = config.authtoken.as_ref().map(|token| prefix(token.expose()));
    let ips: Vec<_> = config.dns_resolver_ips.iter().map(ToString::to_string).collect();
    let proxy = config.proxy_url.as_ref().map(|url| without_password(url.value.expose()));
    let agent = [
        ("config", or_none(files.join(", "))),
        ("authtoken", or(token, "none")),
        ("connect_url", or(value(&config.connect), "embedded edge")),
        ("connect_cas", cas(&config.connect_cas)),
        ("connect_timeout", format!("{:?}", config.connect_timeout)),
        ("connect_interface", or(value(&config.connect_interface), "any")),
        ("proxy_url", or(proxy, "none")),
        ("dns_resolver_ips", if ips.is_empty() { "system".to_owned() } else { ips.join(", ") }),
        ("drain_timeout", format!("{:?}", config.drain_timeout)),
        ("heartbeat_interval", format!("{:?}", config.heartbeat_interval)),
        ("heartbeat_tolerance", format!("{:?}", config.heartbeat_tolerance)),
        ("metadata", or_none(config.metadata.clone())),
        ("remote_management", on(config.remote_management)),
    ];
    let web = [
        ("web_addr", or(web.map(|addr| addr.to_string()), "off")),
        ("web_allow_hosts", or_none(hosts(config).join(", "))),
        (
            "inspect_db_size",
            match config.inspect_db {
                InspectDb::Off => "off".to_owned(),
                InspectDb::Bytes(n) => format!("{n} bytes"),
            },
        ),
    ];
    let log = [
        ("log", log_target(&config.log.target)),
        ("log_format", config.log.format.to_string()),
        ("log_level", config.log.level.to_string()),
    ];
    let console = [
        ("console_ui", config.console_ui.to_string()),
        ("console_ui_color", config.console_ui_color.to_string()),
    ];
    let plugins: Vec<_> = config.plugins.iter().map(|(name, _)| name.value.as_str()).collect();
    let policies = [
        ("plugins", or_none(plugins.join(", "))),
        ("policy_cache", config.policy_cache.to_string()),
        ("policy_requests", config.policy_requests.to_string()),
    ];
    let groups: [(&str, &[(&str, String)]); 5] = [
        ("agent", &agent),
        ("web", &web),
        ("log", &log),
        ("console", &console),
        ("policies", &policies),
    ];
    let lines = groups.into_iter().flat_map(|(group, lines)| {
        lines.iter().map(move |(name, value)| Setting::new(group, *name, value.clone()))
    });
    lines.collect()
}

fn exposed(token: &Option<Secret<String>>) -> Option<&str> {
    token.as_ref().map(|token| token.expose().as_str())
}

fn value<T: ToString>(at: &Option<At<T>>) -> Option<String> {
    at.as_ref().map(|at| at.value.to_string())
}

fn prefix(token: &str) -> String {
    // Of a short one even a part is too much.
    let n_chars = if token.chars().count() >= 4 * TOKEN_PREFIX { TOKEN_PREFIX } else { 0 };
    token.chars().take(n_chars).chain(['…']).collect()
}

fn without_password(url: &url::Url) -> String {
    let mut url = url.clone();
    if url.password().is_some() || !url.username().is_empty() {
        let _ = (url.set_password(None), url.set_username("…"));
    }
    url.to_string()
}

fn cas(cas: &ConnectCas) -> String {
    match cas {
        ConnectCas::Trusted => "trusted".to_owned(),
        ConnectCas::Host => "host".to_owned(),
        ConnectCas::File(path) => path.value.display().to_string(),
    }
}

fn log_target(target: &LogTarget) -> String {
    match target {
        LogTarget::Off => "false".to_owned(),
        LogTarget::Stdout => "stdout".to_owned(),
        LogTarget::Stderr => "stderr".to_owned(),
        LogTarget::File(path) => path.value.display().to_string(),
    }
}

fn web_addr(addr: &WebAddr) -> String {
    match addr {
        WebAddr::Off => "false".to_owned(),
        WebAddr::Default => WebAddr::default_addr().to_string(),
        WebAddr::At(at) => at.value.to_string(),
    }
}

fn hosts(config: &Config) -> Vec<&str> {
    config.web_allow_hosts.iter().map(|host| host.value.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use adit_config::{Layers, file::File};

    use super::*;

    fn config(agent: &str) -> Config {
        let text = format!("version: 3\nagent: {{{agent}}}\n");
        let files = vec![File::parse("adit.yml", text.as_bytes())];
        Layers { files, ..Layers::default() }.resolve().unwrap()
    }

    #[test]
    fn what_needs_a_restart_is_named_by_its_key() {
        let keys = |a, b| differing(&config(a), &config(b));
        assert_eq!(keys("", ""), Vec::<String>::new());
        assert_eq!(keys("web_addr: 127.0.0.1:4040", ""), Vec::<String>::new());
        let all = "authtoken: a, connect_url: \"e:1\", connect_cas: host, metadata: m, drain_timeout: 1s, \
                   web_addr: \"false\", inspect_db_size: -1, log: stdout, log_level: debug, \
                   console_ui: \"false\"";
        assert_eq!(
            keys(all, ""),
            [
                "authtoken",
                "connect_url",
                "connect_cas",
                "drain_timeout",
                "metadata",
                "log",
                "log_level",
                "console_ui",
                "web_addr",
                "inspect_db_size"
            ]
        );
    }

    #[test]
    fn secrets_are_cut() {
        let token = "2abcdefghijklmnopqrstuvwxyz0123456789";
        let config = config(&format!("authtoken: {token}, proxy_url: \"http://me:word@p:1\""));
        let shown = shown(&config, &[], None);
        let of = |name| &shown.iter().find(|line| line.name == name).unwrap().value;
        assert_eq!(of("authtoken"), "2abcde…");
        assert_eq!(prefix("short"), "…");
        let proxy = of("proxy_url");
        assert!(proxy.ends_with("@p:1/") && !proxy.contains("word"), "{proxy}");
        assert_eq!((of("config").as_str(), of("web_addr").as_str()), ("none", "off"));
    }
}
