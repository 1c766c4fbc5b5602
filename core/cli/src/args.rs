//! The command line, as types.
//!
//! Flags keep the names and meanings that users of the v3 agent know, all of them.

mod edge;
mod endpoint;
mod login;
mod mistake;
pub(crate) mod paths;
mod tunnel;

use std::path::PathBuf;

use adit_config::location::Persona;
use clap::{ArgAction, Args, Parser, Subcommand};

pub use self::{
    edge::{EdgeArgs, EdgeCommand, EdgeRunArgs},
    endpoint::{EndpointArgs, HttpArgs, TcpArgs, Terminate, TerminateArgs, TlsArgs},
    login::LoginArgs,
    mistake::{asks, describe},
    tunnel::TunnelArgs,
};
pub use crate::{
    completion::CompletionArgs, config_command::args::ConfigArgs, explain::ExplainArgs,
    inspect::args::InspectArgs,
};

/// Open, self-hosted tunnels that you can program.
#[derive(Debug, Parser)]
#[command(
    name = "adit",
    disable_version_flag = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 80
)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// Which command.
    #[command(subcommand)]
    pub command: Command,
}

/// What is asked of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Put a local web service, or a directory, on a public URL.
    Http(Box<HttpArgs>),
    /// Put a local TCP service on a public address.
    Tcp(Box<TcpArgs>),
    /// Put a local TLS service on a public name, routed by SNI.
    Tls(Box<TlsArgs>),
    /// Start endpoints from the configuration file, in one session.
    Start(StartArgs),
    /// Say what would happen to the connections of each endpoint, and why.
    Explain(ExplainArgs),
    /// Show, replay and export what the running agent has captured.
    Inspect(Box<InspectArgs>),
    /// Run an edge: the service that agents dial and visitors reach.
    Edge(Box<EdgeArgs>),
    /// Write, build, test and measure a policy in WebAssembly.
    Policy(Box<crate::policy::args::PolicyArgs>),
    /// Check or change the configuration file.
    Config(Box<ConfigArgs>),
    /// Print a script that lets a shell complete commands, flags and names.
    Completion(CompletionArgs),
    /// Print who made this, and the licences of what it is made of.
    Credits,
    /// Print the version.
    Version,
    /// Say that whoever installed the program updates it. Wrappers of the ngrok agent call it and
    /// expect success.
    #[command(hide = true)]
    Update {
        /// Which releases to choose from: stable, beta or unstable. There is no choice.
        #[arg(long, value_name = "CHANNEL", value_parser = ["stable", "beta", "unstable"])]
        channel: Option<String>,
    },
    /// Serve what the edge routes by labels.
    #[command(hide = true)]
    Tunnel(Box<TunnelArgs>),
    /// Write the token into the file; `config add-authtoken` is the newer spelling.
    #[command(hide = true)]
    Authtoken {
        /// Token of the account at the edge.
        token: String,
    },
}

/// Flags that every command takes.
#[derive(Clone, Debug, Default, Args)]
pub struct GlobalArgs {
    /// Configuration file; may be repeated, later files win.
    #[arg(long, global = true, value_name = "PATH", value_delimiter = ',')]
    pub config: Vec<PathBuf>,
    /// Where the log goes: stdout, stderr, false, or a file.
    #[arg(long, global = true, value_name = "TARGET", hide = true)]
    pub log: Option<String>,
    /// How a log record is written.
    #[arg(long, global = true, value_name = "FORMAT", hide = true)]
    pub log_format: Option<String>,
    /// The least severe record that is written.
    #[arg(long, global = true, value_name = "LEVEL", hide = true)]
    pub log_level: Option<String>,
    /// Under which name the program was started.
    #[arg(skip)]
    pub persona: Persona,
    /// What to say in the log about flags that were used.
    #[arg(skip)]
    pub deprecated: Vec<String>,
}

/// Which edge, and as whom.
#[derive(Clone, Debug, Default, Args)]
pub struct SessionArgs {
    /// Token of the account at the edge.
    #[arg(long, value_name = "TOKEN")]
    pub authtoken: Option<String>,
    /// The edge to dial; without one, an edge is embedded on loopback.
    #[arg(long, value_name = "HOST:PORT")]
    pub connect_url: Option<String>,
    /// Roots that vouch for the edge: trusted, host, or a PEM file.
    #[arg(long, value_name = "ROOTS")]
    pub connect_cas: Option<String>,
    /// Region of a hosted service; an edge of one's own has none.
    #[arg(long, value_name = "REGION", hide = true)]
    pub region: Option<String>,
}

/// `adit start`.
#[derive(Debug, Args)]
pub struct StartArgs {
    /// Names of endpoints in the configuration file.
    pub names: Vec<String>,
    /// Start every endpoint that is defined.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", default_value_t = false)]
    #[arg(require_equals = true, action = ArgAction::Set, conflicts_with_all = ["names", "none"])]
    pub all: bool,
    /// Start the session without an endpoint.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", default_value_t = false)]
    #[arg(require_equals = true, action = ArgAction::Set, conflicts_with = "names")]
    pub none: bool,
    /// Reload configuration and policies that change.
    #[arg(long)]
    pub watch: bool,
    /// Show the public URLs as QR codes.
    #[arg(long)]
    pub qr: bool,
    /// Which edge, and as whom.
    #[command(flatten)]
    pub session: SessionArgs,
}

#[cfg(test)]
mod tests;
