//! The windows of all keys, in bounded memory.

use std::{collections::HashMap, mem};

use super::window::{Millis, Quota, Window};

/// A digest of a key. Reason: keys are as long as visitors' headers.
pub(super) type Digest = [u8; 16];

/// How many keys one generation remembers; there are two.
///
/// Reason: visitors choose their keys. Two times this many windows with their first mark are about
/// 16 MiB.
const MAX_KEYS: usize = 64 * 1024;

/// How many marks the keys of one generation have together.
///
/// Reason: over a day, a single key may have thousands. Two times this many are 32 MiB, and at most
/// twice that with the room to grow.
const MAX_MARKS: usize = 1024 * 1024;

/// The windows of the keys that were seen lately, in two generations: a key that is seen moves into
/// the younger one. When that is full, or older than the rate, the older one is forgotten and the
/// younger takes its place. So who is forgotten was either not seen for longer than the rate, or
/// less lately than the last [`MAX_KEYS`] others.
#[derive(Debug, Default)]
pub(super) struct Table {
    young: Generation,
    old: Generation,
}

/// Keys, and what they cost.
#[derive(Debug, Default)]
struct Generation {
    windows: HashMap<Digest, Window>,
    n_marks: usize,
    /// When it began to be the younger one.
    began: Millis,
}

/// What was found.
pub(super) struct Found {
    /// Whether the request may pass, or for how long none may.
    pub(super) admitted: Result<(), Millis>,
    /// Whom there was no room for. To be dropped once the table is free for others.
    pub(super) forgotten: Option<Forgotten>,
}

/// Keys that are forgotten.
pub(super) struct Forgotten {
    generation: Generation,
    /// Whether there was no more room, before their time.
    pub(super) is_early: bool,
}

impl Forgotten {
    /// How many.
    pub(super) fn n_keys(&self) -> usize {
        self.generation.windows.len()
    }
}

impl Table {
    /// Lets a request of this key pass, or not.
    pub(super) fn admit(&mut self, key: Digest, now: Millis, quota: Quota) -> Found {
        let forgotten = self.turn(now, quota.rate);
        let Self { young, old } = self;
        let window = young.windows.entry(key).or_insert_with(|| {
            let window = old.windows.remove(&key).unwrap_or_default();
            young.n_marks += window.n_marks();
            window
        });
        let before = window.n_marks();
        let admitted = window.admit(now, quota);
        young.n_marks = young.n_marks - before + window.n_marks();
        Found { admitted, forgotten }
    }

    /// Begins a new generation if it is time.
    fn turn(&mut self, now: Millis, rate: Millis) -> Option<Forgotten> {
        let is_full = self.young.windows.len() >= MAX_KEYS || self.young.n_marks >= MAX_MARKS;
        let is_over = now.saturating_sub(self.young.began) >= rate;
        if !is_full && !is_over {
            return None;
        }
        let young = Generation { began: now, ..Generation::default() };
        let generation = mem::replace(&mut self.old, mem::replace(&mut self.young, young));
        // Nobody in it was seen since the other one began.
        let is_early = now.saturating_sub(self.old.began) < rate;
        (!generation.windows.is_empty()).then_some(Forgotten { generation, is_early })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { capacity: 1, rate: 60_000 };

    fn key(n: usize) -> Digest {
        (n as u128).to_be_bytes()
    }

    fn admit(table: &mut Table, n: usize, now: Millis) -> bool {
        table.admit(key(n), now, QUOTA).admitted.is_ok()
    }

    #[test]
    fn keys_do_not_share_what_may_pass() {
        let mut table = Table::default();
        assert!(admit(&mut table, 1, 0));
        assert!(admit(&mut table, 2, 0));
        assert!(!admit(&mut table, 1, 0));
    }

    #[test]
    fn a_key_is_remembered_across_generations_until_its_requests_are_old() {
        let mut table = Table::default();
        assert!(admit(&mut table, 1, 59_000));
        assert!(admit(&mut table, 2, 60_000));
        assert!(!admit(&mut table, 1, 118_999));
        assert!(admit(&mut table, 1, 119_000));
    }

    #[test]
    fn keys_that_are_not_seen_any_more_are_forgotten() {
        let mut table = Table::default();
        for n in 0..1000 {
            assert!(admit(&mut table, n, 0));
        }
        admit(&mut table, 1000, 60_000);
        assert_eq!((table.old.windows.len(), table.young.windows.len()), (1000, 1));
        let found = table.admit(key(1000), 120_000, QUOTA);
        let forgotten = found.forgotten.unwrap();
        assert_eq!((forgotten.n_keys(), forgotten.is_early), (1000, false));
        assert_eq!((table.old.windows.len(), table.young.windows.len()), (0, 1));
    }

    #[test]
    fn a_flood_of_keys_takes_no_more_than_two_generations() {
        let mut table = Table::default();
        for n in 0..3 * MAX_KEYS {
            // The one that keeps coming is not forgotten.
            if n % 1000 == 0 {
                assert_eq!(admit(&mut table, 0, 1), n == 0);
            }
            admit(&mut table, n + 1, 1);
        }
        assert!(table.young.windows.len() + table.old.windows.len() <= 2 * MAX_KEYS);
        assert!(!admit(&mut table, 0, 1));
        assert!(admit(&mut table, 1, 1), "the first of the flood is forgotten");
    }

    #[test]
    fn marks_are_counted_wherever_they_are() {
        let quota = Quota { capacity: 100, rate: 60_000 };
        let mut table = Table::default();
        for second in 0..600 {
            table.admit(key(second % 7), second as Millis * 1000, quota);
            for generation in [&table.young, &table.old] {
                let n: usize = generation.windows.values().map(Window::n_marks).sum();
                assert!(generation.n_marks >= n);
            }
            let n: usize = table.young.windows.values().map(Window::n_marks).sum();
            assert_eq!(table.young.n_marks, n);
        }
    }
}
