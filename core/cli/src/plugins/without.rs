//! A binary without the engine refuses policies by name.

use std::{fs, path::Path, time::SystemTime};

use adit_chain::Registry;
use adit_config::Config;
use anyhow::{Result, bail};

/// Nothing.
#[derive(Default)]
pub(crate) struct Plugins;

/// Nothing that is not used yet.
pub(crate) struct Prepared;

/// What tells one state of a file from another.
pub(crate) type Stamp = Option<(SystemTime, u64)>;

/// What a file is like now. Blocks, hardly.
pub(crate) fn stamp(path: &Path) -> Stamp {
    let data = fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.len()))
}

/// No files.
#[derive(Default)]
pub(crate) struct Seen;

/// Never made.
pub(crate) enum Renewed {}

impl Prepared {
    pub(crate) fn join(&self, registry: Registry) -> Registry {
        registry
    }

    pub(crate) fn changed(&self) -> &[String] {
        &[]
    }
}

impl Plugins {
    pub(crate) async fn load(config: &Config, builtin: &Registry) -> Result<Self> {
        Self.prepare(config, builtin).await.map(|Prepared| Self)
    }

    pub(crate) async fn prepare(&self, config: &Config, _: &Registry) -> Result<Prepared> {
        match config.plugins.first() {
            None => Ok(Prepared),
            Some((name, _)) => bail!(
                "{}: plugin {:?}: this adit was built without WebAssembly policies; use a release, \
                 or build it with the feature \"wasm\", which is on unless --no-default-features is \
                 given",
                name.place,
                name.value
            ),
        }
    }

    pub(crate) fn take(&self, _: Prepared) {}

    pub(crate) fn join(&self, registry: Registry) -> Registry {
        registry
    }

    pub(crate) fn metrics(&self) -> String {
        String::new()
    }

    pub(crate) fn look(&self, _: &mut Seen) -> Vec<String> {
        Vec::new()
    }

    pub(crate) async fn renew(&self, _: &str) -> Result<Renewed> {
        bail!("there are no policies")
    }
}

impl Renewed {
    pub(crate) fn swap(&mut self) {
        match *self {}
    }
}
