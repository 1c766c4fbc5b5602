//! Instances that wait for work: last in, first out, so that few stay warm, and one stack for each
//! thread, so that threads do not meet.
//!
//! A place is held by an instance for as long as it lives, busy or idle; whoever finds neither an
//! idle instance nor a place waits for either.

use std::{
    cell::Cell,
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::timeout};

/// What may live at once, and who waits for it.
#[derive(Debug, Default)]
struct Room {
    live: AtomicU32,
    waiting: AtomicUsize,
    freed: Notify,
    /// What lives in all pools together.
    everywhere: Arc<AtomicUsize>,
}

/// One place in the pool, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Room>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, SeqCst);
        self.0.everywhere.fetch_sub(1, Relaxed);
        self.0.wake();
    }
}

impl Room {
    fn wake(&self) {
        if self.waiting.load(SeqCst) > 0 {
            self.freed.notify_one();
        }
    }
}

/// Idle things of one kind.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    shards: Box<[Shard<T>]>,
    room: Arc<Room>,
    most: u32,
    patience: Duration,
}

/// On a cache line of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Shard<T>(Mutex<VecDeque<(T, Instant)>>);

/// What a caller got.
#[derive(Debug)]
pub(crate) enum Entry<T> {
    /// One that waited for work.
    Idle(T),
    /// Leave to make one.
    Room(Place),
}

impl<T> Pool<T> {
    /// A pool of at most `most` things, of which those that nobody wanted for `patience` go; one
    /// stays.
    /// What lives in it is counted in `everywhere` too.
    pub(crate) fn new(most: u32, patience: Duration, everywhere: Arc<AtomicUsize>) -> Self {
        let n = std::thread::available_parallelism().map_or(1, usize::from);
        let shards = (0..n).map(|_| Shard(Mutex::default())).collect();
        let room = Arc::new(Room { everywhere, ..Room::default() });
        Self { shards, room, most, patience }
    }

    /// An idle thing or leave to make one, waiting for it if need be.
    pub(crate) async fn enter(&self, within: Duration) -> Option<Entry<T>> {
        match self.try_enter() {
            Some(entry) => Some(entry),
            None => Box::pin(self.wait(within, || self.try_enter())).await,
        }
    }

    /// Leave to make one, waiting for it if need be.
    pub(crate) async fn enter_fresh(&self, within: Duration) -> Option<Entry<T>> {
        match self.room() {
            Some(place) => Some(Entry::Room(place)),
            None => Box::pin(self.wait(within, || self.room().map(Entry::Room))).await,
        }
    }

    /// An idle thing or leave to make one, now.
    pub(crate) fn try_enter(&self) -> Option<Entry<T>> {
        self.take().map(Entry::Idle).or_else(|| self.room().map(Entry::Room))
    }

    /// A place, if there is one. What waits for work holds its own.
    pub(crate) fn room(&self) -> Option<Place> {
        let more = |live: u32| (live < self.most).then_some(live + 1);
        let room = &self.room;
        room.live.fetch_update(SeqCst, SeqCst, more).ok()?;
        room.everywhere.fetch_add(1, Relaxed);
        Some(Place(Arc::clone(room)))
    }

    /// Puts a thing back to wait for work, `now`.
    pub(crate) fn give(&self, thing: T, now: Instant) {
        self.put(shard_of_thread() % self.shards.len(), thing, now);
    }

    /// Puts a thing where the n-th thread looks first.
    pub(crate) fn put(&self, n: usize, thing: T, now: Instant) {
        let shard = &self.shards[n % self.shards.len()];
        let tired = {
            let mut idle = shard.0.lock();
            idle.push_back((thing, now));
            let is_old = |(_, since): &(T, Instant)| now.duration_since(*since) > self.patience;
            if idle.len() > 1 && idle.front().is_some_and(is_old) { idle.pop_front() } else { None }
        };
        drop(tired);
        self.room.wake();
    }

    /// Throws away what nobody wanted for long; one stays.
    pub(crate) fn sweep(&self, now: Instant) {
        let mut may_go = self.idle().saturating_sub(1);
        for shard in &self.shards {
            let mut tired = Vec::new();
            {
                let mut idle = shard.0.lock();
                let is_old = |(_, since): &(T, Instant)| now.duration_since(*since) > self.patience;
                while may_go > 0 && idle.front().is_some_and(is_old) {
                    tired.extend(idle.pop_front());
                    may_go -= 1;
                }
            }
            drop(tired);
        }
        self.room.wake();
    }

