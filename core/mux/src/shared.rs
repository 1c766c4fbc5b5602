//! The machine as the handles and the driver share it.

use std::{sync::Arc, task::Waker, time::Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::machine::Machine;

/// One lock around the whole machine.
///
/// Every section is short: a frame or a chunk is moved, never copied at length, and nobody is woken
/// or called while it is held. A lock per stream would still need one for the writer's queues, and
/// taking two costs more than the rare contention of one (h2 and quinn chose the same).
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Cancelled when the driver has ended.
    pub(crate) done: CancellationToken,
}

#[derive(Debug)]
struct State {
    machine: Machine,
    /// Set while the driver sleeps. Taken by the first who has work for it, so that nobody wakes
    /// a driver that is awake already.
    driver: Option<Waker>,
}

impl Shared {
    pub(crate) fn new(machine: Machine) -> Arc<Self> {
        let state = State { machine, driver: None };
        Arc::new(Self { state: Mutex::new(state), done: CancellationToken::new() })
    }

    /// Runs `f` on the machine, then wakes whoever can go on.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Machine) -> R) -> R {
        let mut state = self.state.lock();
        let result = f(&mut state.machine);
        let mut wakes = state.machine.take_wakes();
        if state.driver.is_some() && state.machine.take_attention() {
            wakes.extend(state.driver.take());
        }
        drop(state);
        for waker in wakes {
            waker.wake();
        }
        result
    }

    /// For the driver: it is awake.
    pub(crate) fn driver_awake(&self) {
        self.state.lock().driver = None;
    }

    /// For the driver: goes to sleep until the deadline, if there is one. `None`: not yet, there
    /// is something to do. Output that the transport does not take now is nothing to do.
    pub(crate) fn driver_sleeps(&self, waker: &Waker, blocked: bool) -> Option<Option<Instant>> {
        let mut state = self.state.lock();
        if !blocked && state.machine.has_output() || state.machine.ended().is_some() {
            return None;
        }
        state.machine.take_attention();
        state.driver = Some(waker.clone());
        Some(state.machine.deadline())
    }
}

/// The clock of handles and driver. Tests pause it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
