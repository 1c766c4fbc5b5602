//! Values that the declaration of an argument does not tell: names in the configuration, and words.

use std::{env, path::Path};

use adit_config::{
    endpoint_url::Binding,
    file::{File, HttpVersion, LogFormat, LogLevel},
    location::{self, Os},
};
use clap::Command;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::args::paths;

/// Most names that are offered.
const MAX_NAMES: usize = 1000;

/// Adds to the command line what its values can be.
pub(crate) fn with_values(command: Command) -> Command {
    let mut command = command;
    for name in ["start", "explain"] {
        command = command.mut_subcommand(name, |sub| {
            sub.mut_arg("names", |names| names.add(ArgValueCandidates::new(endpoints)))
        });
    }
    let words = |words: &'static [&'static str]| {
        ArgValueCandidates::new(move || words.iter().map(CompletionCandidate::new).collect())
    };
    command = command
        .mut_arg("log", |log| log.add(words(&["stdout", "stderr", "false"])))
        .mut_arg("log_format", |format| format.add(words(LogFormat::WORDS)))
        .mut_arg("log_level", |level| level.add(words(LogLevel::WORDS)));
    for name in ["http", "tcp", "tls"] {
        command = command.mut_subcommand(name, |sub| {
            sub.mut_args(|arg| match arg.get_id().as_str() {
                "binding" => arg.add(words(Binding::WORDS)),
                "upstream_protocol" => arg.add(words(HttpVersion::WORDS)),
                "upstream_proxy_protocol" => arg.add(words(&["1", "2"])),
                "connect_cas" => arg.add(words(&["trusted", "host"])),
                "oauth" => arg.add(words(PROVIDERS)),
                "verify_webhook" => arg.add(words(WEBHOOKS)),
                _ => arg,
            })
        });
    }
    command.mut_subcommand("inspect", |inspect| {
        inspect.mut_subcommands(|sub| {
            sub.mut_args(|arg| match arg.get_id().as_str() {
                "endpoint" => arg.add(ArgValueCandidates::new(endpoints)),
                "method" => arg.add(words(METHODS)),
                "status" => arg.add(words(&["2xx", "3xx", "4xx", "5xx"])),
                "id" => arg.add(words(&["last"])),
                _ => arg,
            })
        })
    })
}

/// Who can be signed in with.
const PROVIDERS: &[&str] =
    &["amazon", "facebook", "github", "gitlab", "google", "linkedin", "microsoft", "twitch"];

/// Services whose webhooks are verified most often; many others can be written.
const WEBHOOKS: &[&str] =
    &["bitbucket", "github", "gitlab", "shopify", "slack", "stripe", "twilio", "zoom"];

/// Methods that are offered; any other can be written.
const METHODS: &[&str] = &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// The endpoints of the files that the command line names so far, or of the one at the default
/// place. A file that is not valid tells those that can be read.
fn endpoints() -> Vec<CompletionCandidate> {
    let words: Vec<_> = env::args().skip_while(|arg| arg != "--").skip(1).collect();
    let mut paths = paths::named(words.iter().map(String::as_str));
    if paths.is_empty() {
        let persona = crate::persona::of(words.first().map(AsRef::as_ref));
        let env = crate::load::env();
        let home = location::home(&env);
        let found = home.map(|home| location::find(persona, Os::HERE, &home, &env, Path::exists));
        paths.extend(found.map(|found| found.path().to_owned()));
    }
    let mut merged = File::default();
    for path in paths {
        if let Ok(file) = File::load(&path) {
            merged.merge(file);
        }
    }
    let endpoints = merged.endpoints.into_iter().flat_map(|list| list.value).filter_map(|e| {
        let about = e.value.description.or(e.value.url).map(|at| at.value);
        Some((e.value.name?.value, about))
    });
    let tunnels =
        merged.tunnels.0.into_iter().map(|(name, tunnel)| {
            (name.value, tunnel.description.or(tunnel.addr).map(|at| at.value))
        });
    let all = endpoints.chain(tunnels).filter(|(name, _)| !words.contains(name)).take(MAX_NAMES);
    all.map(|(name, about)| CompletionCandidate::new(name).help(about.map(Into::into))).collect()
}
