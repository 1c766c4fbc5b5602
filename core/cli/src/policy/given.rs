//! What stands beside a policy when it runs: its configuration and what it is granted.
//!
//! Flags win over the `cases.yml` beside the component, so that a crate that was just made runs
//! with no flag at all.

use std::path::{Path, PathBuf};

use adit_config::opaque::Opaque;
use anyhow::{Context, Result, anyhow};
use serde_json::{Map, Value, json};

use super::{
    args::{GivenArgs, ProfileArgs},
    build,
    cargo::Crate,
    contents::Contents,
};

/// File of cases beside a component or a manifest.
pub(super) const CASES: &str = "cases.yml";

/// A component on disk that can be run.
#[derive(Debug)]
pub(super) struct Subject {
    /// Its name as a plugin.
    pub(super) name: String,
    pub(super) file: PathBuf,
    pub(super) contents: Contents,
    /// The crate that it was built from just now.
    pub(super) of: Option<Crate>,
}

impl Subject {
    /// A component, or a crate, which is built.
    pub(super) fn open(what: &Path, profile: ProfileArgs) -> Result<Self> {
        if what.is_dir() {
            return Self::build(Crate::find(Some(what), None)?, profile);
        }
        if what.file_name().is_some_and(|name| name == "Cargo.toml") {
            return Self::build(Crate::find(None, Some(what))?, profile);
        }
        let contents = Contents::of_file(what)?;
        if let Some(problem) = contents.not_a_policy() {
            return Err(anyhow!("{} is no policy: {problem}", what.display()));
        }
        let name = contents.name(what);
        Ok(Self { name, file: what.to_owned(), contents, of: None })
    }

    /// What a crate makes.
    pub(super) fn build(of: Crate, profile: ProfileArgs) -> Result<Self> {
        let built = build::build(&of, profile, None)?;
        let (file, contents) = (built.file, built.contents);
        Ok(Self { name: of.name.clone(), file, contents, of: Some(of) })
    }

    /// The file of cases that belongs to it.
    pub(super) fn cases(&self) -> PathBuf {
        self.file.parent().unwrap_or(Path::new(".")).join(CASES)
    }
}

/// What a policy is given.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) config: Value,
    /// Where it comes from, for messages.
    pub(super) config_from: String,
    pub(super) grants: Option<Value>,
}

impl Given {
    /// What the flags say, and for the rest the cases.
    pub(super) fn of(args: &GivenArgs, subject: &Subject) -> Result<Self> {
        let file = subject.cases();
        let cases = match (&args.config, &args.grants) {
            (Some(_), Some(_)) => Value::Null,
            _ if file.is_file() => load(&file)?,
            _ => Value::Null,
        };
        let (config, config_from) = match &args.config {
            Some(value) => (parse(value, "--config")?, "--config".to_owned()),
            None if !cases["config"].is_null() => {
                (cases["config"].clone(), file.display().to_string())
            }
            None => (Value::Object(Map::new()), "no --config".to_owned()),
        };
        let grants = match &args.grants {
            Some(value) => Some(parse(value, "--grants")?),
            None => Some(cases["grants"].clone()).filter(|grants| !grants.is_null()),
        };
        Ok(Self { config, config_from, grants })
    }

    /// What it is granted; where nobody says, all that it imports, under any name.
    pub(super) fn grants_for(&self, subject: &Subject) -> Value {
        self.grants.clone().unwrap_or_else(|| {
            let needed = subject.contents.needs_grants();
            needed.map(|name| (name.to_owned(), json!(["*"]))).collect::<Map<_, _>>().into()
        })
    }
}

/// A file of YAML or JSON.
pub(super) fn load(file: &Path) -> Result<Value> {
    Ok(Opaque::load(file)?.json)
}

/// JSON on the command line, or the name of a file.
fn parse(value: &Path, flag: &str) -> Result<Value> {
    let text = value.to_string_lossy();
    if text.trim_start().starts_with(['{', '[']) {
        return serde_json::from_str(&text)
            .with_context(|| format!("{flag}: not valid JSON: {text}"));
    }
    load(value).with_context(|| format!("{flag} takes JSON or the name of a file"))
}
