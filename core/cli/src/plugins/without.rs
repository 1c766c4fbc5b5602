//! A binary without the engine. The agent refuses policies by name; nothing is loaded.

use std::convert::Infallible;

use adit_agent::Agent;
use adit_chain::Registry;
use adit_config::Config;
use anyhow::Result;

use super::Served;

/// Nothing.
pub(crate) struct Plugins;

impl Plugins {
    pub(crate) async fn load(_: &Config, _: &Registry) -> Result<Self> {
        Ok(Self)
    }

    pub(crate) fn join(&self, registry: Registry) -> Registry {
        registry
    }

    pub(crate) async fn keep_up(&self, _: &Agent, _: &[Served]) -> Infallible {
        std::future::pending().await
    }
}
