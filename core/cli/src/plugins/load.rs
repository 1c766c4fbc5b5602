//! All plugins of a configuration, now and when it is read again.

use std::{num::NonZeroUsize, sync::Arc, thread};

use adit_chain::{Factory, Registry};
use adit_config::{Config, Diagnostics, file::PolicyCache};
use adit_wasm::{CachePolicy, Host, HostOptions, Services};
use anyhow::{Context, Result};
use parking_lot::Mutex;
use tracing::warn;

use super::{
    outbound::Way,
    slot::{Slot, Written},
};
use crate::edge::default_state_dir;

/// All plugins of a configuration. With none of them there is no engine.
#[derive(Default)]
pub(crate) struct Plugins(Mutex<Loaded>);

/// Policies, and what they run in. That stays when the configuration is read again.
#[derive(Clone, Default)]
struct Loaded {
    shared: Option<Shared>,
    slots: Vec<Arc<Slot>>,
}

#[derive(Clone)]
struct Shared {
    host: Host,
    services: Arc<Services>,
    way: Arc<Way>,
}

/// Plugins that are loaded, and not used yet.
pub(crate) struct Prepared {
    loaded: Loaded,
    config: Config,
    changed: Vec<String>,
}

impl Prepared {
    /// Adds them to the handlers that there are.
    pub(crate) fn join(&self, registry: Registry) -> Registry {
        join(&self.loaded.slots, registry)
    }

    /// The names of those that are new or other ones than before.
    pub(crate) fn changed(&self) -> &[String] {
        &self.changed
    }
}

impl Plugins {
    /// Reads, compiles and checks all of them, also those that no handler names.
    ///
    /// # Errors
    /// What is wrong with each bad one, and where.
    pub(crate) async fn load(config: &Config, builtin: &Registry) -> Result<Self> {
        let plugins = Self::default();
        let prepared = plugins.prepare(config, builtin).await?;
        plugins.take(prepared);
        Ok(plugins)
    }

    /// The plugins of another configuration, beside those that are used. What did not change is
    /// not loaded again.
    ///
    /// # Errors
    /// What is wrong with each bad one, and where.
    pub(crate) async fn prepare(&self, config: &Config, builtin: &Registry) -> Result<Prepared> {
        let (before, config) = (self.0.lock().clone(), config.clone());
        if config.plugins.is_empty() {
            let loaded = Loaded { slots: Vec::new(), ..before };
            return Ok(Prepared { loaded, config, changed: Vec::new() });
        }
        let builtin = builtin.clone();
        let work = move || load(before, config, &builtin);
        tokio::task::spawn_blocking(work).await.context("loading the policies broke")?
    }

    /// Uses these from now on.
    pub(crate) fn take(&self, prepared: Prepared) {
        let Prepared { loaded, config, .. } = prepared;
        if let Some(shared) = &loaded.shared {
            shared.way.set_names(&config);
        }
        *self.0.lock() = loaded;
    }

    /// Adds them to the handlers that there are.
    pub(crate) fn join(&self, registry: Registry) -> Registry {
        join(&self.0.lock().slots, registry)
    }

    /// What they count, in the text format that Prometheus reads.
    pub(crate) fn metrics(&self) -> String {
        let services = self.0.lock().shared.as_ref().map(|shared| Arc::clone(&shared.services));
        services.map_or_else(String::new, |services| services.metrics().render())
    }

    pub(super) fn slots(&self) -> Vec<Arc<Slot>> {
        self.0.lock().slots.clone()
    }

    pub(super) fn host(&self) -> Option<Host> {
        self.0.lock().shared.as_ref().map(|shared| shared.host.clone())
    }
}

fn join(slots: &[Arc<Slot>], registry: Registry) -> Registry {
    registry.with(slots.iter().map(|slot| Arc::<Slot>::clone(slot) as Arc<dyn Factory>))
}

/// Blocks.
fn load(before: Loaded, config: Config, builtin: &Registry) -> Result<Prepared> {
    let mut problems = Diagnostics::default();
    let mut noted = |result: Result<_, Diagnostics>| result.map_err(|p| problems.append(p)).ok();
    let plugins = config.plugins.iter();
    let written: Vec<_> = plugins
        .filter_map(|(name, definition)| noted(Written::read(name, definition, builtin)))
        .collect();
    problems = problems.into_result(Diagnostics::default())?;
    warn_of_endpoints(&written, &config);
    let shared = before.shared.unwrap_or_else(|| share(&config));
    if written.iter().any(|plugin| !plugin.spec.grants.outbound.is_empty()) {
        shared.way.prepare()?;
    }
    let (mut slots, mut changed) = (Vec::new(), Vec::new());
    for plugin in written {
        if let Some(slot) = before.slots.iter().find(|slot| slot.is_still(&plugin)) {
            slots.push(Arc::clone(slot));
            continue;
        }
        match Slot::load(plugin, &shared.host) {
            Ok(slot) => {
                changed.push(slot.kind().to_owned());
                slots.push(Arc::new(slot));
            }
            Err(wrong) => problems.append(wrong),
        }
    }
    problems.into_result(())?;
    Ok(Prepared { loaded: Loaded { shared: Some(shared), slots }, config, changed })
}

fn share(config: &Config) -> Shared {
    let cache = match config.policy_cache {
        PolicyCache::Off => CachePolicy::Off,
        PolicyCache::On => default_state_dir()
            .map_or(CachePolicy::Off, |dir| CachePolicy::Dir(dir.join("policies"))),
    };
    let way = Arc::new(Way::default());
    let services = Services::builder().version(env!("CARGO_PKG_VERSION"));
    let services = services.outbound(Arc::<Way>::clone(&way)).build();
    // One for each thread of the runtime, so that the first visitors wait for none.
    let warm = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let options = HostOptions { cache, warm, ..HostOptions::new(Arc::clone(&services)) };
    Shared { host: Host::new(options), services, way }
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
