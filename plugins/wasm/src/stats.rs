//! What runs at the moment.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use crate::{engine::Allocation, load::Host};

/// What runs at the moment.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// The engine. `None`: no policy is loaded.
    pub engine: Option<EngineStats>,
    /// Policies that a chain holds.
    pub policies: Vec<PolicyStats>,
    /// Instances, those of policies that are being replaced included.
    pub instances: usize,
}

/// The engine of this process.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EngineStats {
    /// How memory for instances is had.
    pub allocation: Allocation,
    /// Interruptions of guests so far.
    pub ticks: u64,
    /// Whether the clock of guests sleeps.
    pub is_parked: bool,
}

/// One policy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PolicyStats {
    /// Its name.
    pub name: Arc<str>,
    /// Its instances.
    pub instances: u32,
    /// Those of them that wait for work.
    pub idle: usize,
    /// Whether it is left alone, after nothing but faults.
    pub is_left_alone: bool,
}

impl Host {
    /// What runs at the moment.
    pub fn stats(&self) -> Stats {
        let inner = self.inner();
        let policies = inner.all_policies();
        let engine = inner.machine().map(|machine| EngineStats {
            allocation: machine.allocation,
            ticks: machine.ticker.ticks(),
            is_parked: machine.ticker.is_parked(),
        });
        let policies = policies.iter().map(|policy| PolicyStats {
            name: policy.shared.name().into(),
            instances: policy.pool().live(),
            idle: policy.pool().idle(),
            is_left_alone: policy.is_left_alone(),
        });
        let policies = policies.collect();
        Stats { engine, policies, instances: inner.instances.load(Relaxed) }
    }
}
