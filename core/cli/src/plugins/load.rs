//! All plugins of a configuration.

use std::{convert::Infallible, num::NonZeroUsize, sync::Arc, thread};

use adit_agent::Agent;
use adit_chain::{Factory, Registry};
use adit_config::{Config, file::PolicyCache};
use adit_wasm::{CachePolicy, Host, HostOptions, Services};
use anyhow::{Context, Result};
use tracing::warn;

use super::{
    Served,
    outbound::Way,
    reload,
    slot::{Slot, Written},
};
use crate::edge::default_state_dir;

/// All plugins of a configuration. With none of them there is no engine.
#[derive(Default)]
pub(crate) struct Plugins(Option<Loaded>);

/// Policies, and the engine that they run in.
pub(super) struct Loaded {
    pub(super) host: Host,
    pub(super) slots: Vec<Arc<Slot>>,
}

impl Plugins {
    /// Reads, compiles and checks all of them, also those that no handler names.
    ///
    /// # Errors
    /// What is wrong with the first bad one, and where.
    pub(crate) async fn load(config: &Config, builtin: &Registry) -> Result<Self> {
        if config.plugins.is_empty() {
            return Ok(Self::default());
        }
        let (config, builtin) = (config.clone(), builtin.clone());
        let cache = match config.policy_cache {
            PolicyCache::Off => CachePolicy::Off,
            PolicyCache::On => default_state_dir()
                .map_or(CachePolicy::Off, |dir| CachePolicy::Dir(dir.join("policies"))),
        };
        let work = move || {
            let written = config
                .plugins
                .iter()
                .map(|(name, definition)| Written::read(name, definition, &builtin));
            let written = written.collect::<Result<Vec<_>, _>>()?;
            warn_of_endpoints(&written, &config);
            let mut services = Services::builder().version(env!("CARGO_PKG_VERSION"));
            if written.iter().any(|plugin| !plugin.spec.grants.outbound.is_empty()) {
                services = services.outbound(Arc::new(Way::new(&config)?));
            }
            let services = services.build();
            // One for each thread of the runtime, so that the first visitors wait for none.
            let warm = thread::available_parallelism().map_or(1, NonZeroUsize::get);
            let host = Host::new(HostOptions { cache, warm, ..HostOptions::new(services) });
            let slots = written.into_iter().map(|plugin| Slot::load(plugin, &host).map(Arc::new));
            let slots = slots.collect::<Result<_, _>>()?;
            Ok(Self(Some(Loaded { host, slots })))
        };
        tokio::task::spawn_blocking(work).await.context("loading the policies broke")?
    }

    /// Adds them to the handlers that there are.
    pub(crate) fn join(&self, registry: Registry) -> Registry {
        let slots = self.0.iter().flat_map(|loaded| &loaded.slots);
        registry.with(slots.map(|slot| Arc::<Slot>::clone(slot) as Arc<dyn Factory>))
    }

    /// Exchanges policies whose files change, for as long as it is polled.
    pub(crate) async fn keep_up(&self, agent: &Agent, served: &[Served]) -> Infallible {
        match &self.0 {
            Some(loaded) => reload::watch(loaded, agent, served).await,
            None => std::future::pending().await,
        }
    }
}

/// A grant that leads nowhere is a sign of a mistake.
fn warn_of_endpoints(plugins: &[Written], config: &Config) {
    for plugin in plugins {
        for name in &plugin.spec.grants.reroute {
            if !config.endpoints.iter().any(|endpoint| endpoint.name == *name) {
                let policy = &plugin.spec.name;
                warn!(obj = "policies", %policy, "may reroute to {name:?}, which is no endpoint");
            }
        }
    }
}
