//! How much of the machine a policy may use.

mod memory;
mod parse;

use std::time::Duration;

pub use self::parse::{LimitError, byte_size, duration};
pub(crate) use self::{
    memory::Limiter,
    parse::{size_text, time_text},
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Octets of a component file, unless the file says otherwise.
pub(crate) const MAX_COMPONENT: usize = 16 * MIB;
/// Octets of a component file, at most.
pub(crate) const MAX_COMPONENT_EVER: usize = 64 * MIB;
/// Linear memory of one instance, at most.
pub(crate) const MAX_MEMORY: usize = 256 * MIB;
/// Tables of one instance.
pub(crate) const MAX_TABLES: usize = 4;
/// Elements of one table.
pub(crate) const MAX_TABLE_ELEMENTS: usize = 20_000;
/// Core instances that one component is made of.
pub(crate) const MAX_CORE_INSTANCES: usize = 16;
/// Stack of the guest.
pub(crate) const MAX_WASM_STACK: usize = 512 * KIB;
/// Instances of one policy, at most: the size of the largest pool.
pub(crate) const MAX_INSTANCES: u32 = 8_192;
/// Handles that one instance holds at once.
pub(crate) const MAX_HANDLES: usize = 1_000;
/// Limits of one policy; each has a name in the file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// `component`: octets of the file.
    pub component: usize,
    /// `memory`: linear memory of one instance.
    pub memory: usize,
    /// `cpu`: CPU time of one call.
    pub cpu: Duration,
    /// `configure_cpu`: CPU time of `configure`.
    pub configure_cpu: Duration,
    /// `wall`: time of one head call, waits included.
    pub wall: Duration,
    /// `chunk_wall`: time of one call about a piece, waits included.
    pub chunk_wall: Duration,
    /// `max_instances`: instances at once.
    pub max_instances: u32,
    /// `queue_wait`: how long a call waits for an instance.
    pub queue_wait: Duration,
    /// `value`: one value from the guest to the host.
    pub value: usize,
    /// `body`: octets of a body that is gathered for the policy.
    pub body: usize,
    /// `recycle_after`: calls after which an instance is replaced.
    pub recycle_after: u32,
    /// `idle`: how long an instance may wait for work; one always stays.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            component: MAX_COMPONENT,
            memory: 16 * MIB,
            cpu: Duration::from_millis(10),
            configure_cpu: Duration::from_secs(2),
            wall: Duration::from_secs(1),
            chunk_wall: Duration::from_secs(1),
            max_instances: 256,
            queue_wait: Duration::from_millis(100),
            value: 2 * MIB,
            body: MIB,
            recycle_after: 10_000,
            idle: Duration::from_secs(600),
        }
    }
}
