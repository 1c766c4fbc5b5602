//! Keys in the order of their last use: a table of places in a list.

use hashbrown::HashTable;

/// No place.
const NONE: u32 = u32::MAX;

/// What is stored under one key.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) key: Box<str>,
    pub(super) value: Vec<u8>,
    /// When it ends, in nanoseconds; `u64::MAX`: never.
    pub(super) expires: u64,
    /// When it was last used, as a count of uses of the bucket.
    used: u64,
    hash: u64,
    newer: u32,
    older: u32,
}

impl Slot {
    pub(super) fn octets(&self) -> usize {
        self.key.len() + self.value.len()
    }
}

/// Keys in the order of their last use.
#[derive(Debug)]
pub(super) struct Lru {
    table: HashTable<u32>,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    newest: u32,
    oldest: u32,
}

impl Default for Lru {
    fn default() -> Self {
        let (table, slots, free) = (HashTable::new(), Vec::new(), Vec::new());
        Self { table, slots, free, newest: NONE, oldest: NONE }
    }
}

impl Lru {
    /// What is stored under a key, which is now the one used last.
    pub(super) fn touch(&mut self, hash: u64, key: &str, used: u64) -> Option<&mut Slot> {
        let place = self.find(hash, key)?;
        self.unlink(place);
        self.link(place);
        let slot = self.slots.get_mut(place as usize)?.as_mut()?;
        slot.used = used;
        Some(slot)
    }

    /// Stores a key that is not there yet, as the one used last.
    pub(super) fn insert(&mut self, hash: u64, key: &str, value: Vec<u8>, expires: u64, used: u64) {
        let slot = Slot { key: key.into(), value, expires, used, hash, newer: NONE, older: NONE };
        let place = match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = Some(slot);
                place
            }
            None => {
                self.slots.push(Some(slot));
                u32::try_from(self.slots.len() - 1).expect("a bucket has fewer than 2^32 keys")
            }
        };
        let Self { table, slots, .. } = self;
        let hash_of = |place: &u32| slots[*place as usize].as_ref().map_or(0, |slot| slot.hash);
        table.insert_unique(hash, place, hash_of);
        self.link(place);
    }

    /// Takes a key out.
    pub(super) fn remove(&mut self, hash: u64, key: &str) -> Option<Slot> {
        let place = self.find(hash, key)?;
        self.take(place)
    }

    /// Takes out the key that was not used for longest.
    pub(super) fn pop_oldest(&mut self) -> Option<Slot> {
        self.take(self.oldest)
    }

    /// When the key that was not used for longest was used; `u64::MAX`: there is none.
    pub(super) fn oldest_use(&self) -> u64 {
        self.slot(self.oldest).map_or(u64::MAX, |slot| slot.used)
    }

    fn take(&mut self, place: u32) -> Option<Slot> {
        let hash = self.slot(place)?.hash;
        if let Ok(entry) = self.table.find_entry(hash, |other| *other == place) {
            entry.remove();
        }
        self.unlink(place);
        self.free.push(place);
        self.slots[place as usize].take()
    }

    fn find(&self, hash: u64, key: &str) -> Option<u32> {
        let same = |place: &u32| self.slot(*place).is_some_and(|slot| &*slot.key == key);
        self.table.find(hash, same).copied()
    }

    fn slot(&self, place: u32) -> Option<&Slot> {
        self.slots.get(place as usize)?.as_ref()
    }

    fn slot_mut(&mut self, place: u32) -> Option<&mut Slot> {
        self.slots.get_mut(place as usize)?.as_mut()
    }

    fn link(&mut self, place: u32) {
        let before = self.newest;
        if let Some(slot) = self.slot_mut(place) {
            (slot.newer, slot.older) = (NONE, before);
        }
        match self.slot_mut(before) {
            Some(slot) => slot.newer = place,
            None => self.oldest = place,
        }
        self.newest = place;
    }

    fn unlink(&mut self, place: u32) {
        let Some((newer, older)) = self.slot(place).map(|slot| (slot.newer, slot.older)) else {
            return;
        };
        match self.slot_mut(newer) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
        match self.slot_mut(older) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
    }
}
