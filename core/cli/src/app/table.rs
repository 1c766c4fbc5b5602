//! Every endpoint of the agent, whoever asked for it. All changes go through here, one at a time;
//! looking never waits for one.
//!
//! ```text
//! command line, file ─► wanted ─┐                          ┌─► served ─► views
//! local API ────────────────────┴─► bind | update | close ─┘
//! ```

mod apply;
mod entry;
mod ground;
mod tap;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use adit_agent::{BindError, Down, Event, PlanError};
use adit_inspect::control::{Changes, Origin};
use arc_swap::ArcSwap;
use tokio::{
    sync::{Mutex, MutexGuard, watch},
    time::sleep,
};

pub(crate) use self::{
    entry::{Entry, Wanted},
    ground::Ground,
};

/// Pause before an endpoint is asked for again that the edge did not answer about.
const AGAIN: Duration = Duration::from_millis(500);

/// Whether the edge said nothing, so that it may be asked again.
fn is_for_now(error: &BindError) -> bool {
    matches!(error, BindError::Offline { .. } | BindError::Call(_))
}

/// Every endpoint of the agent.
#[derive(Debug)]
pub(crate) struct Table {
    served: ArcSwap<Vec<Arc<Entry>>>,
    state: Mutex<State>,
    changes: watch::Sender<Changes>,
}

/// What only one may change at a time.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// What the file and the command line ask for.
    wanted: Vec<Wanted>,
    /// Names that the configuration knows, started or not.
    defined: BTreeSet<String>,
    /// Whether what is wanted was bound once.
    is_started: bool,
}

/// Why an endpoint is not as it was asked for. Nothing changed then.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Another endpoint has the name.
    Name(String),
    /// It cannot be followed.
    Plan(PlanError),
    /// The edge said no, or nothing.
    Bind(BindError),
}

impl From<PlanError> for Refused {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl From<BindError> for Refused {
    fn from(error: BindError) -> Self {
        Self::Bind(error)
    }
}

impl Table {
    pub(crate) fn new(changes: watch::Sender<Changes>) -> Self {
        Self { served: ArcSwap::default(), state: Mutex::default(), changes }
    }

    /// What is served now, in the order in which it was made.
    pub(crate) fn served(&self) -> Arc<Vec<Arc<Entry>>> {
        self.served.load_full()
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Entry>> {
        self.served.load().iter().find(|entry| entry.name == name).map(Arc::clone)
    }

    /// The right to change something. Whoever holds it is alone.
    pub(crate) async fn change(&self) -> Changing<'_> {
        Changing { table: self, state: self.state.lock().await }
    }

    /// Serves what is wanted. A lost session only makes it take longer, and others may change
    /// things meanwhile.
    ///
    /// # Errors
    /// The name of the first that the edge refuses, and why. The rest is not begun.
    pub(crate) async fn start(&self, ground: &Ground) -> Result<(), (String, BindError)> {
        let names = self.change().await.begin();
        self.serve(ground, names).await
    }

    /// As [`start`](Self::start), for some of what is wanted.
    pub(crate) async fn serve(
        &self,
        ground: &Ground,
        names: Vec<String>,
    ) -> Result<(), (String, BindError)> {
        for name in names {
            loop {
                // Not while nobody else may change anything.
                ground.session().await;
                let started = self.change().await.start(ground, &name).await;
                match started {
                    Ok(()) => break,
                    Err(error) if is_for_now(&error) => {
                        let err = format!("{:#}", anyhow::anyhow!(error));
                        tracing::warn!(obj = "tunnels", name, err, "tunnel not started yet");
                        sleep(AGAIN).await;
                    }
                    Err(error) => return Err((name, error)),
                }
            }
        }
        Ok(())
    }

    /// Takes in what happened to an endpoint, whether or not somebody changes something.
    pub(crate) fn take_in(&self, event: &Event) {
        match event {
            Event::EndpointUp { name, .. } => {
                if let Some(entry) = self.find(name) {
                    entry.set_trouble(None);
                }
            }
            Event::EndpointDown { name, why: Down::RebindFailed(reason) } => {
                if let Some(entry) = self.find(name) {
                    entry.set_trouble(Some(reason.to_string()));
                }
            }
            Event::EndpointDown { name, why: Down::StoppedByEdge(text) } => {
                let text = text.to_string();
                tracing::warn!(obj = "tunnels", %name, err = text, "stopped by the edge");
                self.edit(|served| served.retain(|entry| *entry.name != **name));
            }
            _ => return,
        }
        self.tell();
    }

