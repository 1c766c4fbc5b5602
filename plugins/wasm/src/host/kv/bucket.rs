//! One named store: at most so many keys and octets, oldest use goes first.
//!
//! Keys are spread over shards, so that threads rarely meet at a lock. Each use has a number, and
//! each shard tells the number of its oldest: so the order of use holds for the whole bucket.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher as _,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use adit_policy_rules::{Kind, Refused};
use parking_lot::{Mutex, MutexGuard};

use super::lru::{Lru, Slot};
use crate::grants::KvQuota;

/// Shards of one bucket.
const SHARDS: usize = 16;

const NS_PER_MS: u64 = 1_000_000;

/// One named store.
#[derive(Debug)]
pub(in crate::host) struct Bucket {
    shards: [Shard; SHARDS],
    hasher: RandomState,
    uses: AtomicU64,
    entries: AtomicUsize,
    octets: AtomicUsize,
    max_entries: AtomicUsize,
    max_octets: AtomicUsize,
}

/// On a cache line of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Shard {
    keys: Mutex<Lru>,
    /// The oldest use of its keys, as of when its lock was last released.
    oldest_use: AtomicU64,
}

impl Default for Shard {
    fn default() -> Self {
        Self { keys: Mutex::default(), oldest_use: AtomicU64::new(u64::MAX) }
    }
}

impl Default for Bucket {
    fn default() -> Self {
        let KvQuota { max_entries, max_octets } = KvQuota::default();
        Self {
            shards: Default::default(),
            hasher: RandomState::new(),
            uses: AtomicU64::new(0),
            entries: AtomicUsize::new(0),
            octets: AtomicUsize::new(0),
            max_entries: AtomicUsize::new(max_entries),
            max_octets: AtomicUsize::new(max_octets),
        }
    }
}

impl Bucket {
    /// Changes what it holds at most. What is too much goes with the next write.
    pub(super) fn resize(&self, quota: KvQuota) {
        self.max_entries.store(quota.max_entries, Relaxed);
        self.max_octets.store(quota.max_octets, Relaxed);
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str, now: u64) -> Option<Vec<u8>> {
        let mut at = self.at(key);
        at.live(now).map(|slot| slot.value.clone())
    }

    /// Stores a value; a lifetime of 0 means until it has to make room.
    pub(super) fn set(
        &self,
        key: &str,
        value: Vec<u8>,
        ttl_ms: u32,
        now: u64,
    ) -> Result<(), Refused> {
        self.fits(key, &value)?;
        self.at(key).put(value, expiry(ttl_ms, now));
        self.make_room();
        Ok(())
    }

    /// Forgets a key. Tells whether there was one.
    pub(super) fn delete(&self, key: &str, now: u64) -> bool {
        let mut at = self.at(key);
        let was_live = at.live(now).is_some();
        at.remove();
        was_live
    }

    /// Adds to a number, which is stored as its decimal digits, and returns the sum. A key that is
    /// missing counts as 0; only then the lifetime begins.
    pub(super) fn increment(
        &self,
        key: &str,
        by: i64,
        ttl_ms: u32,
        now: u64,
    ) -> Result<i64, Refused> {
        self.fits(key, b"-9223372036854775808")?;
        let mut at = self.at(key);
        let (old, expires) = match at.live(now) {
            Some(slot) => (number(&slot.value)?, slot.expires),
            None => (0, expiry(ttl_ms, now)),
        };
        let sum = old.checked_add(by).ok_or_else(|| {
            Refused::invalid(format!("{old} and {by} are more than a number can be"))
        })?;
        at.put(sum.to_string().into_bytes(), expires);
        drop(at);
        self.make_room();
        Ok(sum)
    }

