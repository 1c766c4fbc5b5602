//! How long something took.

use std::time::{Duration, Instant};

/// Clocks that run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timer {
    wall: Instant,
    cpu: Duration,
}

/// How long something took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::policy) struct Took {
    pub(in crate::policy) wall: Duration,
    pub(in crate::policy) cpu: Duration,
}

impl Timer {
    pub(super) fn start() -> Self {
        Self { cpu: thread_cpu(), wall: Instant::now() }
    }

    pub(super) fn stop(&self) -> Took {
        Took { wall: self.wall.elapsed(), cpu: thread_cpu().saturating_sub(self.cpu) }
    }
}

/// Processor time of this thread.
fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}
