//! `adit config`: checks and changes the configuration file, and describes what it may say.

mod add;
pub mod args;
mod check;
mod edit;
mod reload;
mod schema;
mod upgrade;
mod whereabouts;
mod write;

use std::process::ExitCode;

use adit_config::{Layers, edit::Setting, location::Persona};
use anyhow::Result;

use self::args::{ConfigArgs, ConfigCommand};
use crate::{
    args::{GlobalArgs, SessionArgs},
    flags,
    log::{self, LogGuard, Purpose},
};

/// Runs `adit config …`.
pub(crate) fn run(persona: Persona, global: &GlobalArgs, args: ConfigArgs) -> Result<ExitCode> {
    let _log = start_log(global)?;
    match args.command {
        ConfigCommand::Check => check::run(persona, global),
        ConfigCommand::Edit => edit::run(persona, global),
        ConfigCommand::AddAuthtoken { token } => {
            add::run(persona, global, Setting::Authtoken, &token)
        }
        ConfigCommand::AddApiKey { key } => add::run(persona, global, Setting::ApiKey, &key),
        ConfigCommand::AddConnectUrl { address } => {
            add::run(persona, global, Setting::ConnectUrl, &address)
        }
        ConfigCommand::Upgrade(args) => upgrade::run(persona, global, &args),
        ConfigCommand::Reload { addr } => reload::run(global, addr.as_deref()),
        ConfigCommand::Schema { of } => schema::run(of),
    }
}

/// Runs `adit authtoken TOKEN`, the older spelling of `adit config add-authtoken TOKEN`.
pub(crate) fn authtoken(persona: Persona, global: &GlobalArgs, token: &str) -> Result<ExitCode> {
    let _log = start_log(global)?;
    add::run(persona, global, Setting::Authtoken, token)
}

/// The log that the flags ask for. What the file says of logs is for the agent: a command that
/// repairs a file must not depend on it.
fn start_log(global: &GlobalArgs) -> Result<LogGuard> {
    let flags = flags::file(global, &SessionArgs::default())?;
    let settings = Layers { flags, ..Layers::default() }.resolve()?.log;
    log::start(&settings, Purpose::Record)
}
