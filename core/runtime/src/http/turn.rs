//! Who of a connection's own futures has to be polled.
//!
//! A visitor's connection and those to its upstream live in one task and wake each other on every
//! exchange. With the task's own waker each such wake would send the task through the scheduler's
//! queue; here it sets a bit, and the loop goes round again.

use std::{
    sync::{
        Arc,
        atomic::{
            AtomicU8,
            Ordering::{AcqRel, Acquire},
        },
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// The connection to the visitor.
pub(super) const SERVER: u8 = 1;
/// Connections to the upstream, and HTTP/2 exchanges.
pub(super) const CREW: u8 = 2;
/// Deadlines and shutdown.
pub(super) const WATCH: u8 = 4;

const ALL: u8 = SERVER | CREW | WATCH;
const POLLING: u8 = 8;

/// Rounds before other tasks get their turn.
const ROUNDS: usize = 32;

struct Shared {
    bits: AtomicU8,
    parent: AtomicWaker,
}

struct Bit {
    shared: Arc<Shared>,
    bit: u8,
}

impl Wake for Bit {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let before = self.shared.bits.fetch_or(self.bit, AcqRel);
        if before & (POLLING | self.bit) == 0 {
            self.shared.parent.wake();
        }
    }
}

/// The wakers of the parts, and which of them were woken.
pub(super) struct Turn {
    shared: Arc<Shared>,
    server: Waker,
    crew: Waker,
    watch: Waker,
}

impl Turn {
    /// Every part is due.
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared { bits: AtomicU8::new(ALL), parent: AtomicWaker::new() });
        let waker = |bit| Waker::from(Arc::new(Bit { shared: Arc::clone(&shared), bit }));
        let (server, crew, watch) = (waker(SERVER), waker(CREW), waker(WATCH));
        Self { shared, server, crew, watch }
    }

    /// Every part is due again: another protocol takes over.
    pub(super) fn restart(&self) {
        self.shared.bits.fetch_or(ALL, AcqRel);
    }

    /// Makes a part due from outside of its own wakers.
    pub(super) fn waker(&self, bit: u8) -> &Waker {
        match bit {
            SERVER => &self.server,
            CREW => &self.crew,
            _ => &self.watch,
        }
    }

    /// Polls the parts that are due, until one says that it is over or none is due.
    pub(super) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        mut part: impl FnMut(u8, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.shared.parent.register(cx.waker());
        self.shared.bits.fetch_or(POLLING, AcqRel);
        for _ in 0..ROUNDS {
            let due = self.shared.bits.fetch_and(!ALL, AcqRel);
            if due & ALL == 0 {
                let idle = self.shared.bits.compare_exchange(POLLING, 0, AcqRel, Acquire);
                if idle.is_ok() {
                    return Poll::Pending;
                }
                continue;
            }
            for bit in [SERVER, CREW, WATCH] {
                // What became due meanwhile is polled in the same round if its turn is yet to come.
                let due = due | self.shared.bits.load(Acquire);
                if due & bit == 0 {
                    continue;
                }
                self.shared.bits.fetch_and(!bit, AcqRel);
                if let Poll::Ready(done) = part(bit, &mut Context::from_waker(self.waker(bit))) {
                    self.shared.bits.fetch_and(!POLLING, AcqRel);
                    return Poll::Ready(done);
                }
            }
        }
        self.shared.bits.fetch_and(!POLLING, AcqRel);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn parts_that_wake_each_other_are_polled_in_one_turn() {
        let turn = Turn::new();
        let mut polls = Vec::new();
        poll_fn(|cx| {
            turn.poll(cx, |bit, _| {
                polls.push(bit);
                match (bit, polls.len()) {
                    (WATCH, 3) => turn.waker(SERVER).wake_by_ref(),
                    (SERVER, 4) => turn.waker(CREW).wake_by_ref(),
                    (CREW, 5) => return Poll::Ready(()),
                    _ => {}
                }
                Poll::Pending
            })
        })
        .await;
        assert_eq!(polls, [SERVER, CREW, WATCH, SERVER, CREW]);
    }

    #[tokio::test]
    async fn a_wake_from_outside_reaches_the_task() {
        let turn = Turn::new();
        let waker = turn.waker(CREW).clone();
        let mut n_polls = 0;
        let polled = poll_fn(|cx| {
            turn.poll(cx, |bit, _| {
                if bit == CREW {
                    n_polls += 1;
                }
                if n_polls == 2 { Poll::Ready(()) } else { Poll::Pending }
            })
        });
        tokio::join!(polled, async {
            tokio::task::yield_now().await;
            waker.wake();
        });
        assert_eq!(n_polls, 2);
    }
}
