//! The round trip, as far as it can be known from here.

use std::time::Duration;

/// Below this, scheduling noise is larger than the path: windows of local sessions would grow by
/// chance. At 1 GB/s it lets a window reach about 2 MiB.
const FLOOR: Duration = Duration::from_millis(1);

/// Above this, a sample says that the peer was slow to use a grant, not that the path is long.
const CEILING: Duration = Duration::from_secs(1);

/// Smallest round trip seen.
///
/// Both sources can only be too long (queues, slow peers), never too short, so the smallest is
/// the best. A session lives on one TCP connection, whose path seldom changes.
#[derive(Debug, Default)]
pub(super) struct Rtt {
    smallest: Option<Duration>,
}

impl Rtt {
    /// A sample from above, or from a grant and its first use.
    pub(super) fn hint(&mut self, sample: Duration) {
        self.smallest = Some(self.smallest.unwrap_or(CEILING).min(sample));
    }

    /// The estimate, once there is one.
    pub(super) fn estimate(&self) -> Option<Duration> {
        self.smallest.map(|known| known.max(FLOOR))
    }
}
