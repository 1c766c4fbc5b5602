//! The store of captured exchanges: bounded by bytes, oldest out first.
//!
//! ```text
//! exchange ── Tape: no lock, its own memory ──┬─ begun ──┐
//!                                             ├─ head ───┼── Store: one short lock each
//!                                             └─ end ────┘        └── Changes, lossy
//! ```
//!
//! Everything that is kept is counted before it is kept: entries, what tapes hold of bodies that are
//! under way, and messages. What cannot be had even by letting everything older go is not kept.

mod budget;
mod changes;
mod filter;
mod gather;
mod replays;
mod tape;

use std::{
    collections::BTreeMap,
    fmt,
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use adit_chain::Id;
use parking_lot::Mutex;

pub(crate) use self::budget::Budget;
pub use self::{
    changes::Changes,
    filter::{Filter, FilterError, HeaderFilter, StatusFilter},
    replays::Replaying,
};
use self::{changes::Notices, replays::Replays};
use crate::model::{Body, Change, Entry, Headers, Message, Messages};

/// Bytes of one body that are kept, unless an eighth of the store is less.
///
/// Reason: documents, uploads of forms and most pictures are whole, and so can be replayed; and what
/// is longer nobody reads in a browser.
pub const MAX_BODY: usize = 1024 * 1024;

/// What an entry costs beside the octets of its heads and bodies.
///
/// Reason: the entry itself, behind a counted pointer; its place in a map whose nodes may be half
/// empty; and for each of its parts a few words of the allocator and of the count of its owners.
pub const OVERHEAD: usize = size_of::<Entry>() + 16 + 2 * size_of::<(Id, Slot)>() + N_PARTS * 48;

/// Parts of an entry with memory of their own: method, target, and of both messages headers, body
/// and trailers.
const N_PARTS: usize = 8;

/// Captured exchanges.
pub struct Store {
    budget: Arc<Budget>,
    ring: Mutex<Ring>,
    notices: Notices,
    replays: Replays,
    /// Nanoseconds to the edge and back; 0 where that is not known.
    rtt: AtomicU64,
}

type Ring = BTreeMap<Id, Slot>;

/// An entry, and what was taken for it.
struct Slot {
    entry: Arc<Entry>,
    cost: usize,
}

/// Some entries, newest first.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Arc<Entry>>,
    /// Whether there are older ones that match.
    pub more: bool,
}

/// How full a store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fill {
    /// Entries.
    pub entries: usize,
    /// Bytes in use, never more than `limit`.
    pub bytes: usize,
    /// Bytes that may be used.
    pub limit: usize,
}

