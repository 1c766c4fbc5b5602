//! Policies whose files change while they are used.

use std::{
    convert::Infallible,
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use adit_agent::Agent;
use adit_chain::Factory;
use anyhow::{Context, Result};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{info, warn};

use super::{Served, load::Loaded, slot::Slot};

/// How often files are looked at.
///
/// Reason: a change is taken up once it was seen twice, and it shall take less than a second; and
/// looking works on every file system, which being told does not.
const PERIOD: Duration = Duration::from_millis(100);

/// What tells one state of a file from another.
pub(super) type Stamp = Option<(SystemTime, u64)>;

/// A file that is looked at.
struct Watched<'a> {
    slot: &'a Arc<Slot>,
    /// As it was when it was loaded, or found bad.
    known: Stamp,
    /// As it was seen the last time.
    seen: Stamp,
}

/// Exchanges policies whose files change, for as long as it is polled.
pub(super) async fn watch(loaded: &Loaded, agent: &Agent, served: &[Served]) -> Infallible {
    let mut files: Vec<_> = loaded
        .slots
        .iter()
        .map(|slot| Watched { slot, known: slot.stamp, seen: slot.stamp })
        .collect();
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for file in &mut files {
            let now = stamp(file.slot.file());
            let before = std::mem::replace(&mut file.seen, now);
            // Only what has stopped changing: it may still be being written. A file that is gone
            // will come back.
            if now.is_none() || now != before || now == file.known {
                continue;
            }
            file.known = now;
            take_up(loaded, file.slot, agent, served).await;
        }
    }
}

pub(super) fn stamp(path: &Path) -> Stamp {
    let data = fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.len()))
}

/// Loads a policy anew. A bad one changes nothing.
async fn take_up(loaded: &Loaded, slot: &Arc<Slot>, agent: &Agent, served: &[Served]) {
    let (policy, began) = (slot.kind(), Instant::now());
    match exchange(loaded, slot, agent, served).await {
        Ok(n_endpoints) => {
            let took = began.elapsed();
            info!(obj = "policies", policy, n_endpoints, ?took, "policy reloaded");
        }
        Err(error) => {
            let err = format!("{error:#}");
            warn!(obj = "policies", policy, err, "policy not reloaded; the one of before goes on");
        }
    }
}

async fn exchange(
    loaded: &Loaded,
    slot: &Arc<Slot>,
    agent: &Agent,
    served: &[Served],
) -> Result<usize> {
    let work = {
        let (host, slot) = (loaded.host.clone(), Arc::clone(slot));
        move || slot.again(&host)
    };
    let factory = tokio::task::spawn_blocking(work).await.context("loading it broke")??;
    let users: Vec<_> = served
        .iter()
        .filter(|served| served.spec.kinds().any(|kind| kind == slot.kind()))
        .collect();
    let before = slot.exchange(factory);
    let updated = update(agent, &users).await;
    if updated.is_err() {
        slot.exchange(before);
        // It worked before, so it works again.
        update(agent, &users).await.context("the one of before does not work any more either")?;
    }
    updated.map(|()| users.len())
}

/// Plans all of the endpoints, so that a mistake changes none, and then makes them so.
async fn update(agent: &Agent, users: &[&Served]) -> Result<()> {
    for Served { spec, .. } in users {
        agent.check(spec.clone()).await?;
    }
    for Served { endpoint, spec } in users {
        endpoint.update(spec.clone()).await?;
    }
    Ok(())
}
