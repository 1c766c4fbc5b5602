//! Keys and values in memory.

use std::collections::{BTreeMap, HashMap};

use adit_policy_rules::{Refused, limits, state};

use super::{World, try_ask};
use crate::backend::types::Error;

/// By name.
pub(crate) type Buckets = HashMap<String, Bucket>;

/// One bucket: what was not used for longest makes room.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    entries: BTreeMap<String, Entry>,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    expires_ns: u64,
    used: u64,
}

impl Bucket {
    fn live(&mut self, key: &str, now: u64) -> Option<&Entry> {
        if self.entries.get(key).is_some_and(|entry| entry.expires_ns <= now) {
            self.entries.remove(key);
        }
        self.uses += 1;
        let entry = self.entries.get_mut(key)?;
        entry.used = self.uses;
        Some(entry)
    }

    fn put(&mut self, key: &str, value: Vec<u8>, expires_ns: u64) {
        self.uses += 1;
        let entry = Entry { value, expires_ns, used: self.uses };
        self.entries.insert(key.to_owned(), entry);
        while self.entries.len() > limits::KV_ENTRIES || self.octets() > limits::KV_OCTETS {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { return };
            self.entries.remove(&key);
        }
    }

    fn octets(&self) -> usize {
        self.entries.iter().map(|(key, entry)| key.len() + entry.value.len()).sum()
    }
}

fn expiry(ttl_ms: u32, now: u64) -> u64 {
    match ttl_ms {
        0 => u64::MAX,
        ms => now.saturating_add(u64::from(ms) * 1_000_000),
    }
}

fn open<T>(
    bucket: &str,
    key: &str,
    action: impl FnOnce(&mut Bucket, u64) -> Result<T, Refused>,
) -> Result<T, Error> {
    try_ask(|world: &mut World| {
        world.effects("kv")?;
        world.grants.check("kv", world.grants.kv.as_deref(), bucket)?;
        state::key(key)?;
        let now = world.monotonic_ns;
        action(world.kv.entry(bucket.to_owned()).or_default(), now)
    })
}

pub(crate) fn get(bucket: &str, key: &str) -> Result<Option<Vec<u8>>, Error> {
    open(bucket, key, |bucket, now| Ok(bucket.live(key, now).map(|entry| entry.value.clone())))
}

pub(crate) fn set(bucket: &str, key: &str, value: &[u8], ttl_ms: u32) -> Result<(), Error> {
    open(bucket, key, |bucket, now| {
        state::value(value)?;
        bucket.put(key, value.to_vec(), expiry(ttl_ms, now));
        Ok(())
    })
}

pub(crate) fn delete(bucket: &str, key: &str) -> Result<bool, Error> {
    open(bucket, key, |bucket, now| {
        let was_live = bucket.live(key, now).is_some();
        bucket.entries.remove(key);
        Ok(was_live)
    })
}

pub(crate) fn increment(bucket: &str, key: &str, by: i64, ttl_ms: u32) -> Result<i64, Error> {
    open(bucket, key, |bucket, now| {
        let (old, expires) = match bucket.live(key, now) {
            Some(entry) => (number(&entry.value)?, entry.expires_ns),
            None => (0, expiry(ttl_ms, now)),
        };
        let sum = old.checked_add(by).ok_or_else(|| {
            Refused::invalid(format!("{old} and {by} are more than a number can be"))
        })?;
        bucket.put(key, sum.to_string().into_bytes(), expires);
        Ok(sum)
    })
}

pub(crate) fn swap(
    bucket: &str,
    key: &str,
    expected: Option<&[u8]>,
    value: &[u8],
    ttl_ms: u32,
) -> Result<bool, Error> {
    open(bucket, key, |bucket, now| {
        state::value(value)?;
        if bucket.live(key, now).map(|entry| entry.value.as_slice()) != expected {
            return Ok(false);
        }
        bucket.put(key, value.to_vec(), expiry(ttl_ms, now));
        Ok(true)
    })
}

fn number(value: &[u8]) -> Result<i64, Refused> {
    let text = std::str::from_utf8(value).ok();
    let number = text.and_then(|text| text.parse().ok());
    number.ok_or_else(|| Refused::invalid("the value is not a number"))
}
