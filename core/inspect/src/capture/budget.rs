//! Bytes that may be used.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Counts bytes against a limit, which is never passed.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0) }
    }

    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// Takes bytes, unless they would be too many.
    pub(crate) fn take(&self, n_bytes: usize) -> bool {
        let fits = |used: usize| used.checked_add(n_bytes).filter(|sum| *sum <= self.limit);
        self.used.fetch_update(Relaxed, Relaxed, fits).is_ok()
    }

    pub(crate) fn give_back(&self, n_bytes: usize) {
        self.used.fetch_sub(n_bytes, Relaxed);
    }
}
