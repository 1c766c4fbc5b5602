//! `adit config check`: everything that is wrong, with its lines.

use std::{path::PathBuf, process::ExitCode};

use adit_config::{Diagnostics, Layers, file::File, location::Persona, report::Report};
use anyhow::Result;

use super::{whereabouts, write};
use crate::{
    args::GlobalArgs,
    log,
    output::{self, line},
};

pub(super) fn run(persona: Persona, global: &GlobalArgs) -> Result<ExitCode> {
    check(&whereabouts::existing(persona, global)?)
}

/// Checks the files as they are used together, and says what came of it.
///
/// The environment stays out of it: it is not in the files.
pub(super) fn check(paths: &[PathBuf]) -> Result<ExitCode> {
    let mut sources = Vec::new();
    let mut unreadable = Vec::new();
    for path in paths {
        match write::read(path) {
            Ok(Some(bytes)) => sources.push((path.display().to_string(), bytes)),
            Ok(None) => unreadable.push(format!("{}: there is no such file", path.display())),
            Err(error) => unreadable.push(format!("{error:#}")),
        }
    }
    let files = sources.iter().map(|(name, bytes)| File::parse(name, bytes)).collect();
    let problems = match (Layers { files, ..Layers::default() }).resolve() {
        Ok(_) => Diagnostics::default(),
        Err(problems) => problems,
    };
    if problems.is_empty() && unreadable.is_empty() {
        for path in paths {
            line(format_args!("Valid configuration file at {}", path.display()));
        }
        return Ok(ExitCode::SUCCESS);
    }
    for text in &unreadable {
        tracing::error!(target: log::CRIT, err = %text, "command failed");
        output::error(text);
    }
    if !problems.is_empty() {
        tracing::error!(target: log::CRIT, err = %problems, "command failed");
        let files = sources.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        output::error(&Report::new(&problems, files).to_string());
    }
    Ok(ExitCode::FAILURE)
}