    fn edit(&self, edit: impl Fn(&mut Vec<Arc<Entry>>)) {
        self.served.rcu(|served| {
            let mut served = Vec::clone(served);
            edit(&mut served);
            served
        });
        self.tell();
    }

    fn tell(&self) {
        self.changes.send_modify(|changes| changes.endpoints = changes.endpoints.wrapping_add(1));
    }
}

/// The right to change endpoints.
pub(crate) struct Changing<'a> {
    table: &'a Table,
    state: MutexGuard<'a, State>,
}

impl Changing<'_> {
    /// Takes in what shall be served, before anything is.
    pub(crate) fn want(&mut self, wanted: Vec<Wanted>, defined: BTreeSet<String>) {
        self.state.wanted = wanted;
        self.state.defined = defined;
    }

    /// From now on what is wanted is served at once. The names of what is wanted by now.
    fn begin(&mut self) -> Vec<String> {
        self.state.is_started = true;
        self.state.wanted.iter().map(|wanted| wanted.name().to_owned()).collect()
    }

    /// Serves one of what is wanted, unless it is served, or wanted no more.
    async fn start(&mut self, ground: &Ground, name: &str) -> Result<(), BindError> {
        let wanted = self.state.wanted.iter().find(|wanted| wanted.name() == name).cloned();
        if let Some(wanted) = wanted.filter(|_| self.table.find(name).is_none()) {
            let served = self.table.served();
            let entry = ground.bind(&wanted, Arc::default(), &served).await?;
            self.table.edit(|served| served.push(Arc::clone(&entry)));
        }
        Ok(())
    }

    /// Serves what a request asks for. All of it, or nothing is left.
    pub(crate) async fn create(
        &mut self,
        ground: &Ground,
        wanted: Vec<Wanted>,
    ) -> Result<Vec<Arc<Entry>>, Refused> {
        for one in &wanted {
            self.is_free(one.name())?;
        }
        for one in &wanted {
            ground.agent.check(one.spec.clone()).await?;
        }
        let mut made = Vec::new();
        for one in &wanted {
            match ground.bind(one, Arc::default(), &made).await {
                Ok(entry) => made.push(entry),
                Err(error) => {
                    for entry in made {
                        entry.endpoint.give_back().await;
                    }
                    return Err(error.into());
                }
            }
        }
        self.table.edit(|served| served.extend(made.iter().cloned()));
        Ok(made)
    }

    fn is_free(&self, name: &str) -> Result<(), Refused> {
        if self.table.find(name).is_some() {
            return Err(Refused::Name(format!("endpoint {name:?} exists already")));
        }
        if self.state.defined.contains(name) {
            let text = format!("endpoint {name:?} is defined in the configuration already");
            return Err(Refused::Name(text));
        }
        Ok(())
    }

    /// Puts another description in the place of what is served: where it is, if that can be.
    pub(crate) async fn replace(
        &mut self,
        ground: &Ground,
        entry: &Arc<Entry>,
        wanted: Wanted,
    ) -> Result<Arc<Entry>, Refused> {
        ground.agent.check(wanted.spec.clone()).await?;
        Ok(self.put(ground, entry, wanted).await?)
    }

    /// Serves it no more. Connections that are open go on.
    pub(crate) async fn remove(&mut self, entry: &Arc<Entry>) {
        self.table.edit(|served| served.retain(|other| !Arc::ptr_eq(other, entry)));
        entry.endpoint.give_back().await;
    }

    /// What is served for the command line and the file.
    fn of_configuration(&self) -> Vec<Arc<Entry>> {
        let served = self.table.served();
        served.iter().filter(|entry| entry.origin != Origin::Api).cloned().collect()
    }
}

#[cfg(test)]
mod tests;
