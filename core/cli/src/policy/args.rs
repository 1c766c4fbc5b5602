//! The command line of `adit policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

mod run;

pub use self::run::{BenchArgs, CheckArgs, GivenArgs, RequestArgs, RunArgs, TestArgs};

/// `adit policy`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PolicyArgs {
    /// Which step.
    #[command(subcommand)]
    pub command: PolicyCommand,
}

const EXAMPLES: &str = "\
Examples:
  adit policy new key-limit && cd key-limit
  adit policy test                        native tests, then the component's
  adit policy run -H 'x-api-key: a' /     one request: verdict, edits, time
  adit policy run -- 8080                 in front of a service, reloading
  adit policy build                       key-limit.wasm
  adit http 8080 --policy ./key-limit.wasm=config.json";

/// The steps of a policy's life.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Start a policy: a crate with one hook, a test, and the next steps.
    New(NewArgs),
    /// Compile it to a component and say what that needs.
    Build(BuildArgs),
    /// Load it as the agent would: imports, grants, configuration.
    Check(CheckArgs),
    /// Run its native tests, then its cases against the component.
    Test(TestArgs),
    /// Show it one request; or, after --, put it in front of a service.
    Run(Box<RunArgs>),
    /// Measure it on this machine.
    Bench(BenchArgs),
    /// Show what a component is: hooks, imports, grants, versions.
    Inspect(InspectArgs),
}

/// `adit policy new`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  adit policy new key-limit
  adit policy new key-limit --path policies/key-limit

The crate builds with cargo and crates.io alone: the SDK's sources are written
into its directory sdk/. Inside a checkout of adit it uses the SDK of the
checkout.")]
pub struct NewArgs {
    /// Name of the policy: lower-case letters, digits, - and _.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Directory to make; ./NAME without it.
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,
}

/// Where the sources of a policy are.
#[derive(Clone, Debug, Default, Args)]
pub struct CrateArgs {
    /// Directory of the policy's crate; the current one without it.
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Its Cargo.toml, instead of DIR.
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    pub manifest_path: Option<PathBuf>,
}

/// How it is compiled.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct ProfileArgs {
    /// Compile optimised; this is the default.
    #[arg(long, conflicts_with = "dev")]
    pub release: bool,
    /// Compile for debugging: faster to build, larger and slower to run.
    #[arg(long)]
    pub dev: bool,
}

/// `adit policy build`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  adit policy build
  adit policy build policies/key-limit
  adit policy build --dev -o /tmp/key-limit.wasm
  adit policy build --module core.wasm    a module of another compiler

$CARGO and $RUSTC name other tools than the ones on the path. The target
wasm32-unknown-unknown is needed: rustup target add wasm32-unknown-unknown")]
pub struct BuildArgs {
    /// Where the sources are.
    #[command(flatten)]
    pub source: CrateArgs,
    /// Make the component of this core module instead, whatever language it is written in.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dir", "manifest_path", "release", "dev"])]
    pub module: Option<PathBuf>,
    /// How it is compiled.
    #[command(flatten)]
    pub profile: ProfileArgs,
    /// File to write; NAME.wasm beside Cargo.toml, or the module, without it.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `adit policy inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  adit policy inspect key-limit.wasm
  adit policy inspect key-limit.wasm --json | jq .grants")]
pub struct InspectArgs {
    /// The component, or any other WebAssembly file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print it as JSON.
    #[arg(long)]
    pub json: bool,
}
