//! The one task of a session: reads, writes, keeps time. It never waits for a stream.

mod input;

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Buf;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Sleep, sleep_until},
};
use tokio_util::io::poll_write_buf;

use self::input::Input;
use crate::{
    SessionError,
    machine::Batch,
    shared::{Shared, now},
};

/// What remains to be said is written within this; then the transport is closed.
///
/// Fact: the Go family gives its own GOAWAY as long.
const GOODBYE: Duration = Duration::from_millis(250);
/// Reads, or batches, before the task lets others run.
const ROUNDS: usize = 16;
/// Writes of one stream alone after which a write of several is no longer expected.
const COMPANY: u8 = 32;

/// Moves the bytes of one session. Spawn it on a tracker; dropping it breaks the session.
///
/// Ends with `Ok` after [`crate::Session::close`], else with the reason.
pub struct Driver<T> {
    io: T,
    shared: Arc<Shared>,
    input: Input,
    batch: Batch,
    needs_flush: bool,
    blocked: bool,
    lingered: bool,
    company: u8,
    timer: Option<Pin<Box<Sleep>>>,
    armed: Option<Instant>,
    closing: bool,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Driver<T> {
    pub(crate) fn new(io: T, shared: Arc<Shared>) -> Self {
        let batch = if io.is_write_vectored() { Batch::vectored() } else { Batch::contiguous() };
        Self {
            io,
            shared,
            input: Input::default(),
            batch,
            needs_flush: false,
            blocked: false,
            lingered: false,
            company: 0,
            timer: None,
            armed: None,
            closing: false,
        }
    }

    /// Until the session has ended.
    fn poll_run(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_timer(cx, now());
        for _ in 0..ROUNDS {
            let now = now();
            let read = self.poll_input(cx, now);
            if self.lingers() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.poll_output(cx, now);
            if self.shared.with(|machine| machine.ended().is_some()) {
                return Poll::Ready(());
            }
            if read.is_pending() && self.poll_sleep(cx).is_pending() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether to let the other tasks run once before writing.
    ///
    /// While several streams talk, those that have not yet are about to have something for the
    /// same write, and a call of the transport costs more than all else that a small request makes
    /// us do. A stream on its own gains nothing from waiting.
    fn lingers(&mut self) -> bool {
        if std::mem::take(&mut self.lingered) || self.blocked || self.batch.has_remaining() {
            return false;
        }
        match self.shared.with(|machine| machine.n_ready()) {
            0 => return false,
            1 => self.company = self.company.saturating_sub(1),
            _ => self.company = COMPANY,
        }
        self.lingered = self.company > 0;
        self.lingered
    }

    /// One read, and what it brought.
    fn poll_input(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        if self.blocked && self.shared.with(|machine| machine.is_choked()) {
            return Poll::Pending; // goes on when the transport has taken the answers
        }
        let read = ready!(self.input.poll_read(&mut self.io, cx));
        let bytes = &mut self.input.bytes;
        self.shared.with(|machine| match read {
            Ok(0) => machine.receive_eof(),
            Ok(_) => machine.receive(now, bytes),
            Err(error) => machine.fail(SessionError::Io(Arc::new(error))),
        });
        self.input.relax();
        Poll::Ready(())
    }

    /// Writes all there is, in as few calls as the transport takes.
    fn poll_output(&mut self, cx: &mut Context<'_>, now: Instant) {
        for _ in 0..ROUNDS {
            match self.poll_batch(cx, now) {
                Poll::Ready(Ok(Wrote::Some)) => self.progressed(),
                Poll::Ready(Ok(Wrote::Nothing)) => {
                    self.progressed();
                    return self.batch.relax();
                }
                Poll::Ready(Err(error)) => {
                    let error = SessionError::Io(Arc::new(error));
                    return self.shared.with(|machine| machine.fail(error));
                }
                Poll::Pending => {
                    if !self.blocked {
                        self.blocked = true;
                        self.shared.with(|machine| machine.write_blocked(now));
                    }
                    return;
                }
            }
        }
    }

    fn poll_batch(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<io::Result<Wrote>> {
        if !self.batch.has_remaining() {
            let batch = &mut self.batch;
            self.shared.with(|machine| machine.pull(now, batch));
        }
        if self.batch.has_remaining() {
            let n = ready!(poll_write_buf(Pin::new(&mut self.io), cx, &mut self.batch))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.needs_flush = true;
            return Poll::Ready(Ok(Wrote::Some));
        }
        if self.needs_flush {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            self.needs_flush = false;
        }
        Poll::Ready(Ok(Wrote::Nothing))
    }

    fn progressed(&mut self) {
        if self.blocked {
            self.blocked = false;
            self.shared.with(|machine| machine.write_progressed());
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>, now: Instant) {
        if let (Some(_), Some(timer)) = (self.armed, &mut self.timer)
            && timer.as_mut().poll(cx).is_ready()
        {
            self.armed = None;
            self.shared.with(|machine| machine.on_time(now));
        }
    }

    /// Sets the timer and sleeps. `Ready`: there is something to do at once.
    fn poll_sleep(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.shared.driver_sleeps(cx.waker(), self.blocked) else {
            return Poll::Ready(());
        };
        // A timer that fires too early costs less than one that is set for every frame.
        if let Some(at) = deadline.filter(|at| self.armed.is_none_or(|armed| *at < armed)) {
            self.poll_armed(cx, at)
        } else {
            Poll::Pending
        }
    }

    fn poll_armed(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at.into())));
        timer.as_mut().reset(at.into());
        self.armed = Some(at);
        // Polled here so that it knows the task; once more if it is due already.
        if timer.as_mut().poll(cx).is_ready() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Says what remains to be said, if the transport still takes it in time.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.closing {
            self.closing = true;
            self.armed = None;
            if self.poll_armed(cx, now() + GOODBYE).is_ready() {
                return Poll::Ready(());
            }
        } else if self.timer.as_mut().is_some_and(|timer| timer.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(());
        }
        loop {
            match ready!(self.poll_batch(cx, now())) {
                Ok(Wrote::Some) => {}
                Ok(Wrote::Nothing) => break,
                Err(_) => return Poll::Ready(()),
            }
        }
        // Whatever it says: the transport is dropped next.
        Pin::new(&mut self.io).poll_shutdown(cx).map(drop)
    }
}

/// What one call of the transport did.
enum Wrote {
    Nothing,
    Some,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Future for Driver<T> {
    type Output = Result<(), SessionError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.shared.driver_awake();
        if !this.closing {
            ready!(this.poll_run(cx));
        }
        ready!(this.poll_close(cx));
        this.shared.done.cancel();
        Poll::Ready(match this.shared.with(|machine| machine.ended().cloned()) {
            None | Some(SessionError::Closed) => Ok(()),
            Some(error) => {
                tracing::debug!(%error, "session ended");
                Err(error)
            }
        })
    }
}

impl<T> Drop for Driver<T> {
    fn drop(&mut self) {
        self.shared.with(|machine| machine.fail(SessionError::Dropped));
        self.shared.done.cancel();
    }
}

impl<T> fmt::Debug for Driver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("closing", &self.closing).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
