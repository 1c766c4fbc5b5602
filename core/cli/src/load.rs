//! Finds and reads configuration, and starts the log that it asks for.

use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use adit_config::{
    Config, Env, Layers, Place,
    config::LogTarget,
    file::{File, LogLevel},
    location::{self, Found, Os},
};
use anyhow::Result;
use parking_lot::Mutex;
use tracing::{info, warn};

use crate::{
    args::{GlobalArgs, SessionArgs},
    deprecated, flags,
    log::{self, LogGuard, Purpose, Reader},
};

/// A configuration whose log has been started.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) files: Vec<String>,
}

/// A configuration, and where it was.
pub(crate) struct Read {
    pub(crate) config: Config,
    /// The files, as the user named them.
    pub(crate) paths: Vec<PathBuf>,
    found: Option<Found>,
    /// Lists of endpoints that a later file has put its own in the place of.
    replaced: Vec<Place>,
}

/// The log of the process. Kept until its very end: the last record says why it ends.
static LOG: Mutex<Option<LogGuard>> = Mutex::new(None);

/// Keeps a log open until the end of the process.
pub(crate) fn keep_log(log: LogGuard) {
    *LOG.lock() = Some(log);
}

/// Starts the log that the flags ask for, unless there is one: that something is wrong with the files
/// or with other flags is told there, too, and wrappers look nowhere else.
pub(crate) fn start_log_of_flags(global: &GlobalArgs) {
    if global.log.is_none() || LOG.lock().is_some() {
        return;
    }
    let Ok(flags) = flags::file(global, &SessionArgs::default()) else { return };
    let Ok(config) = (Layers { flags, ..Layers::default() }).resolve() else { return };
    if let Ok(log) = log::start(&config.log, Purpose::Record) {
        keep_log(log);
    }
}

/// Writes what is queued, and closes the log; who reads it, if a program does.
pub(crate) fn end_log() -> Option<Reader> {
    LOG.lock().take()?.end()
}

/// Reads the files that the command names, or the one at the default place, under what the flags
/// say; and starts the log.
pub(crate) fn agent(global: &GlobalArgs, flags: File) -> Result<Loaded> {
    start(global, read(global, flags)?)
}

/// Reads the files that the command names, or the one at the default place, under what the flags
/// say.
///
/// # Errors
/// All that is wrong with them, one problem a line.
pub(crate) fn read(global: &GlobalArgs, flags: File) -> Result<Read> {
    let mut layers = Layers { env: env(), flags, ..Layers::default() };
    let (paths, found) = paths(global, &layers.env);
    for path in &paths {
        layers.files.push(File::load(path)?);
    }
    let replaced = replaced(&layers.files);
    Ok(Read { config: layers.resolve()?, paths, found, replaced })
}

/// Lists count as a whole: of several files with endpoints, the last one's are all there are.
fn replaced(files: &[File]) -> Vec<Place> {
    let lists = files.iter().filter_map(|file| file.endpoints.as_ref());
    let mut places: Vec<_> = lists.map(|list| (list.place.clone(), list.value.len())).collect();
    places.pop();
    places.into_iter().filter(|(_, len)| *len > 0).map(|(place, _)| place).collect()
}

/// The files that the command names, or the one at the default place.
pub(crate) fn paths(global: &GlobalArgs, env: &Env) -> (Vec<PathBuf>, Option<Found>) {
    let named = global.config.clone();
    if !named.is_empty() {
        return (named, None);
    }
    let Some(home) = location::home(env) else { return (named, None) };
    match location::find(global.persona, Os::HERE, &home, env, Path::exists) {
        Found::Missing(_) => (named, None),
        place => (vec![place.path().to_owned()], Some(place)),
    }
}

/// Starts the log that a configuration asks for, and writes where the configuration was.
pub(crate) fn start(global: &GlobalArgs, read: Read) -> Result<Loaded> {
    let Read { mut config, paths, found, replaced } = read;
    let mut purpose = Purpose::Record;
    // Fact: without a log, and with nobody there to read, the reference says nothing at all.
    let somebody_reads = io::stderr().is_terminal();
    if config.log.target == LogTarget::Off && global.log.is_none() && somebody_reads {
        config.log.target = LogTarget::Stderr;
        config.log.level = LogLevel::Warn;
        purpose = Purpose::Attention;
    }
    keep_log(log::start(&config.log, purpose)?);
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
    for place in &replaced {
        warn!(obj = "config", %place, "endpoints are replaced by those of a later file");
    }
    Ok(Loaded { config, files })
}

/// The environment, as far as it is text.
pub(crate) fn env() -> Env {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}
