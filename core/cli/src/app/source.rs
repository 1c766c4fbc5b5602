//! Where the configuration comes from, so that it can be read again.

use std::{fmt, thread, time::Duration};

use adit_config::{Config, file::File};
use anyhow::{Result, bail};

use crate::{
    args::GlobalArgs,
    load,
    plugins::{Stamp, stamp},
};

/// How long a file is let alone after it was written.
///
/// Reason: editors truncate, write and close within a few milliseconds.
const SETTLES: Duration = Duration::from_millis(20);

/// How often a file is looked at that is written all the time, before it is read as it is.
const MAX_TRIES: usize = 20;

/// Makes what the flags say: files that they name are read each time.
type Flags = Box<dyn Fn() -> Result<File> + Send + Sync>;

/// Where the configuration comes from.
pub(crate) struct Source {
    pub(super) global: GlobalArgs,
    flags: Flags,
}

/// Which of the endpoints that are defined are started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// All of them.
    All,
    /// None of them.
    None,
    /// These, in the order of the file.
    Names(Vec<String>),
    /// The one of the command line.
    One(String),
}

impl Source {
    pub(crate) fn new(
        global: &GlobalArgs,
        flags: impl Fn() -> Result<File> + Send + Sync + 'static,
    ) -> Self {
        Self { global: global.clone(), flags: Box::new(flags) }
    }

    /// Reads everything, as it is now. Blocks.
    ///
    /// # Errors
    /// All that is wrong with it, with the places.
    pub(crate) fn read(&self) -> Result<load::Read> {
        load::read(&self.global, (self.flags)()?)
    }

    /// Reads everything when nobody is writing it: the first half of a file may be a good file, and
    /// another one. Blocks.
    ///
    /// # Errors
    /// All that is wrong with it, with the places.
    pub(crate) fn read_settled(&self) -> Result<load::Read> {
        let (paths, _) = load::paths(&self.global, &load::env());
        let stamps = || paths.iter().map(|path| stamp(path)).collect::<Vec<_>>();
        for _ in 1..MAX_TRIES {
            let before = stamps();
            if !before.iter().any(is_fresh) {
                let read = self.read();
                if before == stamps() {
                    return read;
                }
            }
            thread::sleep(SETTLES);
        }
        self.read()
    }
}

/// Whether a file was written just now, and so may still be.
fn is_fresh(stamp: &Stamp) -> bool {
    let age = stamp.and_then(|(modified, _)| modified.elapsed().ok());
    age.is_some_and(|age| age < SETTLES)
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("files", &self.global.config).finish_non_exhaustive()
    }
}

impl Choice {
    /// Whether an endpoint is chosen.
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Names(names) => names.iter().any(|chosen| chosen == name),
            Self::One(chosen) => chosen == name,
        }
    }

    /// # Errors
    /// What was chosen is not there.
    pub(super) fn check(&self, config: &Config, files: &[String]) -> Result<()> {
        let defined: Vec<_> = config.endpoints.iter().map(|e| e.name.as_str()).collect();
        match self {
            Self::All if defined.is_empty() => {
                bail!("no endpoints are defined in {}; define one, or use --none", of(files))
            }
            Self::Names(names) => {
                let missing = names.iter().find(|name| !defined.contains(&name.as_str()));
                let Some(missing) = missing else { return Ok(()) };
                let known = if defined.is_empty() { "none".to_owned() } else { defined.join(", ") };
                bail!("no endpoint {missing:?} in {}; defined are: {known}", of(files));
            }
            _ => Ok(()),
        }
    }
}

fn of(files: &[String]) -> String {
    if files.is_empty() { "any configuration file".to_owned() } else { files.join(", ") }
}
