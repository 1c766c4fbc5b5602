//! Pipes between exchanges.
//!
//! ```text
//! in use ─→ ready ─ two looks ─→ folded ─ pipe_idle ─→ closed
//!   ↑─────────┴────────────────────┘
//! ```
//!
//! Nothing here has a timer: the connection's own looks after them now and then.

use std::time::Duration;

use tokio::time::Instant;

use super::{fold::Folded, pipe::Pipe};
use crate::limits::MAX_IDLE_PIPES;

/// The idle pipes of a seat, the most recently used last.
#[derive(Default)]
pub(super) struct Idle(Vec<Kept>);

struct Kept {
    found: Found,
    /// The first look that saw it idle.
    since: Option<Instant>,
}

/// A pipe as it was found.
pub(super) enum Found {
    /// It speaks HTTP, or it is shared by exchanges.
    Ready(Pipe),
    /// Only its bytes are left.
    Folded(Folded),
}

impl Idle {
    /// The most recently used pipe.
    pub(super) fn take(&mut self) -> Option<Found> {
        while let Some(Kept { found, .. }) = self.0.pop() {
            let Found::Ready(pipe) = found else { return Some(found) };
            if pipe.is_closed() {
                continue;
            }
            let Some(shared) = pipe.share() else { return Some(Found::Ready(pipe)) };
            self.0.push(Kept { found: Found::Ready(pipe), since: None });
            return Some(Found::Ready(shared));
        }
        None
    }

    /// Keeps a pipe, if it is open and there are not too many.
    pub(super) fn give_back(&mut self, pipe: Pipe) {
        let is_shared = pipe.share().is_some();
        let has_room = self.0.len() < MAX_IDLE_PIPES && (!is_shared || self.0.is_empty());
        if has_room && !pipe.is_closed() {
            self.0.push(Kept { found: Found::Ready(pipe), since: None });
        }
    }

    /// Folds the pipes that the look before saw idle, and takes those out that have been idle for
    /// `pipe_idle`. Shared pipes may be in use for as long as the connection is not idle.
    pub(super) fn look(&mut self, now: Instant, pipe_idle: Duration, is_idle: bool) -> Vec<Folded> {
        let mut retired = Vec::new();
        let mut kept = Vec::new();
        for Kept { found, since } in self.0.drain(..) {
            let is_over = since.is_some_and(|since| now - since >= pipe_idle);
            match (found, since) {
                (Found::Ready(pipe), _) if pipe.is_closed() => {}
                (Found::Ready(pipe), None) => {
                    let since = Some(now);
                    kept.push(Kept { found: Found::Ready(pipe), since });
                }
                (Found::Ready(pipe), since) => match pipe.fold() {
                    Ok(folded) if is_over => retired.push(folded),
                    Ok(folded) => kept.push(Kept { found: Found::Folded(folded), since }),
                    Err(_) if is_over && is_idle => {}
                    Err(shared) => {
                        let since = since.filter(|_| is_idle);
                        kept.push(Kept { found: Found::Ready(shared), since });
                    }
                },
                (Found::Folded(folded), _) if is_over => retired.push(folded),
                (folded, since) => kept.push(Kept { found: folded, since }),
            }
        }
        self.0 = kept;
        retired
    }
}
