//! Where the configuration comes from, so that it can be read again.

use std::{fmt, thread, time::Duration};

use adit_config::{Config, file::File, nearest};
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
    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Names(names) => names.iter().any(|chosen| chosen == name),
            Self::One(chosen) => chosen == name,
        }
    }

    /// # Errors
    /// What was chosen is not there.
    pub(crate) fn check(&self, config: &Config, files: &[String]) -> Result<()> {
        let defined: Vec<_> = config.endpoints.iter().map(|e| e.name.as_str()).collect();
        let files = file_names(files);
        match self {
            Self::All if defined.is_empty() => {
                bail!("no endpoints are defined in {files}; define one, or use --none")
            }
            Self::Names(names) => {
                let missing = names.iter().find(|name| !defined.contains(&name.as_str()));
                let Some(missing) = missing else { return Ok(()) };
                let near = nearest(missing, defined.iter().copied());
                let near = near.map(|near| format!("did you mean {near:?}? "));
                let near = near.unwrap_or_default();
                let known = if defined.is_empty() { "none".to_owned() } else { defined.join(", ") };
                bail!("no endpoint {missing:?} in {files}; {near}defined are: {known}");
            }
            _ => Ok(()),
        }
    }
}

/// The files, for a sentence.
pub(crate) fn file_names(files: &[String]) -> String {
    if files.is_empty() { "any configuration file".to_owned() } else { files.join(", ") }
}

#[cfg(test)]
mod tests {
    use adit_config::Layers;

    use super::*;

    #[test]
    fn a_name_that_is_not_there_is_told_with_the_nearest_one_and_all_that_are() {
        let text = "version: 3\nendpoints:\n- {name: web, upstream: {url: 80}}\n\
                    - {name: database, upstream: {url: 81}}\n";
        let files = vec![File::parse("f.yml", text.as_bytes())];
        let config = Layers { files, ..Layers::default() }.resolve().unwrap();
        let refused = |name: &str, config: &Config| {
            let chosen = Choice::Names(vec![name.to_owned()]);
            chosen.check(config, &["f.yml".to_owned()]).unwrap_err().to_string()
        };
        assert_eq!(
            refused("wbe", &config),
            "no endpoint \"wbe\" in f.yml; did you mean \"web\"? defined are: web, database"
        );
        assert_eq!(
            refused("elephant", &config),
            "no endpoint \"elephant\" in f.yml; defined are: web, database"
        );
        assert_eq!(
            refused("web", &Config::default()),
            "no endpoint \"web\" in f.yml; defined are: none"
        );
    }
}
