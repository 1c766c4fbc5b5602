//! One named set of token buckets: a key each, at most so many.
//!
//! Keys are spread over shards, so that threads rarely meet at a lock. Each shard remembers when its
//! keys will have refilled in a heap with one entry for each key. The entry may be early, for a
//! bucket that is taken from again refills later; it is never late. So whether anything has
//! refilled is read off the top, and the entry is put right only when it comes up.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, hash_map::RandomState},
    hash::BuildHasher as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use adit_policy_rules::{
    Refused, limits,
    rate::{Bucket as Tokens, Decision, Quota},
};
use hashbrown::{HashTable, hash_table::Entry};
use parking_lot::Mutex;

/// Shards of one bucket.
const SHARDS: usize = 16;

/// Entries that one new key looks at in passing. More than one, so that a bucket shrinks while it is
/// used; few, so that no call pays for a long silence.
const IN_PASSING: usize = 4;

/// One named set of token buckets.
#[derive(Debug)]
pub(in crate::host) struct Bucket {
    shards: [Shard; SHARDS],
    hasher: RandomState,
    keys: AtomicUsize,
    max_keys: AtomicUsize,
}

/// On a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Mutex<Keys>);

#[derive(Debug, Default)]
struct Keys {
    table: HashTable<Key>,
    refills: BinaryHeap<Reverse<Refill>>,
}

/// The earliest moment at which a key's tokens may be back, its hash, and the key.
type Refill = (u64, u64, Arc<str>);

#[derive(Debug)]
struct Key {
    name: Arc<str>,
    hash: u64,
    tokens: Tokens,
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            shards: Default::default(),
            hasher: RandomState::new(),
            keys: AtomicUsize::new(0),
            max_keys: AtomicUsize::new(limits::RATE_KEYS),
        }
    }
}

impl Bucket {
    /// Changes how many keys it has at most. Keys beyond that stay until they have refilled.
    pub(super) fn resize(&self, max_keys: usize) {
        self.max_keys.store(max_keys, Relaxed);
    }

    /// Takes `cost` tokens of a key, if they are there.
    ///
    /// # Errors
    /// The key is new, and there are as many as there may be of which none has refilled.
    pub(super) fn take(
        &self,
        name: &str,
        now: u64,
        quota: Quota,
        cost: u32,
    ) -> Result<Decision, Refused> {
        let hash = self.hasher.hash_one(name);
        let own = shard_of(hash);
        let mut keys = self.shards[own].0.lock();
        if let Some(key) = keys.table.find_mut(hash, |key| &*key.name == name) {
            return Ok(key.tokens.take(now, quota, cost));
        }
        let mut tokens = Tokens::full();
        let decision = tokens.take(now, quota, cost);
        if tokens.is_full(now) {
            // Nothing was taken, so there is nothing to remember.
            return Ok(decision);
        }
        self.forget(keys.sweep(now, IN_PASSING));
        while !self.reserve() {
            drop(keys);
            if !self.make_room(own, now) {
                let most = self.max_keys.load(Relaxed);
                return Err(Refused::limit(format!("rate keys: the bucket has its {most} keys")));
            }
            keys = self.shards[own].0.lock();
        }
        if keys.insert(hash, name, tokens) {
            return Ok(decision);
        }
        // Another call brought the same key meanwhile.
        self.forget(1);
        let key = keys.table.find_mut(hash, |key| &*key.name == name);
        Ok(key.map_or(decision, |key| key.tokens.take(now, quota, cost)))
    }

    /// Keys that are remembered.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.keys.load(Relaxed)
    }

    fn reserve(&self) -> bool {
        let most = self.max_keys.load(Relaxed);
        let more = |keys: usize| (keys < most).then_some(keys + 1);
        self.keys.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    fn forget(&self, n: usize) {
        if n > 0 {
            self.keys.fetch_sub(n, Relaxed);
        }
    }

    /// Drops keys that have refilled, in this shard or else in another. The caller holds no lock.
    fn make_room(&self, own: usize, now: u64) -> bool {
        let mut shards = (0..SHARDS).map(|step| &self.shards[(own + step) % SHARDS]);
        shards.any(|shard| {
            let swept = shard.0.lock().sweep_for_one(now);
            self.forget(swept);
            swept > 0
        })
    }
}

impl Keys {
    fn insert(&mut self, hash: u64, name: &str, tokens: Tokens) -> bool {
        match self.table.entry(hash, |key| &*key.name == name, |key| key.hash) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                let name: Arc<str> = name.into();
                place.insert(Key { name: Arc::clone(&name), hash, tokens });
                self.refills.push(Reverse((tokens.full_at(), hash, name)));
                true
            }
        }
    }

    /// Drops keys that have refilled, for they equal absence. Looks at so many at most, and returns
    /// how many it dropped.
    fn sweep(&mut self, now: u64, at_most: usize) -> usize {
        (0..at_most).map_while(|_| self.sweep_next(now)).filter(|dropped| *dropped).count()
    }

    /// Drops one key that has refilled, if there is any.
    fn sweep_for_one(&mut self, now: u64) -> usize {
        while let Some(dropped) = self.sweep_next(now) {
            if dropped {
                return 1;
            }
        }
        0
    }

    /// Looks at the key that comes up next, and tells whether it was dropped. `None`: no key has
    /// refilled.
    fn sweep_next(&mut self, now: u64) -> Option<bool> {
        self.refills.peek().filter(|Reverse((at, ..))| *at <= now)?;
        let Reverse((_, hash, name)) = self.refills.pop()?;
        let Ok(found) = self.table.find_entry(hash, |key| Arc::ptr_eq(&key.name, &name)) else {
            return Some(false);
        };
        let tokens = found.get().tokens;
        if tokens.is_full(now) {
            found.remove();
            return Some(true);
        }
        self.refills.push(Reverse((tokens.full_at(), hash, name)));
        Some(false)
    }
}

fn shard_of(hash: u64) -> usize {
    // The table uses the upper and the lowest bits.
    (hash >> 24) as usize % SHARDS
}

#[cfg(test)]
mod tests;
