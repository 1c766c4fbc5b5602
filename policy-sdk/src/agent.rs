//! The agent, and this policy's place in it.

use crate::backend::agent;

/// The name that this policy has in the configuration.
pub fn policy_name() -> String {
    agent::policy_name()
}

/// Version of the agent.
pub fn version() -> String {
    agent::version()
}

/// Whether the agent has a behaviour that no type shows. Names that it does not know are `false`;
/// none is defined yet.
pub fn supports(feature: &str) -> bool {
    agent::supports(feature)
}
