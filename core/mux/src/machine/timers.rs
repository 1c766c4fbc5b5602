//! What happens by itself after a while.

use std::time::{Duration, Instant};

use super::{Machine, send::Fin};
use crate::ErrorCode;

/// Credit below half a window is granted after this: late enough to join many small reads, early
/// enough that nobody waits for it.
const IDLE: Duration = Duration::from_millis(100);
/// A finished stream whose handle is gone gives the peer so long to finish too, or to take what is
/// left; then it is reset.
const LINGER: Duration = Duration::from_secs(10);

impl Machine {
    /// When [`Self::on_time`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        if !self.is_open() {
            return self.stalled_at;
        }
        let lingering = self.lingering.front().map(|(at, _)| *at);
        [self.idle_at, lingering, self.stalled_at].into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn on_time(&mut self, now: Instant) {
        if self.stalled_at.is_some_and(|at| at <= now) {
            self.write_stalled();
        }
        if !self.is_open() {
            self.stalled_at = self.stalled_at.filter(|at| *at > now);
            return;
        }
        if self.idle_at.is_some_and(|at| at <= now) {
            self.idle_at = None;
            self.grant_the_rest();
        }
        while let Some((at, id)) = self.lingering.front().copied() {
            if at > now {
                break;
            }
            self.lingering.pop_front();
            self.lingered(now, id);
        }
    }

    /// The transport takes nothing now, though there is something to write.
    pub fn write_blocked(&mut self, now: Instant) {
        if self.stalled_at.is_none() {
            self.stalled_at = Some(now + self.config.write_stall);
        }
    }

    /// The transport took something.
    pub fn write_progressed(&mut self) {
        self.stalled_at = None;
    }

    /// Something was received that will be consumed, or was consumed and not yet granted.
    pub(super) fn arm_idle(&mut self, now: Instant) {
        if self.idle_at.is_none() {
            self.idle_at = Some(now + IDLE);
            self.attention = true;
        }
    }

    fn grant_the_rest(&mut self) {
        for id in std::mem::take(&mut self.ungranted) {
            let Some(stream) = self.streams.get_mut(id) else { continue };
            let recv = &mut stream.recv;
            recv.in_ungranted = false;
            if stream.reset.is_none() && recv.has_ungranted() && !recv.in_grants {
                recv.in_grants = true;
                self.grants.push_back(id);
                self.attention = true;
            }
        }
    }

    /// Nobody holds the stream any more, but it has not ended.
    pub(super) fn linger(&mut self, now: Instant, id: u32) {
        self.attention |= self.lingering.is_empty(); // the timer must be set
        self.lingering.push_back((now + LINGER, id));
    }

    fn lingered(&mut self, now: Instant, id: u32) {
        let Some(stream) = self.streams.get(id) else { return };
        let waits_for_transport = stream.send.fin != Fin::Sent && stream.send.sendable() > 0;
        if waits_for_transport {
            self.linger(now, id);
        } else {
            self.reset_here(id, ErrorCode::StreamCancelled);
        }
    }
}
