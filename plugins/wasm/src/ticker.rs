//! The clock by which guests are interrupted: an operating-system thread, because a task could not
//! tick while the only worker is inside a guest.
//!
//! ```text
//! parked ──first call──▶ ticking ──100 ms without a call──▶ parked (and sweeps once, much later)
//! ```

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use wasmtime::{Engine, EngineWeak};

/// How often guests are interrupted.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Ticks without a call after which the thread sleeps until the next one.
const PATIENCE: u32 = 100;

/// How long it sleeps before it sweeps, once: after that it sleeps until the next call.
const SWEEP_AFTER: Duration = adit_policy_rules::limits::IDLE.saturating_add(TICK);

/// Stack of the thread. Instances are dropped on it.
const STACK: usize = 512 * 1024;

/// Drives the epoch of one engine. Dropping it ends its thread.
#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct Shared {
    /// A guest ran since the last tick.
    called: AtomicBool,
    parked: AtomicBool,
    over: AtomicBool,
    ticks: AtomicU64,
    /// Who has something to give back when nothing was called for long.
    sweepers: Mutex<Vec<Weak<dyn Sweep>>>,
}

/// Gives back what was not used for long.
pub(crate) trait Sweep: Send + Sync {
    fn sweep(&self);
}

impl std::fmt::Debug for dyn Sweep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sweep")
    }
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (engine, theirs) = (engine.weak(), Arc::clone(&shared));
        let handle = thread::Builder::new()
            .name("adit-policy-tick".to_owned())
            .stack_size(STACK)
            .spawn(move || theirs.run(&engine))?;
        Ok(Self { shared, thread: handle.thread().clone() })
    }

    /// A guest is about to run, or runs on. One load, unless it is the first since the last tick.
    pub(crate) fn touch(&self) {
        if !self.shared.called.load(Relaxed) {
            self.shared.called.store(true, SeqCst);
            if self.shared.parked.swap(false, SeqCst) {
                self.thread.unpark();
            }
        }
    }

    /// From now on it sweeps there too, after a long time without calls.
    pub(crate) fn sweeps(&self, sweeper: Weak<dyn Sweep>) {
        let mut all = self.shared.sweepers.lock();
        all.retain(|sweeper| sweeper.strong_count() > 0);
        all.push(sweeper);
    }

    /// Ticks so far.
    pub(crate) fn ticks(&self) -> u64 {
        self.shared.ticks.load(Relaxed)
    }

    /// Whether it sleeps until the next call.
    pub(crate) fn is_parked(&self) -> bool {
        self.shared.parked.load(SeqCst)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.over.store(true, SeqCst);
        self.shared.parked.store(false, SeqCst);
        self.thread.unpark();
    }
}

impl Shared {
    fn run(&self, engine: &EngineWeak) {
        let mut idle = 0;
        while !self.over.load(Relaxed) {
            thread::sleep(TICK);
            let Some(engine) = engine.upgrade() else { return };
            engine.increment_epoch();
            self.ticks.fetch_add(1, Relaxed);
            idle = if self.called.swap(false, SeqCst) { 0 } else { idle + 1 };
            if idle >= PATIENCE {
                drop(engine);
                self.park();
                idle = 0;
            }
        }
    }

    /// Sleeps until somebody calls. Whoever calls says so before looking whether we sleep; we say
    /// that we sleep before looking whether somebody called: one of us sees the other.
    fn park(&self) {
        self.parked.store(true, SeqCst);
        if self.called.load(SeqCst) {
            self.parked.store(false, SeqCst);
        }
        let is_asleep = || self.parked.load(SeqCst) && !self.over.load(SeqCst);
        let since = Instant::now();
        while is_asleep() {
            let left = SWEEP_AFTER.saturating_sub(since.elapsed());
            if left.is_zero() {
                self.sweep();
                break;
            }
            thread::park_timeout(left);
        }
        while is_asleep() {
            thread::park();
        }
    }

    fn sweep(&self) {
        let sweepers = std::mem::take(&mut *self.sweepers.lock());
        for sweeper in sweepers.iter().filter_map(Weak::upgrade) {
            sweeper.sweep();
        }
        self.sweepers.lock().extend(sweepers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eventually(what: impl Fn() -> bool) {
        for _ in 0..5_000 {
            if what() {
                return;
            }
            thread::sleep(TICK);
        }
        panic!("it never came about");
    }

    #[test]
    fn it_sleeps_when_nobody_calls_and_wakes_at_a_call() {
        let engine = Engine::default();
        let ticker = Ticker::start(&engine).unwrap();
        eventually(|| ticker.is_parked());
        let before = ticker.ticks();
        thread::sleep(TICK * 20);
        assert_eq!(ticker.ticks(), before);
        ticker.touch();
        eventually(|| ticker.ticks() > before);
        eventually(|| ticker.is_parked());
    }
}
