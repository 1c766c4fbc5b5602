//! A binary without the engine refuses policies by name.

use std::convert::Infallible;

use adit_agent::Agent;
use adit_chain::Registry;
use adit_config::Config;
use anyhow::{Result, bail};

use super::Served;

/// Nothing.
pub(crate) struct Plugins;

impl Plugins {
    pub(crate) async fn load(config: &Config, _: &Registry) -> Result<Self> {
        match config.plugins.first() {
            None => Ok(Self),
            Some((name, _)) => bail!(
                "{}: plugin {:?}: this adit was built without WebAssembly policies; use a release, \
                 or build it with the feature \"wasm\", which is on unless --no-default-features is \
                 given",
                name.place,
                name.value
            ),
        }
    }

    pub(crate) fn join(&self, registry: Registry) -> Registry {
        registry
    }

    pub(crate) async fn keep_up(&self, _: &Agent, _: &[Served]) -> Infallible {
        std::future::pending().await
    }
}
