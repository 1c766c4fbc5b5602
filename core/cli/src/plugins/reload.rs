//! Policies whose files change while they are used.

use std::{collections::HashMap, fs, path::Path, sync::Arc, time::SystemTime};

use adit_chain::Factory;
use anyhow::{Context, Result};

use super::{Plugins, slot::Slot};

/// What tells one state of a file from another.
pub(crate) type Stamp = Option<(SystemTime, u64)>;

/// What a file is like now. Blocks, hardly.
pub(crate) fn stamp(path: &Path) -> Stamp {
    let data = fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.len()))
}

/// How the files of policies were when they were looked at the last time.
#[derive(Default)]
pub(crate) struct Seen(HashMap<String, Stamp>);

/// A policy that was loaded anew, beside the one of before.
pub(crate) struct Renewed {
    slot: Arc<Slot>,
    factory: Arc<dyn Factory>,
}

impl Plugins {
    /// Those whose files have changed and stopped changing: one that is seen the same twice is not
    /// being written any more. A file that is gone will come back.
    pub(crate) fn look(&self, seen: &mut Seen) -> Vec<String> {
        let slots = self.slots();
        seen.0.retain(|name, _| slots.iter().any(|slot| slot.kind() == name));
        let mut changed = Vec::new();
        for slot in slots {
            let now = stamp(slot.file());
            let before = seen.0.insert(slot.kind().to_owned(), now);
            if now.is_some() && before == Some(now) && now != slot.stamp() {
                changed.push(slot.kind().to_owned());
            }
        }
        changed
    }

    /// Loads a policy as its file is now. A bad one is not tried again before its file changes.
    pub(crate) async fn renew(&self, name: &str) -> Result<Renewed> {
        let slot = self.slots().into_iter().find(|slot| slot.kind() == name);
        let (slot, host) = slot.zip(self.host()).context("the policy is gone")?;
        let work = move || {
            slot.set_stamp(stamp(slot.file()));
            let factory = slot.again(&host)?;
            Ok(Renewed { slot, factory })
        };
        tokio::task::spawn_blocking(work).await.context("loading it broke")?
    }
}

impl Renewed {
    /// Puts the one in the other's place; again, and it is as before.
    pub(crate) fn swap(&mut self) {
        self.factory = self.slot.exchange(Arc::clone(&self.factory));
    }
}