    /// Things that live, busy or idle.
    pub(crate) fn live(&self) -> u32 {
        self.room.live.load(SeqCst)
    }

    /// Things that wait for work.
    pub(crate) fn idle(&self) -> usize {
        self.shards.iter().map(|shard| shard.0.lock().len()).sum()
    }

    fn take(&self) -> Option<T> {
        let (n, first) = (self.shards.len(), shard_of_thread());
        (0..n).find_map(|i| {
            let shard = &self.shards[(first + i) % n];
            shard.0.lock().pop_back().map(|(thing, _)| thing)
        })
    }

    #[cold]
    async fn wait(
        &self,
        within: Duration,
        attempt: impl Fn() -> Option<Entry<T>>,
    ) -> Option<Entry<T>> {
        let _waiting = Waiting::new(&self.room);
        let freed = async {
            loop {
                let mut notified = std::pin::pin!(self.room.freed.notified());
                // From here on a wake-up is not lost; so look again, and only then wait.
                notified.as_mut().enable();
                if let Some(entry) = attempt() {
                    return entry;
                }
                notified.await;
            }
        };
        timeout(within, freed).await.ok()
    }
}

/// Counts somebody as waiting.
struct Waiting<'a>(&'a Room);

impl<'a> Waiting<'a> {
    fn new(room: &'a Room) -> Self {
        room.waiting.fetch_add(1, SeqCst);
        Self(room)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, SeqCst);
    }
}

/// A number for this thread, in the order in which threads ask.
fn shard_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static MINE: Cell<usize> = Cell::new(NEXT.fetch_add(1, Relaxed)));
    MINE.with(Cell::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    struct Thing(u32, #[expect(dead_code, reason = "held")] Place);

    fn make(pool: &Pool<Thing>, n: u32) -> Thing {
        match pool.try_enter() {
            Some(Entry::Room(place)) => Thing(n, place),
            _ => panic!("no room"),
        }
    }

    #[tokio::test]
    async fn the_last_one_in_is_the_first_one_out() {
        let pool = Pool::new(2, SOON, Arc::default());
        let (one, two) = (make(&pool, 1), make(&pool, 2));
        let now = Instant::now();
        pool.give(one, now);
        pool.give(two, now);
        let Some(Entry::Idle(thing)) = pool.enter(SOON).await else { panic!("none idle") };
        assert_eq!(thing.0, 2);
        assert_eq!((pool.live(), pool.idle()), (2, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_limit_a_caller_waits_so_long_and_no_longer() {
        let pool = Pool::new(1, SOON, Arc::default());
        let _busy = make(&pool, 1);
        let began = tokio::time::Instant::now();
        assert!(pool.enter(SOON).await.is_none());
        assert!(began.elapsed() >= SOON);
    }

    #[tokio::test]
    async fn who_waits_gets_what_is_given_back_and_what_is_thrown_away_makes_room() {
        let pool = Pool::new(1, SOON, Arc::default());
        let busy = make(&pool, 7);
        let wait = Duration::from_secs(60);
        let (entry, ()) = tokio::join!(pool.enter(wait), async {
            tokio::task::yield_now().await;
            pool.give(busy, Instant::now());
        });
        let Some(Entry::Idle(thing)) = entry else { panic!("not the one that was given back") };
        assert_eq!(thing.0, 7);
        let (entry, ()) = tokio::join!(pool.enter(wait), async {
            tokio::task::yield_now().await;
            drop(thing);
        });
        assert!(matches!(entry, Some(Entry::Room(_))));
        drop(entry);
        assert_eq!(pool.live(), 0);
    }

    #[test]
    fn what_nobody_wanted_for_long_goes_and_one_stays() {
        let start = Instant::now();
        let pool = Pool::new(8, SOON, Arc::default());
        let (a, b) = (make(&pool, 1), make(&pool, 2));
        pool.put(0, a, start);
        pool.put(0, b, start + SOON * 2);
        assert_eq!((pool.live(), pool.idle()), (1, 1));
    }

    #[test]
    fn a_sweep_leaves_one_in_all() {
        let pool = Pool::new(8, SOON, Arc::default());
        let start = Instant::now();
        let things: Vec<_> = (0..5).map(|n| make(&pool, n)).collect();
        for (n, thing) in things.into_iter().enumerate() {
            pool.put(n, thing, start);
        }
        pool.sweep(start + SOON);
        assert_eq!(pool.idle(), 5);
        pool.sweep(start + SOON * 2);
        assert_eq!((pool.live(), pool.idle()), (1, 1));
    }
}
