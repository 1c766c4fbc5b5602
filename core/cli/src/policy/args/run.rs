//! Steps that run the component.

use std::{net::IpAddr, path::PathBuf};

use clap::Args;

use super::ProfileArgs;

/// What stands beside a policy when it runs.
///
/// The options have the names of the agent's own, and `--config` means the policy's configuration
/// here: what would stand behind its name in a `handlers:` list.
#[derive(Clone, Debug, Default, Args)]
pub struct GivenArgs {
    /// Its configuration: JSON, or a file of JSON or YAML. Without it, that of its cases.yml.
    #[arg(long, value_name = "JSON|FILE")]
    pub config: Option<PathBuf>,
    /// What it is granted, as in a plugins: entry. Without it, that of its cases.yml.
    #[arg(long, value_name = "JSON|FILE")]
    pub grants: Option<PathBuf>,
}

/// `adit policy check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  adit policy check key-limit.wasm
  adit policy check key-limit.wasm --config '{\"burst\": 20, \"per_ms\": 1000}'
  adit policy check --config-file adit.yml    every plugin and link of the file")]
pub struct CheckArgs {
    /// A component, or a directory of a crate, which is built; the current one without it.
    #[arg(value_name = "FILE|DIR")]
    pub what: Option<PathBuf>,
    /// What stands beside it.
    #[command(flatten)]
    pub given: GivenArgs,
    /// Check every policy of a configuration file instead.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["what", "config", "grants"])]
    pub config_file: Option<PathBuf>,
}

/// `adit policy test`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  adit policy test
  adit policy test policies/key-limit --only 'third call'
  adit policy test --no-native            only cases.yml, against the component")]
pub struct TestArgs {
    /// Directory of the policy's crate; the current one without it.
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Leave cargo test out.
    #[arg(long)]
    pub no_native: bool,
    /// Only cases whose name contains this.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// How it is compiled.
    #[command(flatten)]
    pub profile: ProfileArgs,
}

/// One request, as flags that users of curl know.
#[derive(Clone, Debug, Default, Args)]
pub struct RequestArgs {
    /// Method; GET, or POST with a body.
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub method: Option<String>,
    /// A header, 'name: value'; may be repeated.
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    pub headers: Vec<String>,
    /// Body, or @FILE.
    #[arg(short = 'd', long = "data", value_name = "BODY")]
    pub data: Option<String>,
    /// Address of the visitor.
    #[arg(long, value_name = "IP", default_value = "192.0.2.1")]
    pub from: Option<IpAddr>,
    /// Status of the service's answer, if the request gets there.
    #[arg(long, value_name = "STATUS", default_value_t = 200)]
    pub response_status: u16,
    /// A header of the service's answer; may be repeated.
    #[arg(long, value_name = "HEADER")]
    pub response_header: Vec<String>,
    /// Body of the service's answer, or @FILE.
    #[arg(long, value_name = "BODY")]
    pub response_data: Option<String>,
}

/// `adit policy run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  adit policy run /                       GET / through this directory's policy
  adit policy run key-limit.wasm -H 'x-api-key: a' --config config.json /
  adit policy run . -X POST -d @hook.json /hook
  adit policy run -- 8080                 in front of port 8080; rebuilt and
                                          reloaded when its sources change")]
pub struct RunArgs {
    /// A component or a crate's directory, and the target of the request; both may be left out.
    #[arg(value_name = "FILE|DIR] [TARGET", num_args = 0..=2)]
    pub what: Vec<String>,
    /// What stands beside it.
    #[command(flatten)]
    pub given: GivenArgs,
    /// The request.
    #[command(flatten)]
    pub request: RequestArgs,
    /// Send the same request this often.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub times: u32,
    /// Print it as JSON, one line for each request.
    #[arg(long)]
    pub json: bool,
    /// How a crate is compiled.
    #[command(flatten)]
    pub profile: ProfileArgs,
    /// Serve: an endpoint in front of this port, host:port or URL.
    #[arg(last = true, value_name = "UPSTREAM", conflicts_with_all = [
        "method", "headers", "data", "from", "response_status", "response_header", "response_data",
        "times", "json",
    ])]
    pub upstream: Option<String>,
}

/// `adit policy bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  adit policy bench                       the policy of this directory
  adit policy bench key-limit.wasm -H 'x-api-key: a' --json")]
pub struct BenchArgs {
    /// A component or a crate's directory, and the target of the request; both may be left out.
    #[arg(value_name = "FILE|DIR] [TARGET", num_args = 0..=2)]
    pub what: Vec<String>,
    /// What stands beside it.
    #[command(flatten)]
    pub given: GivenArgs,
    /// The request.
    #[command(flatten)]
    pub request: RequestArgs,
    /// Print it as JSON.
    #[arg(long)]
    pub json: bool,
}
