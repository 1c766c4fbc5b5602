//! Finds and reads configuration, and starts the log that it asks for.

use std::{ffi::OsString, path::Path};

use adit_config::{
    Config, Env, Layers,
    config::LogTarget,
    file::{File, LogLevel},
    location::{self, Found, Os},
};
use anyhow::{Context, Result};
use tracing::info;

use crate::{
    args::GlobalArgs,
    deprecated,
    log::{self, LogGuard, Purpose},
};

/// A configuration and the log that it asked for. The log ends when this is dropped.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) files: Vec<String>,
    pub(crate) _log: LogGuard,
}

/// Reads the files that the command names, or the one at the default place, under what the flags
/// say.
pub(crate) fn agent(global: &GlobalArgs, flags: File) -> Result<Loaded> {
    let mut layers = Layers { env: env(), flags, ..Layers::default() };
    let mut found = None;
    let mut paths = global.config.clone();
    if paths.is_empty()
        && let Some(home) = location::home(&layers.env)
    {
        let place = location::find(global.persona, Os::HERE, &home, &layers.env, Path::exists);
        if !matches!(place, Found::Missing(_)) {
            paths.push(place.path().to_owned());
            found = Some(place);
        }
    }
    for path in &paths {
        layers.files.push(File::load(path)?);
    }
    let mut config = layers.resolve()?;
    let mut purpose = Purpose::Record;
    if config.log.target == LogTarget::Off && global.log.is_none() {
        config.log.target = LogTarget::Stderr;
        config.log.level = LogLevel::Warn;
        purpose = Purpose::Attention;
    }
    let _log = log::start(&config.log, purpose)?;
    deprecated::log(&global.deprecated);
    if global.config.is_empty() {
        info!("no configuration paths supplied");
    }
    match &found {
        Some(Found::Reference(path)) => {
            info!(path = %path.display(), "using the configuration file of the ngrok agent");
        }
        Some(place) => {
            info!(path = %place.path().display(), "using configuration at default config path")
        }
        None => {}
    }
    let files: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    for path in &files {
        info!(%path, err = "nil", "open config file");
    }
    Ok(Loaded { config, files, _log })
}

/// The environment, as far as it is text.
pub(crate) fn env() -> Env {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// A runtime for a command that serves.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the threads of the program")
}
