//! `adit policy`: write, build, test and measure WebAssembly policies.
//!
//! ```text
//! new ─► crate ─build─► NAME.wasm ─► inspect · check · test · run · bench
//! ```
//!
//! Compiling is cargo's work; making a component of what it leaves, and everything after, happens
//! in this process with the very host that the agent uses.

pub mod args;

#[cfg(feature = "wasm")]
mod artifact;
#[cfg(feature = "wasm")]
mod bench;
#[cfg(feature = "wasm")]
mod build;
#[cfg(feature = "wasm")]
mod cargo;
#[cfg(feature = "wasm")]
mod cases;
#[cfg(feature = "wasm")]
mod check;
#[cfg(feature = "wasm")]
mod component;
#[cfg(feature = "wasm")]
mod contents;
#[cfg(feature = "wasm")]
mod given;
#[cfg(feature = "wasm")]
mod heads;
#[cfg(feature = "wasm")]
mod inspect;
#[cfg(feature = "wasm")]
mod module;
#[cfg(feature = "wasm")]
mod new;
#[cfg(feature = "wasm")]
mod report;
#[cfg(feature = "wasm")]
mod request;
#[cfg(feature = "wasm")]
mod run;
#[cfg(feature = "wasm")]
mod serve;
#[cfg(feature = "wasm")]
mod stage;
#[cfg(feature = "wasm")]
mod test;
#[cfg(feature = "wasm")]
mod text;
#[cfg(feature = "wasm")]
mod vendor;
#[cfg(feature = "wasm")]
mod watch;

use std::process::ExitCode;

use anyhow::Result;

use crate::args::GlobalArgs;

use self::args::PolicyArgs;

/// Runs one of the subcommands.
#[cfg(feature = "wasm")]
pub(crate) fn run(global: &GlobalArgs, args: PolicyArgs) -> Result<ExitCode> {
    use self::args::PolicyCommand as Is;

    match args.command {
        Is::New(args) => new::run(&args)?,
        Is::Build(args) => build::run(&args)?,
        Is::Check(args) => check::run(global, &args)?,
        Is::Test(args) => test::run(&args)?,
        Is::Run(args) => match &args.upstream {
            Some(upstream) => return serve::run(global, &args, upstream),
            None => run::request(&args)?,
        },
        Is::Bench(args) => bench::run(&args)?,
        Is::Inspect(args) => inspect::run(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Says that this binary cannot.
#[cfg(not(feature = "wasm"))]
pub(crate) fn run(_: &GlobalArgs, _: PolicyArgs) -> Result<ExitCode> {
    anyhow::bail!(
        "this adit was built without WebAssembly policies; use a release, or build it with the \
         feature \"wasm\", which is on unless --no-default-features is given"
    )
}
