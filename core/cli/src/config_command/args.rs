//! The command line of `adit config`.

use clap::{ArgAction, Args, Subcommand, ValueEnum};

/// `adit config`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_help = EXAMPLES)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

const EXAMPLES: &str = "\
Examples:
  adit config check                       say what is wrong, line by line
  adit config add-authtoken TOKEN         know the agent by this token
  adit config edit                        open it in $EDITOR, check it after
  adit config upgrade --dry-run           show what an upgrade would make of it
  adit config schema > adit.schema.json   for editors that complete and check";

/// What can be done with a configuration file.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say whether the file is valid, and if not, everything that is wrong.
    #[command(after_help = "\
Examples:
  adit config check
  adit config check --config adit.yml --config secrets.yml
  adit config check --config edge.yml     a file of an edge

Several files are checked as they are used: later ones win.")]
    Check,
    /// Open the file in an editor and check it afterwards.
    #[command(after_help = "\
Examples:
  adit config edit
  EDITOR='code --wait' adit config edit --config adit.yml

Without EDITOR it is nano.")]
    Edit,
    /// Write the account's token into the file.
    #[command(after_help = "\
Examples:
  adit config add-authtoken 4kTtXq…
  adit config add-authtoken 4kTtXq… --config adit.yml")]
    AddAuthtoken {
        /// Token of the account at the edge.
        token: String,
    },
    /// Write the key for the management API into the file.
    #[command(after_help = "\
Examples:
  adit config add-api-key KEY")]
    AddApiKey {
        /// The key.
        key: String,
    },
    /// Write the address of the edge into the file.
    #[command(
        alias = "add-server-addr",
        after_help = "\
Examples:
  adit config add-connect-url connect.tunnel.example.com:443"
    )]
    AddConnectUrl {
        /// The edge to dial.
        #[arg(value_name = "HOST:PORT")]
        address: String,
    },
    /// Have the running agent read its configuration again.
    #[command(after_help = "\
Examples:
  adit config reload
  adit config reload --addr 4041

Endpoints that did not change keep their connections. A file with a mistake
changes nothing. What needs a restart is named.")]
    Reload {
        /// Where the agent's web service is, if the configuration does not say.
        #[arg(long, value_name = "HOST:PORT")]
        addr: Option<String>,
    },
    /// Bring the file to a later version of its layout.
    Upgrade(UpgradeArgs),
    /// Print the JSON Schema of the file.
    #[command(after_help = "\
Examples:
  adit config schema > adit.schema.json
  adit config schema edge > edge.schema.json

An editor with a YAML language server uses it after this first line of the file:
  # yaml-language-server: $schema=adit.schema.json")]
    Schema {
        /// Which file.
        #[arg(value_enum, value_name = "FILE", default_value = "agent")]
        of: SchemaOf,
    },
}

/// `adit config upgrade`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  adit config upgrade                     to the next version
  adit config upgrade 3 --dry-run         only show what would be written
  adit config upgrade --relocate          also move it to the default place

Comments are kept. The file as it was is kept beside it, as FILE.v1.bak or
FILE.v2.bak.")]
pub struct UpgradeArgs {
    /// The version to bring it to; the next one, if it is not said.
    #[arg(value_parser = clap::value_parser!(u8).range(1..=3))]
    pub version: Option<u8>,
    /// Print the result and write nothing.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", default_value_t = false)]
    #[arg(require_equals = true, action = ArgAction::Set)]
    pub dry_run: bool,
    /// Move the file to the default place.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", default_value_t = false)]
    #[arg(require_equals = true, action = ArgAction::Set)]
    pub relocate: bool,
}

/// The files that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The agent's file.
    Agent,
    /// The file of `adit edge`.
    Edge,
}
