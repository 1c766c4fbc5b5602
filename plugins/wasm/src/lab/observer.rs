//! What a policy in the lab did.

use std::time::Duration;

use parking_lot::Mutex;

use super::Call;
use crate::{fault::Fault, hook::Hook};

/// Calls and faults since somebody looked last.
#[derive(Debug, Default)]
pub(crate) struct Observer(Mutex<(Vec<Call>, Vec<Fault>)>);

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

    pub(crate) fn take(&self) -> (Vec<Call>, Vec<Fault>) {
        std::mem::take(&mut self.0.lock())
    }
}
