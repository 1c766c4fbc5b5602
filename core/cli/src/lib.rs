//! The command line of adit: commands, logs, exit codes, and the wiring of everything.
//!
//! A library beside a thin `main`, so that the tests drive what users run.

pub mod args;
mod edge;
mod embedded;
mod flags;
mod forward;
mod load;
pub mod log;
mod output;
mod plugins;
pub mod policy;
mod signals;
mod status;

use std::{ffi::OsString, process::ExitCode};

use adit_chain::Registry;
use anyhow::Result;
use clap::{Parser, error::ErrorKind};

use self::args::{Cli, Command};

/// The handlers of this program.
pub fn registry() -> Registry {
    Registry::default().with(adit_builtin::all())
}

/// Runs the program with its arguments, the name first. Prints what went wrong; 0 or 1.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match dispatch(cli) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!(target: log::CRIT, err = %format!("{error:#}"), "command failed");
            output::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> Result<ExitCode> {
    let Cli { global, command } = cli;
    match command {
        Command::Http(args) => {
            forward::one(&global, &args.session, &args.endpoint, flags::http(&args)?)
        }
        Command::Tcp(args) => {
            forward::one(&global, &args.session, &args.endpoint, flags::tcp(&args)?)
        }
        Command::Tls(args) => {
            forward::one(&global, &args.session, &args.endpoint, flags::tls(&args)?)
        }
        Command::Start(args) => forward::named(&global, &args),
        Command::Edge(args) => edge::run(&global, *args),
        Command::Policy(args) => policy::run(&global, *args),
        Command::Version => {
            output::line(format_args!("adit version {}", env!("CARGO_PKG_VERSION")));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Answers a command line that is not one, or that asks for help.
fn usage(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::DisplayVersion => {
            output::line(error.render().to_string().trim_end());
            ExitCode::SUCCESS
        }
        _ => {
            output::error(&args::describe(error));
            ExitCode::FAILURE
        }
    }
}
