//! The one engine of this process: it exists while a policy is loaded, and not before.

use std::sync::{Arc, Weak};

use adit_policy_rules::limits::{CORE_INSTANCES, KIB, MEMORY, MIB, STACK, TABLE_ELEMENTS, TABLES};
use parking_lot::Mutex;
use tracing::{info, warn};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

use crate::ticker::Ticker;

/// Address space of one memory with which the compiler needs no bounds checks.
const ROOMY: u64 = 4 << 30;
/// Address space of one memory where there is little of it; the compiler checks bounds.
const TIGHT: usize = 64 * MIB;
/// Instances of the pool for machines with little address space.
const SMALL_POOL: u32 = 256;
/// Stack of a call: the guest's, and as much for our own functions.
const CALL_STACK: usize = STACK + 512 * KIB;

/// How memory for instances is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Allocation {
    /// Reserved beforehand.
    Pool {
        /// Instances that fit.
        instances: u32,
        /// Address space of each memory, in octets.
        reservation: u64,
    },
    /// As it is asked for: the slowest way, and the one that always works.
    OnDemand,
}

/// The engine and the clock of its guests.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) engine: Engine,
    pub(crate) ticker: Ticker,
    pub(crate) allocation: Allocation,
    /// Octets of linear memory that an instance can have.
    pub(crate) max_memory: usize,
}

/// No engine could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Not even without a pool.
    #[error("no WebAssembly engine")]
    Engine(#[source] wasmtime::Error),
    /// No thread for the clock.
    #[error("no thread for the clock of policies")]
    Ticker(#[source] std::io::Error),
}

impl Machine {
    /// The engine of this process, made now if there is none. `memory` is what its instances must
    /// be able to have, `instances` how many are wanted at once.
    pub(crate) fn shared(instances: u32, memory: usize) -> Result<Arc<Self>, EngineError> {
        static CURRENT: Mutex<Weak<Machine>> = Mutex::new(Weak::new());
        let mut current = CURRENT.lock();
        if let Some(machine) = current.upgrade()
            && machine.max_memory >= memory
        {
            return Ok(machine);
        }
        let machine = Arc::new(Self::start(instances, memory)?);
        *current = Arc::downgrade(&machine);
        Ok(machine)
    }

    /// Tries the roomy pool, then the small one, then none.
    fn start(instances: u32, memory: usize) -> Result<Self, EngineError> {
        let tight = memory.max(TIGHT);
        let steps = [
            Allocation::Pool { instances, reservation: ROOMY },
            Allocation::Pool { instances: instances.min(SMALL_POOL), reservation: tight as u64 },
        ];
        for (n, allocation) in steps.into_iter().enumerate() {
            let max_memory = if n == 0 { MEMORY.highest } else { tight };
            match Engine::new(&config(allocation, max_memory)) {
                Ok(engine) => {
                    if n > 0 {
                        warn!(
                            ?allocation,
                            "policies run in a smaller pool: there is not enough \
                            address space for the usual one"
                        );
                    }
                    return Self::with(engine, allocation, max_memory);
                }
                Err(error) => {
                    info!(?allocation, error = %format!("{error:#}"), "no such pool for policies");
                }
            }
        }
        warn!("policies run without a pool: there is not enough address space for one");
        let allocation = Allocation::OnDemand;
        let engine =
            Engine::new(&config(allocation, MEMORY.highest)).map_err(EngineError::Engine)?;
        Self::with(engine, allocation, MEMORY.highest)
    }

    fn with(
        engine: Engine,
        allocation: Allocation,
        max_memory: usize,
    ) -> Result<Self, EngineError> {
        let ticker = Ticker::start(&engine).map_err(EngineError::Ticker)?;
        Ok(Self { engine, ticker, allocation, max_memory })
    }
}

fn config(allocation: Allocation, max_memory: usize) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .consume_fuel(false)
        // With it, each call would keep books for tasks that policies do not have.
        .concurrency_support(false)
        .memory_init_cow(true)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .cranelift_opt_level(OptLevel::Speed)
        .parallel_compilation(true)
        .max_wasm_stack(STACK)
        .async_stack_size(CALL_STACK);
    match allocation {
        Allocation::Pool { instances, reservation } => {
            config.memory_reservation(reservation);
            if reservation < ROOMY {
                config.memory_guard_size(64 * KIB as u64);
            }
            config.allocation_strategy(pool(instances, max_memory));
        }
        Allocation::OnDemand => {
            config.memory_reservation(TIGHT as u64).memory_guard_size(64 * KIB as u64);
        }
    }
    config
}

fn pool(instances: u32, max_memory: usize) -> InstanceAllocationStrategy {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        // Each component takes about three core instances and two tables.
        .total_core_instances(instances.saturating_mul(8))
        .total_tables(instances.saturating_mul(4))
        .total_memories(instances)
        .total_stacks(instances)
        .max_core_instances_per_component(as_u32(CORE_INSTANCES))
        .max_tables_per_component(as_u32(TABLES))
        .max_tables_per_module(as_u32(TABLES))
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(max_memory)
        // Only together: resetting what is resident is cheaper than giving it back, if one knows
        // what is resident.
        .linear_memory_keep_resident(256 * KIB)
        .pagemap_scan(Enabled::Auto)
        .table_keep_resident(16 * KIB)
        .async_stack_keep_resident(16 * KIB);
    InstanceAllocationStrategy::Pooling(pool)
}

fn as_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_makes_an_engine() {
        let roomy = Allocation::Pool { instances: 16, reservation: ROOMY };
        let tight = Allocation::Pool { instances: 16, reservation: TIGHT as u64 };
        for allocation in [roomy, tight, Allocation::OnDemand] {
            Engine::new(&config(allocation, TIGHT)).unwrap();
        }
    }
}
