#![allow(clippy::unwrap_used)]

use adit_config::location::Persona;
use clap::FromArgMatches;

use super::*;
use crate::{deprecated, flags, help};

/// What becomes of a command line: nothing, where it is taken, else the text of the refusal.
fn refusal(args: &[&str]) -> Option<String> {
    let args = [&["adit"], args].concat();
    let parsed = help::command(Persona::Adit).try_get_matches_from(args);
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return Some(describe(&error)),
    };
    let tunnel = match &cli.command {
        Command::Http(args) => flags::http(args).map(drop),
        Command::Tcp(args) => flags::tcp(args).map(drop),
        Command::Tls(args) => flags::tls(args).map(drop),
        _ => Ok(()),
    };
    tunnel.err().map(|error| format!("{error:#}"))
}

/// Flags of the v3 agent that every command for one endpoint has.
const COMMON: &[&str] = &[
    "--traffic-policy-file=a",
    "--traffic-policy-url=a",
    "--policy-file=a",
    "--url=app.example.com",
    "--name=web",
    "--description=text",
    "--metadata=text",
    "--binding=public",
    "--binding=internal",
    "--binding=kubernetes",
    "--pooling-enabled",
    "--pooling-enabled=false",
    "--upstream-proxy-protocol=1",
    "--proxy-proto=2",
    "--authtoken=t",
    "--region=us",
    "--cidr-allow=10.0.0.0/8,::1/128",
    "--cidr-deny=10.0.0.0/8",
    "--config=a.yml,b.yml",
    "--log=stdout",
    "--log-format=json",
    "--log-level=crit",
];

const HTTP: &[&str] = &[
    "--oauth=google",
    "--oauth-allow-domain=a",
    "--oauth-allow-email=a",
    "--oauth-scope=a",
    "--oauth-client-id=a",
    "--oauth-client-secret=a",
    "--oidc=https://a",
    "--oidc-client-id=a",
    "--oidc-client-secret=a",
    "--oidc-scope=a",
    "--verify-webhook=a",
    "--verify-webhook-secret=a",
    "--inspect",
    "--inspect=false",
    "--upstream-tls-verify",
    "--upstream-tls-verify=true",
    "--upstream-tls-verify-cas=ca.pem",
    "--verify-upstream-tls",
    "--app-protocol=http2",
    "--upstream-protocol=http1",
    "--basic-auth=ann:correct-horse,bob:battery-staple",
    "--circuit-breaker=0.5",
    "--compression",
    "--domain=a.example",
    "--hostname=a.example",
    "--subdomain=a",
    "--host-header=rewrite",
    "--mutual-tls-cas=ca.pem",
    "--request-header-add=a:b",
    "--request-header-remove=a,b",
    "--response-header-add=a:b",
    "--response-header-remove=a",
    "--scheme=http,https",
    "--ua-filter-allow=x",
    "--ua-filter-deny=x",
    "--websocket-tcp-converter",
];

const TLS: &[&str] = &[
    "--crt=c.pem",
    "--key=k.pem",
    "--mutual-tls-cas=ca.pem",
    "--terminate-at=edge",
    "--terminate-at=agent",
    "--terminate-at=upstream",
    "--upstream-tls-verify",
    "--upstream-tls-verify-cas=ca.pem",
    "--domain=a.example",
    "--hostname=a.example",
    "--subdomain=a",
];

#[test]
fn every_flag_of_the_reference_works() {
    for (command, more) in [("http", HTTP), ("tcp", &["--remote-addr=a:1"]), ("tls", TLS)] {
        for flag in COMMON.iter().chain(more) {
            assert_eq!(refusal(&[command, "80", flag]), None, "{command} {flag}");
            assert_eq!(refusal(&[command, flag, "80"]), None, "{command} {flag}");
        }
    }
    for args in [
        &["start", "--all", "--authtoken=t", "--region", "eu"][..],
        &["start", "--none=true"],
        &["start", "a", "b"],
        &["tunnel", "80", "--label", "a=b", "--label=c=d", "--inspect=false", "--metadata", "x"],
        &["authtoken", "t", "--config=a.yml", "--log", "stdout"],
        &["--config", "a.yml", "http", "80"],
        &["http", "--config", "a.yml", "80", "--config=b.yml"],
        &["credits", "--config", "a.yml"],
    ] {
        assert_eq!(refusal(args), None, "{args:?}");
    }
}

#[test]
fn what_is_no_value_of_a_flag_is_told_with_its_name() {
    for (args, name) in [
        (&["http", "80", "--binding=nobody"][..], "--binding"),
        (&["http", "80", "--binding=public,internal"], "--binding"),
        (&["http", "80", "--upstream-proxy-protocol=two"], "--upstream-proxy-protocol"),
        (&["http", "80", "--upstream-protocol=http3"], "--upstream-protocol"),
        (&["http", "80", "--circuit-breaker=much"], "--circuit-breaker"),
        (&["http", "80", "--circuit-breaker=nan"], "--circuit-breaker: \"nan\" is not a number"),
        (&["http", "80", "--scheme=ftp"], "--scheme"),
        (&["http", "80", "--inspect=maybe"], "--inspect"),
        (&["tls", "80", "--terminate-at=moon"], "--terminate-at"),
        (&["http", "80", "-log=stdout"], "-l"),
        (&["http", "80", "-region", "us"], "-r"),
        (&["tcp", "80", "--basic-auth=a:b"], "--basic-auth"),
        (&["http", "80", "81"], "81"),
        (&["start", "a", "--all"], "--all"),
        (&["start", "--none", "--all"], "--none"),
    ] {
        let text = refusal(args).unwrap();
        assert!(text.contains(name) && !text.contains('\n'), "{args:?}: {text}");
    }
}

#[test]
fn deprecated_flags_are_those_of_the_reference() {
    for (command, flags) in [("http", HTTP), ("tls", TLS)] {
        for flag in flags
            .iter()
            .filter(|flag| !flag.contains("upstream-tls") && !flag.contains("verify-up"))
        {
            let name = flag.split('=').next().unwrap();
            let plain = match command {
                "http" => name == "--inspect",
                _ => matches!(name, "--crt" | "--key" | "--mutual-tls-cas"),
            };
            let told = deprecated::notices(command, &["adit", command, "80", flag].map(Into::into));
            assert_eq!(told.is_empty(), plain, "{command} {flag}: {told:?}");
            let begins = format!("Flag {name} has been deprecated, use ");
            assert!(told.iter().all(|text| text.starts_with(&begins)), "{told:?}");
        }
    }
}
