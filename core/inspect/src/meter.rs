//! Counters of one endpoint.

/// Counts what passes through one endpoint.
#[derive(Debug, Default)]
pub struct Meter {}