    /// Stores a value while the one that is stored equals `expected`. Tells whether it did.
    pub(super) fn swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: Vec<u8>,
        ttl_ms: u32,
        now: u64,
    ) -> Result<bool, Refused> {
        self.fits(key, &value)?;
        let mut at = self.at(key);
        if at.live(now).map(|slot| slot.value.as_slice()) != expected {
            return Ok(false);
        }
        at.put(value, expiry(ttl_ms, now));
        drop(at);
        self.make_room();
        Ok(true)
    }

    fn at<'a>(&'a self, key: &'a str) -> At<'a> {
        let hash = self.hasher.hash_one(key);
        // The table uses the upper and the lowest bits.
        let shard = &self.shards[(hash >> 24) as usize % SHARDS];
        let used = self.uses.fetch_add(1, Relaxed);
        At { bucket: self, shard, keys: shard.keys.lock(), key, hash, used }
    }

    fn fits(&self, key: &str, value: &[u8]) -> Result<(), Refused> {
        let (octets, most) = (key.len() + value.len(), self.max_octets.load(Relaxed));
        if octets > most || self.max_entries.load(Relaxed) == 0 {
            let message = format!("kv octets: key and value have {octets}, the bucket has {most}");
            return Err(Refused::new(Kind::Limit, message));
        }
        Ok(())
    }

    /// Forgets what was not used for longest, until the rest fits.
    fn make_room(&self) {
        while self.entries.load(Relaxed) > self.max_entries.load(Relaxed)
            || self.octets.load(Relaxed) > self.max_octets.load(Relaxed)
        {
            let oldest = self.shards.iter().min_by_key(|shard| shard.oldest_use.load(Relaxed));
            let Some(shard) = oldest else { return };
            let mut keys = shard.keys.lock();
            let popped = keys.pop_oldest();
            shard.oldest_use.store(keys.oldest_use(), Relaxed);
            drop(keys);
            match popped {
                Some(slot) => self.forgot(&slot),
                None => return, // Another call was faster; it makes room as well.
            }
        }
    }

    fn forgot(&self, slot: &Slot) {
        self.entries.fetch_sub(1, Relaxed);
        self.octets.fetch_sub(slot.octets(), Relaxed);
    }
}

/// One key, with its shard locked.
struct At<'a> {
    bucket: &'a Bucket,
    shard: &'a Shard,
    keys: MutexGuard<'a, Lru>,
    key: &'a str,
    hash: u64,
    used: u64,
}

impl At<'_> {
    /// What is stored, unless its time is over. Counts as a use.
    fn live(&mut self, now: u64) -> Option<&mut Slot> {
        let slot = self.keys.touch(self.hash, self.key, self.used)?;
        (slot.expires > now).then_some(slot)
    }

    fn put(&mut self, value: Vec<u8>, expires: u64) {
        let new = value.len();
        match self.keys.touch(self.hash, self.key, self.used) {
            Some(slot) => {
                let old = std::mem::replace(&mut slot.value, value).len();
                slot.expires = expires;
                // Added before subtracted: a count below zero would be a very large one.
                self.bucket.octets.fetch_add(new, Relaxed);
                self.bucket.octets.fetch_sub(old, Relaxed);
            }
            None => {
                self.bucket.entries.fetch_add(1, Relaxed);
                self.bucket.octets.fetch_add(self.key.len() + new, Relaxed);
                self.keys.insert(self.hash, self.key, value, expires, self.used);
            }
        }
    }

    fn remove(&mut self) {
        if let Some(slot) = self.keys.remove(self.hash, self.key) {
            self.bucket.forgot(&slot);
        }
    }
}

impl Drop for At<'_> {
    fn drop(&mut self) {
        self.shard.oldest_use.store(self.keys.oldest_use(), Relaxed);
    }
}

fn expiry(ttl_ms: u32, now: u64) -> u64 {
    match ttl_ms {
        0 => u64::MAX,
        ms => now.saturating_add(u64::from(ms) * NS_PER_MS),
    }
}

fn number(value: &[u8]) -> Result<i64, Refused> {
    let text = std::str::from_utf8(value).ok();
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| Refused::invalid("the stored value is not a number"))
}

#[cfg(test)]
mod tests;
