//! The body that is passing, in memory that was asked for first.

use std::sync::Arc;

use super::{Budget, Store};
use crate::model::Body;

/// Least memory that is asked for at once.
///
/// Reason: a body in many small pieces should not ask for each.
const LEAST: usize = 512;

/// Memory of the store that somebody holds.
#[derive(Debug)]
pub(super) struct Charge {
    budget: Arc<Budget>,
    n_bytes: usize,
}

impl Charge {
    const fn nothing(budget: Arc<Budget>) -> Self {
        Self { budget, n_bytes: 0 }
    }

    /// Memory for something, if there is any.
    pub(super) fn reserve(store: &Store, n_bytes: usize) -> Option<Self> {
        let budget = Arc::clone(store.budget());
        store.reserve(n_bytes).then_some(Self { budget, n_bytes })
    }

    /// Whoever calls it answers for the memory from now on.
    pub(super) fn take(&mut self) -> usize {
        std::mem::take(&mut self.n_bytes)
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.give_back(self.n_bytes);
    }
}

/// A body that is passing. Its octets are copied: a piece as it passes is a slice of a buffer, and
/// would keep all of that.
#[derive(Debug)]
pub(super) struct Gather {
    bytes: Vec<u8>,
    total: u64,
    is_cut: bool,
    charge: Charge,
}

impl Gather {
    pub(super) const fn new(budget: Arc<Budget>) -> Self {
        Self { bytes: Vec::new(), total: 0, is_cut: false, charge: Charge::nothing(budget) }
    }

    /// A piece passes. `expected` is how long the body will be, if that was said.
    pub(super) fn push(&mut self, store: &Store, expected: Option<u64>, data: &[u8]) {
        self.total += data.len() as u64;
        if self.is_cut {
            return;
        }
        let max = store.max_body();
        let wanted = data.len().min(max - self.bytes.len());
        let has_room = wanted <= self.bytes.capacity() - self.bytes.len()
            || self.grow(store, expected, wanted, max);
        if has_room {
            self.bytes.extend_from_slice(&data[..wanted]);
        }
        self.is_cut = !has_room || wanted < data.len();
    }

    /// Length so far.
    pub(super) const fn total(&self) -> u64 {
        self.total
    }

    /// A copy of what there is, unless an earlier one is as long.
    pub(super) fn so_far(&self, earlier: &Body) -> Body {
        let bytes = if earlier.bytes.len() == self.bytes.len() {
            earlier.bytes.clone()
        } else {
            self.bytes.clone().into_boxed_slice().into()
        };
        Body { bytes, total: self.total }
    }

    /// What was kept, and the memory that was asked for it, for which the caller answers now.
    pub(super) fn finish(&mut self) -> (Body, usize) {
        let bytes = std::mem::take(&mut self.bytes).into_boxed_slice();
        (Body { bytes: bytes.into(), total: self.total }, self.charge.take())
    }

    fn grow(&mut self, store: &Store, expected: Option<u64>, wanted: usize, max: usize) -> bool {
        let (len, capacity) = (self.bytes.len(), self.bytes.capacity());
        let expected = expected.map_or(LEAST, |n| usize::try_from(n).unwrap_or(max));
        let best = (capacity * 2).max(expected).max(len + wanted).min(max);
        for room in [best, len + wanted] {
            if store.reserve(room - capacity) {
                self.charge.n_bytes += room - capacity;
                self.bytes.reserve_exact(room - len);
                return true;
            }
        }
        false
    }
}
