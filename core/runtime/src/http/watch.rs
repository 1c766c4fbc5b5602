//! Deadlines of a visitor's connection, and its part in a shutdown.
//!
//! One timer for the whole connection, looked at a few times per deadline; so an exchange costs no
//! timer, and a deadline may come late by a third. After an exchange the first look comes soon.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::time::{Duration, Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::sock::Traffic;
use crate::{Limits, Stop, limits::QUIET};

/// What the connection has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// End after what is under way.
    Drain,
    /// End at once: the visitor is too slow, or was idle for too long.
    TimedOut,
    /// End at once.
    Cut,
    /// Look after what is idle.
    Look,
    /// The same, and nothing was under way since the look before.
    Quiet,
}

pub(super) struct Watch {
    traffic: Arc<Traffic>,
    head_timeout: Duration,
    idle_timeout: Duration,
    tick: Pin<Box<Sleep>>,
    period: Duration,
    /// The last time that anything was seen to be under way, and how many exchanges had begun.
    busy_at: Instant,
    n_begun: u64,
    drain: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    cut_token: CancellationToken,
}

impl Watch {
    pub(super) fn new(traffic: Arc<Traffic>, limits: &Limits, stop: &Stop) -> Self {
        let Limits { head_timeout, idle_timeout, pipe_idle, .. } = *limits;
        let period = head_timeout.min(idle_timeout).min(pipe_idle) / 3;
        let (busy_at, n_begun) = (Instant::now(), traffic.n_begun());
        let drain = Some(Box::pin(stop.drain.clone().cancelled_owned()));
        let cut = Box::pin(stop.cut.clone().cancelled_owned());
        let tick = Box::pin(sleep(period.min(QUIET)));
        let cut_token = stop.cut.clone();
        Self {
            traffic,
            head_timeout,
            idle_timeout,
            tick,
            period,
            busy_at,
            n_begun,
            drain,
            cut,
            cut_token,
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Event::Cut);
        }
        if let Some(drain) = &mut self.drain
            && drain.as_mut().poll(cx).is_ready()
        {
            self.drain = None;
            return Poll::Ready(Event::Drain);
        }
        if self.tick.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        // What is returned is not all there is: the next poll arms the timer.
        cx.waker().wake_by_ref();
        let now = Instant::now();
        let has_begun = self.traffic.n_begun() != self.n_begun;
        if self.is_late(now) {
            return Poll::Ready(Event::TimedOut);
        }
        let next = if has_begun { self.period.min(QUIET) } else { self.period };
        self.tick.as_mut().reset(now + next);
        let is_quiet = !has_begun && self.traffic.is_idle();
        Poll::Ready(if is_quiet { Event::Quiet } else { Event::Look })
    }

    /// Only the cut: for what has deadlines of its own.
    pub(super) const fn cut(&self) -> &CancellationToken {
        &self.cut_token
    }

    fn is_late(&mut self, now: Instant) -> bool {
        let n_begun = self.traffic.n_begun();
        if n_begun != self.n_begun || !self.traffic.is_idle() {
            self.n_begun = n_begun;
            self.busy_at = now;
        }
        let idle = now - self.busy_at;
        let head = self.traffic.head_began().map_or(Duration::ZERO, |began| now - began);
        let is_first = n_begun == 0;
        head >= self.head_timeout
            || idle >= self.idle_timeout
            || (is_first && idle >= self.head_timeout)
    }
}
