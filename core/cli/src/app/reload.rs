//! Another configuration for a running agent.
//!
//! ```text
//! read ─► resolve ─► load policies ─► plan all ──┬─ anything wrong: nothing changed
//!                                                └─► apply what differs, name what needs a restart
//! ```

use std::{collections::BTreeSet, sync::Arc};

use adit_agent::PlanError;
use adit_config::{Config, Diagnostics, Endpoint};
use adit_inspect::control::{Origin, Reloaded};
use anyhow::{Context, Result};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use super::{App, Choice, settings, table::Wanted};
use crate::{
    documents,
    embedded::Embedded,
    signals::{Hangup, Hangups},
};

/// All names that a configuration gives, to endpoints that are started and to others.
pub(super) fn names(config: &Config) -> BTreeSet<String> {
    let parts = config.endpoints.iter().flat_map(|endpoint| endpoint.clone().split_schemes());
    parts.map(|part| part.name).collect()
}

/// The endpoints of a configuration, one for each address.
///
/// # Errors
/// One of them asks for something that is not supported.
pub(super) fn wanted(config: &Config, origin: Origin) -> Result<Vec<Wanted>, PlanError> {
    let mut wanted = Vec::new();
    for endpoint in &config.endpoints {
        wanted.extend(Wanted::all_of(endpoint.clone(), origin)?);
    }
    Ok(wanted)
}

/// Says in the log what of endpoints has nothing to act on.
pub(super) fn warn_of<'a>(endpoints: impl IntoIterator<Item = &'a Endpoint>) {
    for endpoint in endpoints {
        for warning in &endpoint.warnings {
            warn!(obj = "config", name = endpoint.name, "{warning}");
        }
    }
}

impl App {
    pub(super) fn origin(&self) -> Origin {
        match self.choice {
            Choice::One(_) => Origin::CommandLine,
            _ => Origin::File,
        }
    }

    /// Reads the configuration again, and serves what it wants now.
    ///
    /// # Errors
    /// Everything that is wrong with it; nothing changed then.
    pub(super) async fn reload(self: &Arc<Self>) -> Result<Reloaded> {
        let result = Box::pin(self.try_reload()).await;
        match &result {
            Ok(report) => tell(report),
            Err(error) => {
                let err = format!("{error:#}");
                error!(obj = "config", err, "configuration not reloaded; nothing has changed");
            }
        }
        result
    }

    async fn try_reload(self: &Arc<Self>) -> Result<Reloaded> {
        let mut changing = self.table.change().await;
        let this = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || this.source.read_settled());
        let mut config = read.await.context("reading it broke")??.config;
        let restart_needed = settings::differing(&self.started, &config);
        let defined = names(&config);
        let not_chosen =
            |endpoint: &Endpoint| (!self.choice.has(&endpoint.name)).then(|| endpoint.name.clone());
        let skipped = match self.choice {
            Choice::One(_) => Vec::new(),
            _ => config.endpoints.iter().filter_map(not_chosen).collect(),
        };
        let prepared = self.plugins.prepare(&config, &self.builtin).await?;
        let registry = prepared.join(self.builtin.clone());

        // Also those that are not started: a mistake in the file is one.
        let mut problems = Diagnostics::default();
        let (mut wanted, mut all) = (Vec::new(), Vec::new());
        if self.is_embedded {
            Embedded::adapt(&mut config);
        }
        for endpoint in &mut config.endpoints {
            if self.choice.has(&endpoint.name)
                && let Err(wrong) = documents::fetch(endpoint).await
            {
                problems.append(wrong);
                continue;
            }
            match Wanted::all_of(endpoint.clone(), self.origin()) {
                Ok(parts) if self.choice.has(&endpoint.name) => wanted.extend(parts),
                Ok(parts) => all.extend(parts),
                // What is not started may ask for what is not there.
                Err(error) if self.choice.has(&endpoint.name) => problems.append(error.into()),
                Err(_) => {}
            }
        }
        for one in &wanted {
            let checked = self.ground.agent.check_with(registry.clone(), one.spec.clone()).await;
            if let Err(error) = checked {
                problems.append(error.into());
            }
        }
        all.extend(wanted.iter().cloned());
        changing.check_names(&all, &mut problems);
        problems.into_result(())?;

        warn_of(config.endpoints.iter().filter(|endpoint| self.choice.has(&endpoint.name)));
        let changed = prepared.changed().to_vec();
        self.ground.agent.set_registry(registry);
        self.plugins.take(prepared);
        let (mut report, unheard) = changing.apply(&self.ground, wanted, defined, &changed).await;
        if !unheard.is_empty() {
            self.spawner.spawn(Arc::clone(self).catch_up(unheard));
        }
        report.restart_needed = restart_needed;
        report.skipped = skipped;
        Ok(report)
    }

    /// Serves what could not be served when the configuration was read.
    async fn catch_up(self: Arc<Self>, names: Vec<String>) {
        if let Err((name, error)) = self.table.serve(&self.ground, names).await {
            let err = format!("{:#}", anyhow::anyhow!(error));
            error!(obj = "tunnels", name, err, "failed to start tunnel");
        }
    }
}

fn tell(report: &Reloaded) {
    let Reloaded { added, changed, removed, unchanged, restart_needed, skipped, failed } = report;
    info!(
        obj = "config",
        added = added.join(","),
        changed = changed.join(","),
        removed = removed.join(","),
        unchanged = unchanged.len(),
        skipped = skipped.len(),
        "configuration reloaded"
    );
    if !restart_needed.is_empty() {
        let keys = restart_needed.join(",");
        warn!(obj = "config", keys, "settings have changed that need a restart");
    }
    for err in failed {
        error!(obj = "config", err, "endpoint not reloaded");
    }
}

/// Reads the configuration again whenever a signal asks for it.
pub(super) async fn on_hangup(app: Arc<App>, mut hangups: Hangups, quit: mpsc::Sender<()>) {
    loop {
        match hangups.next().await {
            // What is wrong has been told.
            Hangup::Reload => drop(app.reload().await),
            // When it is full, enough was asked.
            Hangup::TerminalGone => drop(quit.try_send(())),
        }
    }
}
