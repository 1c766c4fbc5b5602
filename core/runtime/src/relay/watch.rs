//! Peers that nobody reads from.
//!
//! A peer that breaks off is noticed by whoever reads from it. A relay does not read from one that
//! has ended its direction, nor while the other peer takes nothing: then it looks now and then.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use adit_net::{Hearing, Io};
use tokio::time::{Instant, Sleep, sleep};

use super::half::Half;

/// How patiently a relay watches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Between two looks.
    pub(super) look: Duration,
    /// How long a peer may take nothing of what one that is gone has left for it.
    pub(super) stall: Duration,
}

impl Patience {
    pub(super) const USUAL: Self = Self {
        // Reason: what is broken holds its place for hardly longer, and a thousand relays that wait
        // cost a thousand glances a second, without a system call.
        look: Duration::from_secs(1),
        // Reason: the kernel of a slow reader takes bytes in bursts, many seconds apart.
        stall: Duration::from_secs(60),
    };
}

/// One peer of a relay, with the direction that comes from it and the one that leads to it.
pub(super) struct Side<'a> {
    pub(super) io: &'a mut Io,
    pub(super) from: &'a Half,
    pub(super) to: &'a Half,
}

/// Notices what no read and no write would.
pub(super) struct Watch {
    patience: Patience,
    /// The next look. Made when there is first something to look for.
    next: Option<Pin<Box<Sleep>>>,
    /// Bytes that had moved at the last look, and since when no more have.
    still: Option<(u64, Instant)>,
}

impl Watch {
    pub(super) const fn new(patience: Patience) -> Self {
        Self { patience, next: None, still: None }
    }

    /// Waits for a peer to be gone. Both directions have just been polled, and not both have ended.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut sides: [Side<'_>; 2],
    ) -> Poll<io::Error> {
        if sides.iter().all(|side| side.from.listens()) {
            return Poll::Pending;
        }
        let pause = self.patience.look;
        let mut next = self.next.take().unwrap_or_else(|| Box::pin(sleep(pause)));
        while next.as_mut().poll(cx).is_ready() {
            if self.look(cx, &mut sides) {
                return Poll::Ready(io::Error::new(
                    io::ErrorKind::ConnectionReset,
                    "a peer is gone",
                ));
            }
            next.as_mut().reset(Instant::now() + pause);
        }
        self.next = Some(next);
        Poll::Pending
    }

    /// Whether the relay is over.
    fn look(&mut self, cx: &mut Context<'_>, sides: &mut [Side<'_>; 2]) -> bool {
        if self.still.is_none() {
            // Not before, because most connections end at once when they begin to.
            sides.iter().for_each(|side| side.io.ask_peer());
        }
        let moved = sides.iter().map(|side| side.from.total()).sum();
        let since = match self.still {
            Some((before, since)) if before == moved => since,
            _ => Instant::now(),
        };
        self.still = Some((moved, since));
        let is_stalled = since.elapsed() >= self.patience.stall;
        sides.iter_mut().any(|side| {
            let may_leave = side.from.is_done() || is_stalled;
            match (side.io.hearing(), side.to.refusal(cx, side.io)) {
                (Hearing::Broken, _) | (_, Some(_)) => may_leave,
                (Hearing::Ended, None) => side.from.is_done() && !side.to.is_done(),
                (Hearing::Open, None) => false,
            }
        })
    }
}
