#![allow(clippy::unwrap_used)]

use std::ffi::OsString;

use adit_config::location::Persona;
use clap::FromArgMatches;

use super::*;
use crate::{deprecated, flags, help};

/// What becomes of a command line: nothing, where it is taken, else the text of the refusal.
fn refusal(args: &[&str]) -> Option<String> {
    let args: Vec<OsString> = ["adit"].iter().chain(args).map(OsString::from).collect();
    let parsed = help::command(Persona::Adit).try_get_matches_from(&args);
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) if asks(&error, &args) => return None,
        Err(error) => return Some(describe(&error, &args)),
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
        &["update", "--channel", "beta"],
        &["policy", "run", "--dev", "--grants", "{}", "a.wasm", "--", "80"],
        &["http", "-h"],
        &["-v"],
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
        (&["http", "80", "-x"], "-x"),
        (&["tcp", "80", "--basic-auth=a:b"], "--basic-auth"),
        (&["http", "80", "81"], "81"),
        (&["start", "a", "--all"], "--all"),
        (&["policy", "run", "-X", "PUT", "--", "80"], "--request"),
        (&["policy", "run", "--times=2", "--", "80"], "--times"),
        (&["start", "--none", "--all"], "--none"),
        (&["update", "--channel=nightly"], "--channel"),
    ] {
        let text = refusal(args).unwrap();
        assert!(text.contains(name) && !text.contains('\n'), "{args:?}: {text}");
    }
}

#[test]
fn what_the_agents_before_took_is_told_as_it_is_written_now() {
    let text = |args: &[&str]| refusal(args).unwrap();
    for args in [&["http", "-log=secret", "80"][..], &["-log=secret", "http", "80"]] {
        assert_eq!(text(args), "unknown flag -log; write --log, with two hyphens");
    }
    assert_eq!(
        text(&["http", "-hostname=a.example", "80"]),
        "unknown flag -hostname; write --hostname, with two hyphens"
    );
    assert_eq!(
        text(&["http", "80", "--inspect", "false"]),
        "unknown argument false; write --inspect=false"
    );
}

#[test]
fn who_is_refused_is_sent_to_the_help_of_the_command() {
    let required = "the following required arguments were not provided:";
    for (args, says) in [
        (&["http"][..], format!("{required} <UPSTREAM>; see adit http --help")),
        (&["--log", "stdout", "http"], format!("{required} <UPSTREAM>; see adit http --help")),
        (
            &["config", "add-authtoken"],
            format!("{required} <TOKEN>; see adit config add-authtoken --help"),
        ),
        (
            &["start", "http", "--wacth"],
            "unknown flag or argument --wacth; did you mean --watch?".to_owned(),
        ),
        (&["http", "80", "81"], "unknown flag or argument 81; see adit http --help".to_owned()),
        (&["htp"], "unknown command htp; did you mean http?".to_owned()),
        (&["nonsense"], "unknown command nonsense; see adit --help".to_owned()),
        (&["--log=stdout"], "no command was given; see adit --help".to_owned()),
    ] {
        assert_eq!(refusal(args).as_deref(), Some(&*says), "{args:?}");
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
