//! From what is served to what another configuration wants, with as little as possible.

use std::{collections::BTreeSet, sync::Arc};

use adit_agent::{Agent, BindError};
use adit_config::{Diagnostic, Diagnostics};
use adit_inspect::control::{Origin, Reloaded};

use super::{Changing, Entry, Ground, Wanted, is_for_now};
use crate::plugins::Renewed;

/// Code of the refusal of an address that is taken, maybe by ourselves.
const ALREADY_ONLINE: u32 = 334;

impl Changing<'_> {
    /// Notes what would have to be refused although each definition is right.
    pub(crate) fn check_names(&self, defined: &[Wanted], problems: &mut Diagnostics) {
        for wanted in defined {
            let entry = self.table.find(wanted.name());
            if entry.is_some_and(|entry| entry.origin == Origin::Api) {
                let text = format!("endpoint {:?} was made by the local API", wanted.name());
                let problem = Diagnostic::new(wanted.place().clone(), text);
                problems.push(problem.hint("delete it there first, or use another name"));
            }
        }
    }

    /// Serves what is wanted now instead of what was. What is the same is not touched, unless one
    /// of its handlers is of a kind that changed. Endpoints of the local API stay.
    ///
    /// Beside the report: the new ones that the edge has not said anything about. They are wanted.
    pub(crate) async fn apply(
        &mut self,
        ground: &Ground,
        wanted: Vec<Wanted>,
        defined: BTreeSet<String>,
        changed: &[String],
    ) -> (Reloaded, Vec<String>) {
        let before = std::mem::take(&mut self.state.wanted);
        self.want(wanted.clone(), defined);
        if !self.state.is_started {
            return (compared(&before, &wanted), Vec::new());
        }
        let (mut report, mut unheard) = (Reloaded::default(), Vec::new());
        for entry in self.of_configuration() {
            if !wanted.iter().any(|one| one.name() == entry.name) {
                // First of all: it may have the address that another one wants.
                self.remove(&entry).await;
                report.removed.push(entry.name.clone());
            }
        }
        for one in wanted {
            let name = one.name().to_owned();
            match self.table.find(&name) {
                Some(entry) if one.is_same(&entry.wanted()) && !one.uses(changed) => {
                    // It may stand on other lines now.
                    entry.set_wanted(one);
                    report.unchanged.push(name);
                }
                Some(entry) => match self.put(ground, &entry, one).await {
                    Ok(_) => report.changed.push(name),
                    Err(error) => report.failed.push(failure(&name, &error)),
                },
                // One that waits for a session in vain is enough.
                None if !unheard.is_empty() || !ground.has_session().await => unheard.push(name),
                None => {
                    let served = self.table.served();
                    match ground.bind(&one, Arc::default(), &served).await {
                        Ok(entry) => {
                            self.table.edit(|served| served.push(Arc::clone(&entry)));
                            report.added.push(name);
                        }
                        Err(error) if is_for_now(&error) => unheard.push(name),
                        Err(error) => report.failed.push(failure(&name, &error)),
                    }
                }
            }
        }
        let again = "the edge did not answer; it is asked again until it does";
        report.failed.extend(unheard.iter().map(|name| format!("{name}: {again}")));
        (report, unheard)
    }

    /// Puts another description in the place of what is served: where it is, if that can be, else
    /// at another address, with a gap only where it is its own address that stands in the way.
    pub(super) async fn put(
        &mut self,
        ground: &Ground,
        entry: &Arc<Entry>,
        wanted: Wanted,
    ) -> Result<Arc<Entry>, BindError> {
        let served = self.table.served();
        let spec = ground.dressed(&wanted, &entry.meter, &served);
        if entry.endpoint.update(spec.clone()).await.is_ok()
            || entry.endpoint.renew(spec).await.is_ok()
        {
            entry.set_wanted(wanted);
            self.table.tell();
            return Ok(Arc::clone(entry));
        }
        let meter = || Arc::clone(&entry.meter);
        match ground.bind(&wanted, meter(), &served).await {
            Ok(new) => {
                self.exchange(entry, &new);
                entry.endpoint.give_back().await;
                Ok(new)
            }
            Err(error) if is_taken(&error) && entry.has_address_of(&wanted) => {
                entry.endpoint.give_back().await;
                let result = ground.bind(&wanted, meter(), &served).await;
                match &result {
                    Ok(new) => self.exchange(entry, new),
                    // What worked before shall go on.
                    Err(_) => match ground.bind(&entry.wanted(), meter(), &served).await {
                        Ok(again) => self.exchange(entry, &again),
                        Err(_) => self.remove(entry).await,
                    },
                }
                result
            }
            Err(error) => Err(error),
        }
    }

    fn exchange(&self, old: &Arc<Entry>, new: &Arc<Entry>) {
        self.table.edit(|served| {
            for entry in served.iter_mut().filter(|entry| Arc::ptr_eq(entry, old)) {
                *entry = Arc::clone(new);
            }
        });
    }

    /// Exchanges a policy for its newer self in all endpoints that use it; how many there are.
    ///
    /// # Errors
    /// An endpoint does not work with it; the one of before goes on.
    pub(crate) async fn renew(
        &mut self,
        ground: &Ground,
        policy: &str,
        mut renewed: Renewed,
    ) -> anyhow::Result<usize> {
        use anyhow::Context as _;
        let kinds = [policy.to_owned()];
        let users: Vec<_> = self.table.served().iter().map(Arc::clone).collect();
        let users: Vec<_> = users.into_iter().filter(|e| e.wanted().uses(&kinds)).collect();
        renewed.swap();
        let updated = self.update(ground, &users).await;
        if updated.is_err() {
            renewed.swap();
            // It worked before, so it works again.
            let again = self.update(ground, &users).await;
            again.context("the one of before does not work any more either")?;
        }
        updated.map(|()| users.len())
    }

    /// Plans all of the endpoints, so that a mistake changes none, and then makes them so.
    async fn update(&self, ground: &Ground, users: &[Arc<Entry>]) -> anyhow::Result<()> {
        let served = self.table.served();
        let dressed = |entry: &Arc<Entry>| ground.dressed(&entry.wanted(), &entry.meter, &served);
        let agent: &Agent = &ground.agent;
        for entry in users {
            agent.check(dressed(entry)).await?;
        }
        for entry in users {
            entry.endpoint.update(dressed(entry)).await?;
        }
        Ok(())
    }
}

/// What another configuration changes while nothing is served yet.
fn compared(before: &[Wanted], after: &[Wanted]) -> Reloaded {
    let mut report = Reloaded::default();
    let has = |list: &[Wanted], name: &str| list.iter().any(|one| one.name() == name);
    for one in after {
        let name = one.name().to_owned();
        match before.iter().find(|old| old.name() == name) {
            None => report.added.push(name),
            Some(old) if one.is_same(old) => report.unchanged.push(name),
            Some(_) => report.changed.push(name),
        }
    }
    let gone = before.iter().filter(|old| !has(after, old.name()));
    report.removed = gone.map(|old| old.name().to_owned()).collect();
    report
}

fn is_taken(error: &BindError) -> bool {
    error.refusal().and_then(|text| text.code()).is_some_and(|code| code.0 == ALREADY_ONLINE)
}

fn failure(name: &str, error: &BindError) -> String {
    let text = format!("{:#}", anyhow::anyhow!("{error}"));
    format!("{name}: {}", text.split_whitespace().collect::<Vec<_>>().join(" "))
}
