//! Which file a command is about.

use std::path::{Path, PathBuf};

use adit_config::{
    Env,
    location::{self, Found, Os, Persona},
};
use anyhow::{Context, Result, bail};

use crate::args::GlobalArgs;

/// The files to check: those that the flags name, or the one at the default place.
///
/// # Errors
/// No file was named and there is none at the default place.
pub(super) fn existing(persona: Persona, global: &GlobalArgs) -> Result<Vec<PathBuf>> {
    if !global.config.is_empty() {
        return Ok(global.config.clone());
    }
    match found(persona)? {
        Found::Missing(path) => bail!(
            "there is no configuration file at {}; make one with `adit config edit`, or name one \
             with --config",
            path.display()
        ),
        found => Ok(vec![found.path().to_owned()]),
    }
}

/// The one file to change, which may not be there yet.
pub(super) fn one(persona: Persona, global: &GlobalArgs) -> Result<PathBuf> {
    match global.config.as_slice() {
        [] => Ok(found(persona)?.path().to_owned()),
        [path] => Ok(path.clone()),
        more => bail!("--config: name one file to change; {} were given", more.len()),
    }
}

/// Where the file belongs.
pub(super) fn default(persona: Persona) -> Result<PathBuf> {
    let (env, home) = home()?;
    let name = crate::persona::name(persona);
    Ok(location::default_path(name, Os::HERE, &home, &env))
}

fn found(persona: Persona) -> Result<Found> {
    let (env, home) = home()?;
    Ok(location::find(persona, Os::HERE, &home, &env, Path::exists))
}

fn home() -> Result<(Env, PathBuf)> {
    let env = crate::load::env();
    let home = location::home(&env)
        .context("there is no home directory to look for a configuration file in; use --config")?;
    Ok((env, home))
}
