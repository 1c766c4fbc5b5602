//! `adit config add-…`: one setting, and nothing else in the file changes.

use std::process::ExitCode;

use adit_config::{
    addr::ConnectAddr,
    edit::{self, Setting},
    location::Persona,
};
use anyhow::{Context, Result, bail};

use super::{
    whereabouts,
    write::{self, Access},
};
use crate::{args::GlobalArgs, output::line};

pub(super) fn run(
    persona: Persona,
    global: &GlobalArgs,
    setting: Setting,
    value: &str,
) -> Result<ExitCode> {
    if value.is_empty() {
        bail!("an empty value is none");
    }
    if setting == Setting::ConnectUrl {
        value.parse::<ConnectAddr>().context("the edge's address")?;
    }
    let path = whereabouts::one(persona, global)?;
    let text = match write::read(&path)? {
        None => edit::fresh(setting, value),
        Some(bytes) => edit::set(&path.display().to_string(), &bytes, setting, value)?,
    };
    let access = match setting {
        Setting::ConnectUrl => Access::Kept,
        _ => Access::Owner,
    };
    write::write(&path, text.as_bytes(), access)?;
    // Fact: wrappers kill the program at the first byte that it prints, so this comes last.
    let what = match setting {
        Setting::ApiKey => "API key",
        Setting::Authtoken => "Authtoken",
        _ => "Connect URL",
    };
    line(format_args!("{what} saved to configuration file: {}", path.display()));
    Ok(ExitCode::SUCCESS)
}