impl Store {
    /// A store that holds at most so many bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        let (ring, notices, replays) = Default::default();
        let rtt = AtomicU64::new(0);
        Arc::new(Self { budget: Arc::new(Budget::new(limit)), ring, notices, replays, rtt })
    }

    /// Takes in how long it takes to the edge and back.
    pub fn set_rtt(&self, rtt: Option<Duration>) {
        let nanos = rtt.map_or(0, |rtt| u64::try_from(rtt.as_nanos()).unwrap_or(u64::MAX));
        self.rtt.store(nanos, Relaxed);
    }

    /// How long it takes to the edge and back, as far as is known.
    fn rtt(&self) -> Option<Duration> {
        let nanos = self.rtt.load(Relaxed);
        (nanos > 0).then(|| Duration::from_nanos(nanos))
    }

    /// The entry of an id.
    pub fn get(&self, id: Id) -> Option<Arc<Entry>> {
        self.ring.lock().get(&id).map(|slot| Arc::clone(&slot.entry))
    }

    /// Entries that match, newest first, from before an id on; at most `limit` of them.
    pub fn page(&self, filter: &Filter, before: Option<Id>, limit: usize) -> Page {
        let before = before.map_or(Bound::Unbounded, Bound::Excluded);
        // Looking into bodies takes time: not under the lock.
        let candidates: Vec<_> = {
            let ring = self.ring.lock();
            let range = ring.range((Bound::Unbounded, before)).rev();
            let n = if filter.is_empty() { limit.saturating_add(1) } else { usize::MAX };
            range.take(n).map(|(_, slot)| Arc::clone(&slot.entry)).collect()
        };
        let mut matching = candidates.into_iter().filter(|entry| filter.matches(entry));
        let entries = matching.by_ref().take(limit).collect();
        Page { entries, more: matching.next().is_some() }
    }

    /// Removes everything. Exchanges that are under way are not seen any more.
    pub fn clear(&self) {
        let gone = std::mem::take(&mut *self.ring.lock());
        self.budget.give_back(gone.values().map(|slot| slot.cost).sum());
        self.notices.tell(Change::Cleared);
    }

    /// Changes from now on. A receiver that is slow loses some, and is told how many.
    pub fn subscribe(&self) -> Changes {
        self.notices.subscribe()
    }

    /// How full it is.
    pub fn fill(&self) -> Fill {
        let entries = self.ring.lock().len();
        Fill { entries, bytes: self.budget.used(), limit: self.budget.limit() }
    }

    /// Adds an exchange that came another way than past a tap. Returns whether there was room.
    pub fn add(&self, entry: Entry) -> bool {
        self.insert(Arc::new(entry))
    }

    /// As [`add`](Self::add), with what was said in it: as many of the newest messages as there is
    /// room for.
    pub fn add_with(&self, mut entry: Entry, said: Vec<Message>) -> bool {
        if !said.is_empty() {
            let messages = Messages::new(entry.started, Arc::clone(&self.budget));
            for message in said {
                messages.push(message, |n_bytes| self.reserve(n_bytes));
            }
            entry.messages = Some(Arc::new(messages));
        }
        self.add(entry)
    }

    /// Bytes of one body that are kept here.
    pub fn max_body(&self) -> usize {
        MAX_BODY.min(self.budget.limit() / 8)
    }

    pub(crate) const fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Finds memory, at the expense of the oldest entries.
    pub(crate) fn reserve(&self, n_bytes: usize) -> bool {
        if self.budget.take(n_bytes) {
            return true;
        }
        let mut ring = self.ring.lock();
        self.make_room(&mut ring, n_bytes, None)
    }

    /// Puts an entry in. Returns whether there was room.
    pub(crate) fn insert(&self, entry: Arc<Entry>) -> bool {
        let (id, cost) = (entry.id, cost(&entry));
        let mut ring = self.ring.lock();
        if !self.budget.take(cost) && !self.make_room(&mut ring, cost, None) {
            return false;
        }
        if let Some(other) = ring.insert(id, Slot { entry, cost }) {
            self.budget.give_back(other.cost);
        }
        drop(ring);
        self.notices.tell(Change::Added(id));
        true
    }

    /// Puts an entry in the place of its earlier self, if that is still there. `carried` bytes have
    /// been reserved for it; they are settled here either way.
    pub(crate) fn update(&self, entry: Arc<Entry>, carried: usize) -> bool {
        let id = entry.id;
        let mut ring = self.ring.lock();
        let Some(old) = ring.get(&id) else {
            self.budget.give_back(carried);
            return false;
        };
        let (had, cost) = (old.cost + carried, cost(&entry));
        let has_room = cost <= had
            || self.budget.take(cost - had)
            || self.make_room(&mut ring, cost - had, Some(id));
        if !has_room {
            // It stays as it was.
            self.budget.give_back(carried);
            return ring.contains_key(&id);
        }
        let old = ring.insert(id, Slot { entry, cost });
        self.budget.give_back(had.saturating_sub(cost));
        drop(ring);
        drop(old);
        self.notices.tell(Change::Updated(id));
        true
    }

    /// Says that more is to be seen of an entry.
    pub(crate) fn touch(&self, id: Id) {
        self.notices.tell(Change::Updated(id));
    }

    /// Lets the oldest entries go until so many bytes could be taken; never the one that they are
    /// for.
    fn make_room(&self, ring: &mut Ring, n_bytes: usize, for_whom: Option<Id>) -> bool {
        if n_bytes > self.budget.limit() {
            return false;
        }
        let mut last = None;
        let has_room = loop {
            if self.budget.take(n_bytes) {
                break true;
            }
            let oldest = ring.keys().copied().find(|id| Some(*id) != for_whom);
            let Some((id, gone)) = oldest.and_then(|id| ring.remove_entry(&id)) else {
                break false;
            };
            self.budget.give_back(gone.cost);
            last = Some(id);
        };
        if let Some(last) = last {
            self.notices.tell(Change::Evicted(last));
        }
        has_room
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({:?})", self.fill())
    }
}

/// What an entry costs. Messages are counted by themselves, the list of them here.
fn cost(entry: &Entry) -> usize {
    let head = |headers: &Headers| headers.as_wire().len();
    let trailers = |trailers: &Option<Headers>| trailers.as_ref().map_or(0, head);
    let body = |body: &Body| body.bytes.len();
    let request = &entry.request;
    let mut cost = OVERHEAD + request.target.len() + request.method.as_str().len();
    cost += head(&request.headers) + body(&request.body) + trailers(&request.trailers);
    if let Some(response) = &entry.response {
        cost += head(&response.headers) + body(&response.body) + trailers(&response.trailers);
    }
    if entry.messages.is_some() {
        cost += size_of::<Messages>();
    }
    for decision in &*entry.decisions {
        cost += size_of_val(decision) + decision.note.len() + 16;
    }
    cost
}

#[cfg(test)]
mod tests;
