#![allow(clippy::unwrap_used)]

mod idle;
mod mistakes;
mod properties;
mod versions;

use std::time::Duration;

use super::*;
use crate::{
    config::{ConnectCas, InspectDb, LogTarget, WebAddr},
    endpoint::{Address, KeyPair, PemSource, ProxyProtocol, Termination, TrafficPolicy},
    endpoint_url::Kind,
    file::{HttpVersion, LogFormat, LogLevel, TerminateAt, Tunnel},
    record::Named,
};

fn layers(texts: &[&str]) -> Layers {
    let parse = |(i, text): (usize, &&str)| File::parse(&format!("{i}.yml"), text.as_bytes());
    Layers { files: texts.iter().enumerate().map(parse).collect(), ..Layers::default() }
}

fn config(text: &str) -> Config {
    layers(&[text]).resolve().unwrap_or_else(|e| panic!("{e}"))
}

fn problems(text: &str) -> String {
    layers(&[text]).resolve().unwrap_err().to_string()
}

fn env(pairs: &[(&str, &str)]) -> Env {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn compiled_policies_are_kept_unless_the_file_says_no() {
    use crate::file::PolicyCache;
    let cache = |text: &str| config(text).policy_cache;
    assert_eq!(cache("version: 3\n"), PolicyCache::On);
    assert_eq!(cache("version: 3\nagent: {policy_cache: off}\n"), PolicyCache::Off);
    assert_eq!(cache("version: 2\npolicy_cache: off\n"), PolicyCache::Off);
}

#[test]
fn nothing_secret_is_printed() {
    let shown = format!("{:?}", config(versions::FULL_V3));
    for secret in ["some-auth-token", "secret@", "hidden"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    let file = format!("{:?}", File::parse("f", versions::FULL_V3.as_bytes()).agent);
    assert!(!file.contains("some-auth-token") && !file.contains("secret@"));
}

#[test]
fn defaults_are_those_of_the_reference() {
    for text in ["version: 3", "version: \"2\"", "version: '3'\nagent:\n"] {
        let c = config(text);
        assert!(c.connect.is_none() && c.authtoken.is_none() && c.endpoints.is_empty());
        assert_eq!(c.connect_cas, ConnectCas::Trusted);
        assert_eq!(c.connect_timeout, Duration::from_secs(10));
        assert_eq!(c.drain_timeout, Duration::from_millis(700));
        assert_eq!(c.heartbeat_interval, Duration::from_secs(10));
        assert_eq!(c.heartbeat_tolerance, Duration::from_secs(15));
        assert_eq!(c.inspect_db, InspectDb::DEFAULT);
        assert_eq!(c.log.target, LogTarget::Off);
        assert_eq!((c.log.format, c.log.level), (LogFormat::Term, LogLevel::Info));
        assert_eq!(c.web_addr, WebAddr::Default);
        assert!(c.remote_management && c.update_check);
    }
}

#[test]
fn nonsense_that_matters_only_at_start_is_kept() {
    config(
        r#"
version: 2
tunnels:
  web:
    proto: http
    addr: 80
    basic_auth: ["short"]
    circuit_breaker: 17
    ip_restriction: {allow_cidrs: [allow.example]}
    mutual_tls_cas: /nowhere.pem
    policy: {inbound: nonsense, 5: x}
    oauth: {provider: nobody}
    verify_webhook: {provider: p, secret: s}
"#,
    );
}

#[test]
fn later_files_are_laid_over_earlier_ones() {
    let merged = layers(&[
        "version: 2\nauthtoken: one\nmetadata: kept\nweb_allow_hosts: [a, b]\n\
         tunnels: {a: {proto: http, addr: 1, inspect: false}, b: {proto: tcp, addr: 2}}\n",
        "version: 3\nagent: {authtoken: two, web_allow_hosts: [c]}\n\
         endpoints: [{name: x, upstream: {url: 1}}]\n\
         tunnels: {a: {addr: 9}, c: {proto: tls, addr: 3}}\n",
        "version: 3\nendpoints: [{name: y, upstream: {url: 1}}]\n",
    ]);
    let c = merged.resolve().unwrap();
    assert_eq!(c.authtoken.unwrap().expose(), "two");
    assert_eq!(c.metadata, "kept");
    let hosts: Vec<_> = c.web_allow_hosts.iter().map(|h| h.value.as_str()).collect();
    assert_eq!(hosts, ["c"]);
    let shown: Vec<_> =
        c.endpoints.iter().map(|e| format!("{} {}", e.name, e.upstream.addr.value)).collect();
    assert_eq!(
        shown,
        ["y http://localhost:1", "a http://localhost:9", "b localhost:2", "c localhost:3"]
    );
    assert!(!c.endpoints[1].inspect);
}

#[test]
fn the_environment_beats_files_and_flags_beat_both() {
    let mut l = layers(&["version: 3\nagent: {authtoken: file, connect_url: 'file:1'}\n"]);
    l.env = env(&[
        ("ADIT_AUTHTOKEN", "adit"),
        ("NGROK_AUTHTOKEN", "ngrok"),
        ("NGROK_API_KEY", "key"),
        ("NGROK_CONNECT_URL", "env.example:443"),
        ("ADIT_CONNECT_CAS", "host"),
        ("ADIT_API_URL", ""),
        ("NGROK_UPDATE_URL", "http://up"),
        ("http_proxy", "http://proxy:3128"),
    ]);
    let c = l.clone().resolve().unwrap();
    assert_eq!(c.authtoken.unwrap().expose(), "adit");
    assert_eq!(c.api_key.unwrap().expose(), "key");
    assert_eq!(c.connect.unwrap().value.to_string(), "env.example:443");
    assert_eq!(c.connect_cas, ConnectCas::Host);
    assert_eq!(c.api_url, None);
    assert_eq!(c.update_url.unwrap().value, "http://up");
    assert!(c.proxy_url.is_some());

    l.flags.agent = Agent {
        authtoken: Some(At::from_flag("flag".to_owned().into(), "--authtoken")),
        ..Agent::default()
    };
    assert_eq!(l.clone().resolve().unwrap().authtoken.unwrap().expose(), "flag");
    l.env = env(&[("ADIT_CONNECT_URL", "nowhere"), ("http_proxy", "proxy:3128")]);
    assert_eq!(
        l.resolve().unwrap_err().to_string(),
        "ADIT_CONNECT_URL: \"nowhere\" has no port; write host:port\n\
         http_proxy: not the URL of a proxy; \
         write http://host:port, https://host:port or socks5://host:port"
    );
}

#[test]
fn the_proxy_of_the_environment_is_for_files_that_name_none() {
    let proxy = |texts: &[&str], vars: &[(&str, &str)]| {
        let resolved = Layers { env: env(vars), ..layers(texts) }.resolve().unwrap();
        resolved.proxy_url.map(|url| url.value.expose().host_str().unwrap().to_owned())
    };
    let vars = [("http_proxy", "http://env:1"), ("http_proxy_env", "http://other:1")];
    assert_eq!(proxy(&["version: 3\n"], &vars).as_deref(), Some("env"));
    assert_eq!(proxy(&["version: 3\n"], &vars[1..]).as_deref(), Some("other"));
    assert_eq!(proxy(&["version: 3\n"], &[("http_proxy", "")]), None);
    let first = "version: 2\nproxy_url: http://first:1\n";
    assert_eq!(proxy(&[first], &vars).as_deref(), Some("first"));
    let second = "version: 3\nagent: {proxy_url: 'socks5://second:1'}\n";
    assert_eq!(proxy(&[first, second], &vars).as_deref(), Some("second"));
    assert_eq!(proxy(&[second, first], &vars).as_deref(), Some("first"));
}

#[test]
fn a_file_is_read_by_its_own_version_before_it_is_laid_over_another() {
    let merged = layers(&[
        "version: 1\nauthtoken: a\ntunnels: {old: {proto: http, addr: 1, bind_tls: false}}\n",
        "version: \"2\"\nserver_addr: 'two:1'\nroot_cas: host\nregion: eu\n",
        "version: '3'\nagent: {authtoken: b}\n",
    ]);
    let c = merged.resolve().unwrap();
    assert_eq!(c.connect.unwrap().value.to_string(), "two:1");
    assert_eq!((c.connect_cas, c.region.unwrap().value), (ConnectCas::Host, "eu".to_owned()));
    assert_eq!(c.authtoken.unwrap().expose(), "b");
    assert_eq!(c.endpoints[0].schemes(), [crate::endpoint_url::Scheme::Http]);
    let mistaken =
        layers(&["version: 2\nserver_addr: 'a:1'\n", "version: 3\nserver_addr: 'a:1'\n"]);
    let told = mistaken.resolve().unwrap_err().to_string();
    assert!(told.starts_with("1.yml:2:1: unknown key \"server_addr\""), "{told}");
}

#[test]
fn flags_are_a_tunnel_and_their_errors_name_the_flag() {
    let mut flags = File::default();
    let tunnel = Tunnel {
        proto: Some(At::from_flag("http".to_owned(), "http")),
        addr: Some(At::from_flag("8080".to_owned(), "upstream")),
        url: Some(At::from_flag("https://example.org:1".to_owned(), "--url")),
        ..Tunnel::default()
    };
    let name = At::from_flag("command_line".to_owned(), "--name");
    flags.tunnels = Named(vec![(name, tunnel)]);
    let l = Layers { flags, ..Layers::default() };
    assert_eq!(
        l.resolve().unwrap_err().to_string(),
        "--url: port 1 is not possible with https://; leave it out (ERR_NGROK_9035)"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = File::load(std::path::Path::new("/nowhere/adit.yml")).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/adit.yml: cannot read the file: "), "{error}");
}

#[test]
fn verification_of_the_upstream_has_two_names() {
    for key in ["upstream_tls_verify", "verify_upstream_tls"] {
        let text =
            format!("version: 2\ntunnels: {{a: {{proto: http, addr: 'https://x', {key}: true}}}}");
        assert!(config(&text).endpoints[0].upstream.tls_verify, "{key}");
    }
}

#[test]
fn an_address_that_is_empty_asks_for_nothing() {
    let tunnel = |keys: &str| {
        let c = config(&format!("version: 2\ntunnels: {{a: {{addr: 80, {keys}}}}}"));
        let Address::Urls(urls) = &c.endpoints[0].address else { panic!("{:?}", c.endpoints) };
        urls.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let all = "url: '', domain: '', hostname: '', subdomain: ''";
    assert_eq!(tunnel(&format!("proto: http, {all}")), "https://");
    assert_eq!(tunnel("proto: http, subdomain: '', domain: a.test"), "https://a.test");
    assert_eq!(tunnel("proto: tcp, url: 'tcp://a.test:22', remote_addr: ''"), "tcp://a.test:22");
}

#[test]
fn what_is_wrong_with_a_certificate_is_told_where_it_is_named() {
    let pem = |flag| At::from_flag(PemSource::Text("not PEM".to_owned()), flag);
    let pair = KeyPair { certificate: pem("--crt"), key: pem("--key") };
    let client_cas = vec![pem("--mutual-tls-cas")];
    let mut tls = Termination { at: TerminateAt::Agent, certificate: Some(pair), client_cas };
    let place = |tls: &Termination| {
        tls.handler_spec(&Place::of("command line")).unwrap().place.file.to_string()
    };
    assert_eq!(place(&tls), "--crt");
    tls.certificate = None;
    assert_eq!(place(&tls), "--mutual-tls-cas");
    tls.client_cas.clear();
    assert_eq!(place(&tls), "command line");
}

#[test]
fn what_one_entry_lacks_is_told_beside_what_is_wrong_in_another() {
    let text = "version: 3\nendpoints:\n- name: a\n  upstrem: {url: 80}\n- name: b\n- upstream: {url: 80}\n\
                tunnels:\n  c: {proto: http, adr: 80}\n  d: {proto: http}\n";
    let file = File::parse("f.yml", text.as_bytes());
    let problems = Layers { files: vec![file], ..Layers::default() }.resolve().unwrap_err();
    assert_eq!(
        problems.to_string(),
        "f.yml:4:3: unknown key \"upstrem\"; did you mean \"upstream\"?\n\
         f.yml:5:3: endpoint \"b\" has no upstream; add upstream: {url: …}\n\
         f.yml:6:3: the endpoint has no name; add name: …\n\
         f.yml:8:20: unknown key \"adr\"; did you mean \"addr\"?\n\
         f.yml:9:3: tunnel \"d\" has no addr; add addr: …"
    );
}
