//! Bytes, both halves, in one task.
//!
//! Each direction ends by itself: an end of file one way is passed on that way only. An abort of
//! one side aborts the other, also of one that has ended its direction before, or that nobody reads
//! from because the other takes nothing. Nothing is read that cannot be passed on, so a slow reader
//! slows the writer; and no buffer is held while nothing moves.

mod half;
mod watch;

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use adit_chain::Totals;
use adit_net::{Io, Rewind};
use tokio_util::sync::CancellationToken;

pub(crate) use self::half::Ear;
use self::{
    half::Half,
    watch::{Patience, Side, Watch},
};
use crate::Ended;

/// Relays until both directions ended. An error means that one side broke off; then both are reset
/// by the time this returns.
///
/// # Cancel safety
/// Dropping the future resets both connections.
pub async fn relay(
    visitor: impl Into<Rewind<Io>>,
    upstream: impl Into<Rewind<Io>>,
) -> (Totals, io::Result<()>) {
    let mut relaying = Relaying::new(visitor.into(), upstream.into());
    let result = poll_fn(|cx| relaying.poll(cx)).await;
    (relaying.totals(), result)
}

/// As [`relay`], until it is cut.
///
/// # Cancel safety
/// Dropping the future resets both connections.
pub async fn relay_until(
    visitor: impl Into<Rewind<Io>>,
    upstream: impl Into<Rewind<Io>>,
    cut: &CancellationToken,
) -> (Totals, Ended) {
    relay_heard(visitor.into(), upstream.into(), cut, None).await
}

/// As [`relay_until`], and somebody may hear the bytes that pass: of the visitor, and of the
/// upstream.
pub(crate) async fn relay_heard(
    visitor: Rewind<Io>,
    upstream: Rewind<Io>,
    cut: &CancellationToken,
    ears: Option<[Ear; 2]>,
) -> (Totals, Ended) {
    let mut relaying = Relaying::new(visitor, upstream);
    if let Some([inward, outward]) = ears {
        relaying.inward.ear = Some(inward);
        relaying.outward.ear = Some(outward);
    }
    let ended = tokio::select! {
        biased;
        result = poll_fn(|cx| relaying.poll(cx)) => match result {
            Ok(()) => Ended::Done,
            Err(error) => {
                tracing::debug!(%error, "relay broken off");
                Ended::Broken
            }
        },
        () = cut.cancelled() => Ended::Cut,
    };
    (relaying.totals(), ended)
}

/// A relay under way. Dropping it before both directions ended well makes both peers see a broken
/// connection and not an end of file: whoever cuts a task drops it.
struct Relaying {
    visitor: Io,
    upstream: Io,
    inward: Half,
    outward: Half,
    watch: Watch,
    ended_well: bool,
}

impl Relaying {
    fn new(visitor: Rewind<Io>, upstream: Rewind<Io>) -> Self {
        let (inward, visitor) = visitor.into_parts();
        let (outward, upstream) = upstream.into_parts();
        let (inward, outward) = (Half::new(inward), Half::new(outward));
        let watch = Watch::new(Patience::USUAL);
        Self { visitor, upstream, inward, outward, watch, ended_well: false }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { visitor, upstream, inward, outward, watch, ended_well } = self;
        let a = inward.poll(cx, visitor, upstream)?;
        let b = outward.poll(cx, upstream, visitor)?;
        match (a, b) {
            (Poll::Ready(()), Poll::Ready(())) => {
                let verdict = inward.verdict().and(outward.verdict());
                *ended_well = verdict.is_ok();
                Poll::Ready(verdict)
            }
            _ => {
                let visitor = Side { io: visitor, from: inward, to: outward };
                let upstream = Side { io: upstream, from: outward, to: inward };
                watch.poll(cx, [visitor, upstream]).map(Err)
            }
        }
    }

    const fn totals(&self) -> Totals {
        Totals { bytes_in: self.inward.total(), bytes_out: self.outward.total() }
    }
}

impl Drop for Relaying {
    fn drop(&mut self) {
        if !self.ended_well {
            self.visitor.reset_on_drop();
            self.upstream.reset_on_drop();
        }
    }
}

/// A pinned reference to anything that may move.
fn pin<T: Unpin + ?Sized>(io: &mut T) -> Pin<&mut T> {
    Pin::new(io)
}

#[cfg(test)]
#[path = "relay/tests.rs"]
mod tests;

#[cfg(test)]
#[path = "relay/pipe_tests.rs"]
mod pipe_tests;

#[cfg(test)]
#[path = "relay/watch_tests.rs"]
mod watch_tests;
