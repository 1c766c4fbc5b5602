//! Running a future until a token is cancelled, cheaply.
//!
//! Polling a token's own future takes two locks that all users of the token share. For a task
//! that is polled for every packet that is too much; here the token is asked once, and a poll
//! then costs one load of a flag of the task's own.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use pin_project_lite::pin_project;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Runs `future` until it ends, or until `token` is cancelled: then it yields `None` and the
/// future makes no further step. With the token cancelled before, the future does not begin.
pub fn until<F: Future>(token: CancellationToken, future: F) -> Until<F> {
    Until { future, cancelled: Cancelled::new(token) }
}

pin_project! {
    /// See [`until`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Until<F> {
        #[pin]
        future: F,
        #[pin]
        cancelled: Cancelled,
    }
}

pin_project! {
    /// A token as a future, for a task that asks for it again and again.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Cancelled {
        #[pin]
        cancelled: WaitForCancellationFutureOwned,
        signal: Option<Arc<Signal>>,
    }
}

impl Cancelled {
    /// Ready once `token` is cancelled.
    pub fn new(token: CancellationToken) -> Self {
        Self { cancelled: token.cancelled_owned(), signal: None }
    }
}

/// Stands in for the task's waker at the token, and remembers that it was woken.
#[derive(Debug)]
struct Signal {
    is_raised: AtomicBool,
    task: Waker,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_raised.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

impl Future for Cancelled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let is_quiet = this.signal.as_ref().is_some_and(|signal| {
            !signal.is_raised.load(Ordering::Acquire) && signal.task.will_wake(cx.waker())
        });
        if is_quiet {
            return Poll::Pending;
        }
        // The first poll, another task than before, or the token's wake-up.
        let signal =
            Arc::new(Signal { is_raised: AtomicBool::new(false), task: cx.waker().clone() });
        let waker = Waker::from(Arc::clone(&signal));
        *this.signal = Some(signal);
        this.cancelled.poll(&mut Context::from_waker(&waker))
    }
}

impl<F: Future> Future for Until<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.cancelled.poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        this.future.poll(cx).map(Some)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::future::{pending, ready};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_future_that_ends_yields_its_value() {
        assert_eq!(until(CancellationToken::new(), ready(7)).await, Some(7));
        let (tx, rx) = oneshot::channel();
        let (result, ()) = tokio::join!(until(CancellationToken::new(), rx), async {
            tokio::task::yield_now().await;
            tx.send(7).unwrap();
        });
        assert_eq!(result, Some(Ok(7)));
    }

    #[tokio::test]
    async fn cancelling_wakes_and_ends_it() {
        let token = CancellationToken::new();
        let (result, ()) = tokio::join!(until(token.clone(), pending::<()>()), async {
            tokio::task::yield_now().await;
            token.cancel();
        });
        assert_eq!(result, None);
    }

    #[tokio::test]
    async fn a_token_cancelled_before_stops_the_first_step() {
        let token = CancellationToken::new();
        token.cancel();
        assert_eq!(until(token, ready(())).await, None);
    }

    #[tokio::test]
    async fn a_future_that_moves_to_another_task_is_still_woken() {
        let token = CancellationToken::new();
        let mut future = Box::pin(until(token.clone(), pending::<()>()));
        let mut here = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut here).is_pending());
        let (result, ()) = tokio::join!(future, async {
            tokio::task::yield_now().await;
            token.cancel();
        });
        assert_eq!(result, None);
    }
}
