//! The command line of adit: commands, logs, exit codes, and the wiring of everything.
//!
//! A library beside a thin `main`, so that the tests drive what users run.

mod app;
pub mod args;
pub mod completion;
pub mod config_command;
mod console;
mod credits;
mod deprecated;
mod descriptors;
mod documents;
mod edge;
mod embedded;
mod explain;
mod failure;
mod fetch;
mod flags;
mod help;
pub mod inspect;
mod load;
pub mod log;
mod output;
mod persona;
mod plugins;
pub mod policy;
mod printable;
mod qr;
mod runtime;
mod signals;
mod trim;

use std::{ffi::OsString, process::ExitCode};

use adit_chain::Registry;
use adit_config::{file::PolicyRequests, location::Persona};
use adit_policy::{Reach, Services};
use anyhow::Result;
use clap::FromArgMatches;

use self::args::{Cli, Command, EndpointArgs, GlobalArgs};

/// The handlers of this program.
pub fn registry() -> Registry {
    asking(Registry::default().with(adit_builtin::all()), PolicyRequests::Internal)
}

/// These handlers, with traffic policies that may ask whom the operator lets them.
fn asking(registry: Registry, whom: PolicyRequests) -> Registry {
    let services = Services { reach: reach(whom), ..fetch::services() };
    registry.with([adit_policy::factory(services)])
}

/// As [`asking`], for the policies of whoever may bind at an edge.
fn asking_at_edge(registry: Registry, whom: PolicyRequests) -> Registry {
    registry.with([adit_policy::factory(fetch::services_of_edge(reach(whom)))])
}

const fn reach(whom: PolicyRequests) -> Reach {
    match whom {
        PolicyRequests::Any => Reach::Any,
        PolicyRequests::Internal => Reach::Inside,
        PolicyRequests::Public => Reach::Public,
    }
}

/// Runs the program with its arguments, the name first. Prints what went wrong; 0 or 1.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = without_echo(args.into_iter().collect());
    let persona = persona::of(args.first().map(OsString::as_os_str));
    if let Some(answered) = completion::answer(persona, &args) {
        return answered;
    }
    let command = help::command(persona);
    if args.len() <= 1 {
        output::line(help::brief(&command, persona).trim_end());
        return ExitCode::SUCCESS;
    }
    let parsed = command.try_get_matches_from(&args).and_then(|matches| {
        let deprecated = deprecated::notices(matches.subcommand_name().unwrap_or_default(), &args);
        Ok((Cli::from_arg_matches(&matches)?, deprecated))
    });
    let (mut cli, deprecated) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage(persona, &error, &args),
    };
    let config = match args::paths::all(&args) {
        Some(paths) if !cli.global.config.is_empty() => paths,
        _ => cli.global.config,
    };
    cli.global = GlobalArgs { config, persona, deprecated, ..cli.global };
    let global = cli.global.clone();
    let result = dispatch(cli, args.first()).map_err(|error| failure::text(persona, &error));
    let result = result.inspect_err(|err| {
        load::start_log_of_flags(&global);
        tracing::error!(target: log::CRIT, %err, "command failed");
    });
    let reader = load::end_log();
    match result {
        Ok(code) => code,
        Err(text) => {
            output::error(&text);
            if let Some(reader) = reader {
                reader.wait();
            }
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli, program: Option<&OsString>) -> Result<ExitCode> {
    let Cli { global, command } = cli;
    match command {
        Command::Http(args) => {
            app::one(&global, &args.session, &args.endpoint, flags::http(&args)?)
        }
        Command::Tcp(args) => app::one(&global, &args.session, &args.endpoint, flags::tcp(&args)?),
        Command::Tls(args) => app::one(&global, &args.session, &args.endpoint, flags::tls(&args)?),
        Command::Tunnel(args) => {
            let endpoint = EndpointArgs::default();
            app::one(&global, &args.session, &endpoint, flags::tunnel(&args))
        }
        Command::Start(args) => app::named(&global, &args),
        Command::Explain(args) => explain::run(&global, &args),
        Command::Inspect(args) => inspect::run(&global, *args),
        Command::Edge(args) => edge::run(&global, *args),
        Command::Policy(args) => policy::run(&global, *args),
        Command::Config(args) => config_command::run(global.persona, &global, *args),
        Command::Authtoken { token } => config_command::authtoken(global.persona, &global, &token),
        Command::Completion(args) => completion::run(global.persona, program, args.shell),
        Command::Credits => {
            output::line(credits::TEXT.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Version => {
            output::line(persona::version_line(global.persona));
            Ok(ExitCode::SUCCESS)
        }
        Command::Update { .. } => {
            output::line(format_args!(
                "{}: this build does not replace itself; update it the way it was installed",
                persona::version_line(global.persona)
            ));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// `help` takes the names of commands only; to ask it for help is to ask once more.
fn without_echo(mut args: Vec<OsString>) -> Vec<OsString> {
    if args.get(1).is_some_and(|command| command == "help") {
        args.retain(|arg| arg != "--help" && arg != "-h");
    }
    args
}

/// Answers a command line that is not one, or that asks for help.
fn usage(persona: Persona, error: &clap::Error, args: &[OsString]) -> ExitCode {
    if args::asks(error, args) {
        output::line(error.render().to_string().trim_end());
        return ExitCode::SUCCESS;
    }
    output::error(&failure::called(persona, &args::describe(error, args)));
    ExitCode::FAILURE
}
