//! What a policy in the lab did.

use std::time::Duration;

use parking_lot::Mutex;

use super::{Call, Heard, PieceVerdict};
use crate::{bindings::adit::policy::types::ChunkVerdict, fault::Fault, hook::Hook};

/// Calls, faults and answers since somebody looked last.
#[derive(Debug, Default)]
pub(crate) struct Observer(Mutex<(Vec<Call>, Vec<Fault>)>, Mutex<Heard>);

/// Calls and faults that are remembered between two looks: a bench makes millions.
const MAX_SEEN: usize = 1_024;

impl Observer {
    pub(crate) fn call(&self, hook: Hook, took: Duration) {
        let calls = &mut self.0.lock().0;
        if calls.len() < MAX_SEEN {
            calls.push(Call { hook, took });
        }
    }

    pub(crate) fn fault(&self, fault: &Fault) {
        let faults = &mut self.0.lock().1;
        if faults.len() < MAX_SEEN {
            faults.push(fault.clone());
        }
    }

    pub(crate) fn piece(&self, hook: Hook, verdict: &ChunkVerdict) {
        let verdict = match verdict {
            ChunkVerdict::Pass => PieceVerdict::Pass,
            ChunkVerdict::Replace(bytes) => PieceVerdict::Replace(bytes.clone().into()),
            ChunkVerdict::Detach => PieceVerdict::Detach,
            ChunkVerdict::Abort(_) => PieceVerdict::Abort,
        };
        let pieces = &mut self.1.lock().pieces;
        if pieces.len() < MAX_SEEN {
            pieces.push((hook, verdict));
        }
    }

    pub(crate) fn reason(&self, hook: Hook, reason: &str) {
        let reasons = &mut self.1.lock().reasons;
        if reasons.len() < MAX_SEEN {
            reasons.push((hook, reason.to_owned()));
        }
    }

    pub(crate) fn heard(&self) -> Heard {
        std::mem::take(&mut self.1.lock())
    }

    pub(crate) fn take(&self) -> (Vec<Call>, Vec<Fault>) {
        std::mem::take(&mut self.0.lock())
    }
}
