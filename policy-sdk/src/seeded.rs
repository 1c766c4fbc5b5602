//! A map for keys that strangers choose.

use std::collections::HashMap;
use std::hash::{BuildHasher, DefaultHasher, Hasher as _};

use crate::random;

/// A `HashMap` whose order nobody can predict.
///
/// In a component the standard `HashMap` hashes the same way everywhere, so a stranger who chooses
/// the keys could make all of them collide. Where that matters use this one, or a `BTreeMap`.
pub type SeededMap<K, V> = HashMap<K, V, Seeded>;

/// Starts each hash with a secret of its own, drawn when it is made.
#[derive(Clone, Debug)]
pub struct Seeded(DefaultHasher);

impl Default for Seeded {
    fn default() -> Self {
        // The secret is a full block of the hash, so its whole state is unknown outside.
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(random::number());
        hasher.write_u64(random::number());
        Self(hasher)
    }
}

impl BuildHasher for Seeded {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        self.0.clone()
    }
}
