//! The rest of the agent: what services answer while a test runs.
//!
//! The functions in the modules below are those of the bindings. They ask the world of the harness
//! that is calling a hook in this thread.

pub(crate) mod agent;
pub(crate) mod clock;
pub(crate) mod crypto;
pub(crate) mod kv;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod outbound;
pub(crate) mod random;
pub(crate) mod rate;
pub(crate) mod secrets;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use adit_policy_rules::{Refused, limits};

use crate::testing::setup::Grants;

pub use log::LogRecord;
pub use metrics::Metric;
pub use outbound::Sent;

/// 2026-01-01 00:00:00 UTC: when every test starts, unless it says otherwise.
pub(crate) const START_NS: u64 = 1_767_225_600 * 1_000_000_000;

/// Everything that is not the policy.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) policy_name: String,
    pub(crate) now_ns: u64,
    pub(crate) monotonic_ns: u64,
    pub(crate) grants: Grants,
    pub(crate) secrets: BTreeMap<String, Vec<u8>>,
    pub(crate) random: random::Sequence,
    pub(crate) kv: kv::Buckets,
    pub(crate) rate: rate::Buckets,
    pub(crate) outbound: outbound::Upstreams,
    pub(crate) log: log::Records,
    pub(crate) metrics: metrics::Values,
    /// `configure` may run at any moment: it must not have effects.
    pub(crate) configuring: bool,
    /// Calls that this phase may still make.
    pub(crate) outbound_left: u32,
}

impl World {
    /// Begins a phase: what is counted per phase starts again.
    pub(crate) fn begin(&mut self, configuring: bool) {
        self.configuring = configuring;
        self.outbound_left = limits::OUTBOUND_CALLS;
    }

    fn effects(&self, of: &str) -> Result<(), Refused> {
        match self.configuring {
            true => Err(Refused::denied(format!("{of} cannot be used in configure"))),
            false => Ok(()),
        }
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<RefCell<World>>>> = const { RefCell::new(None) };
}

/// Makes the world the one that answers, for the time of a call.
pub(crate) fn within<T>(world: &Rc<RefCell<World>>, call: impl FnOnce() -> T) -> T {
    struct Restore(Option<Rc<RefCell<World>>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
    let _restore = Restore(CURRENT.replace(Some(Rc::clone(world))));
    call()
}

fn ask<T>(question: impl FnOnce(&mut World) -> T) -> T {
    CURRENT.with_borrow(|current| match current {
        Some(world) => question(&mut world.borrow_mut()),
        None => panic!(
            "there is no agent in a native build: call the policy through `testing::Harness`, or \
             wrap the call in `Harness::within`"
        ),
    })
}

/// As `ask`, for questions that can be refused.
fn try_ask<T>(
    question: impl FnOnce(&mut World) -> Result<T, Refused>,
) -> Result<T, crate::backend::types::Error> {
    ask(question).map_err(crate::error::raw_error)
}
