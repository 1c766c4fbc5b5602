//! How much of the machine a policy may use.

mod memory;
mod parse;

use std::time::Duration;

use adit_policy_rules::limits as rules;

pub use self::parse::{LimitError, byte_size, duration};
pub(crate) use self::{
    memory::Limiter,
    parse::{size_text, time_text},
};

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
    /// `host_call`: one value from the guest to the host.
    pub host_call: usize,
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
            component: rules::COMPONENT.default,
            memory: rules::MEMORY.default,
            cpu: rules::CPU.default,
            configure_cpu: rules::CONFIGURE_CPU.default,
            wall: rules::WALL.default,
            chunk_wall: rules::WALL.default,
            max_instances: u32::try_from(rules::INSTANCES.default).unwrap_or(u32::MAX),
            queue_wait: rules::QUEUE_WAIT.default,
            host_call: rules::HOST_CALL.default,
            body: rules::AWAITED_BODY,
            recycle_after: rules::RECYCLE_PHASES,
            idle: rules::IDLE,
        }
    }
}
