//! Says no to a guest that wants more memory, and remembers it: the guest's own failure afterwards
//! looks like any other trap.

use adit_policy_rules::limits::{CORE_INSTANCES, TABLE_ELEMENTS, TABLES};
use wasmtime::ResourceLimiter;

use super::Limits;

/// The limits of one store.
#[derive(Debug)]
pub(crate) struct Limiter {
    max_memory: usize,
    /// Octets of linear memory now.
    pub(crate) memory: usize,
    /// Octets that were asked for last and refused.
    pub(crate) refused: Option<usize>,
}

impl Limiter {
    pub(crate) const fn new(limits: &Limits) -> Self {
        Self { max_memory: limits.memory, memory: 0, refused: None }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // A component's memories share the limit: what the others hold is what is left of the sum.
        let others = self.memory.saturating_sub(current);
        if others.saturating_add(desired) > self.max_memory {
            self.refused = Some(desired);
            return Ok(false);
        }
        self.memory = others + desired;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn memories(&self) -> usize {
        CORE_INSTANCES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_of_one_instance_share_the_limit_and_a_refusal_is_remembered() {
        let mut limiter = Limiter::new(&Limits { memory: 10, ..Limits::default() });
        assert!(limiter.memory_growing(0, 6, None).unwrap());
        assert!(!limiter.memory_growing(0, 5, None).unwrap());
        assert_eq!(limiter.refused, Some(5));
        assert!(limiter.memory_growing(6, 10, None).unwrap());
        assert_eq!(limiter.memory, 10);
    }
}
