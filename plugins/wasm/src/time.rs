//! CPU time of the guest: what a call used, and whether that is more than it may.
//!
//! ```text
//! call ─ tick ──── yield ─ tick ──── yield ─ … ─ verdict
//!        +≤1 ms    clock   +measured clock
//! ```
//!
//! A call that ends within a tick reads no clock. At the first tick the slice since the call began
//! is taken to be as long as the wall says, at most a tick; from then on the thread's CPU clock is
//! read before and after each yield, so that a busy machine charges nobody for waiting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use wasmtime::{Store, UpdateDeadline};

use crate::{host::State, ticker::TICK};

/// The guest used more CPU time than it may.
#[derive(Debug, thiserror::Error)]
#[error("the CPU budget of {budget:?} is used up")]
pub(crate) struct CpuExceeded {
    pub(crate) budget: Duration,
}

/// The running call's account.
#[derive(Debug, Default)]
pub(crate) struct Slice {
    budget: Duration,
    used: Duration,
    /// Nothing has interrupted the call.
    is_first: bool,
    /// Reading of the thread's CPU clock when the slice began, in nanoseconds; 0 while not known.
    began: Arc<AtomicU64>,
}

impl Slice {
    /// A call begins.
    pub(crate) fn arm(&mut self, budget: Duration) {
        self.budget = budget;
        self.used = Duration::ZERO;
        self.is_first = true;
        self.began.store(0, Relaxed);
    }

    /// The guest was suspended, and may go on in another thread: the clock that was read is not
    /// its clock any more.
    pub(crate) fn break_off(&mut self) {
        self.is_first = false;
        self.began.store(0, Relaxed);
    }

    /// Whether nothing has interrupted the call yet, no tick and no wait.
    pub(crate) const fn is_first(&self) -> bool {
        self.is_first
    }

    /// A tick came.
    fn tick(&mut self) -> Result<(), CpuExceeded> {
        self.is_first = false;
        self.used += match self.began.load(Relaxed) {
            0 => TICK,
            began => Duration::from_nanos(thread_cpu().saturating_sub(began)),
        };
        if self.used >= self.budget {
            return Err(CpuExceeded { budget: self.budget });
        }
        Ok(())
    }
}

/// Lets a store be interrupted at each tick: it gives way to other tasks, and is stopped once its
/// budget is used up.
pub(crate) fn interrupt(store: &mut Store<State>) {
    store.epoch_deadline_callback(|mut cx| {
        let slice = &mut cx.data_mut().slice;
        slice.tick()?;
        let began = Arc::clone(&slice.began);
        // The yield of our own: the built-in one may be scheduled before anybody else.
        let gives_way = async move {
            tokio::task::yield_now().await;
            began.store(thread_cpu().max(1), Relaxed);
        };
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(gives_way)))
    });
}

/// CPU time that this thread has used, in nanoseconds.
#[cfg(unix)]
pub(crate) fn thread_cpu() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let nanos = now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec);
    u64::try_from(nanos).unwrap_or(0)
}

/// Time that passed for this process: there is no clock of one thread's CPU here.
#[cfg(not(unix))]
pub(crate) fn thread_cpu() -> u64 {
    use std::time::Instant;

    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// A future whose CPU time is measured: what its thread used while it was polled.
pub(crate) struct Metered<F> {
    inner: F,
    cpu: u64,
}

impl<F: Future + Unpin> Metered<F> {
    pub(crate) const fn new(inner: F) -> Self {
        Self { inner, cpu: 0 }
    }
}

impl<F: Future + Unpin> Future for Metered<F> {
    type Output = (F::Output, Duration);

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        let before = thread_cpu();
        let poll = std::pin::Pin::new(&mut self.inner).poll(cx);
        self.cpu += thread_cpu().saturating_sub(before);
        poll.map(|output| (output, Duration::from_nanos(self.cpu)))
    }
}
