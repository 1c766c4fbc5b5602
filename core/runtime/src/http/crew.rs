//! The futures that live beside the visitor's connection, in its own task: connections to the
//! upstream, and the exchanges of an HTTP/2 visitor.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use parking_lot::Mutex;

type Member = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where new futures are handed in. Cheap to clone.
#[derive(Clone)]
pub(super) struct Crew {
    inbox: Arc<Mutex<Vec<Member>>>,
    due: Waker,
}

/// The futures themselves.
pub(super) struct Members {
    inbox: Arc<Mutex<Vec<Member>>>,
    members: FuturesUnordered<Member>,
}

impl Crew {
    /// An empty crew; `due` is woken when there is somebody new to poll.
    pub(super) fn new(due: Waker) -> (Self, Members) {
        let inbox = Arc::default();
        let members = Members { inbox: Arc::clone(&inbox), members: FuturesUnordered::new() };
        (Self { inbox, due }, members)
    }

    /// Adds a future. It is dropped with the connection if it has not ended by then.
    pub(super) fn push(&self, member: impl Future<Output = ()> + Send + 'static) {
        self.inbox.lock().push(Box::pin(member));
        self.due.wake_by_ref();
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Crew {
    fn execute(&self, future: F) {
        self.push(future);
    }
}

impl Members {
    /// Polls whoever was woken.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) {
        loop {
            let new = std::mem::take(&mut *self.inbox.lock());
            self.members.extend(new);
            if !matches!(self.members.poll_next_unpin(cx), Poll::Ready(Some(()))) {
                return;
            }
        }
    }
}

impl Drop for Members {
    /// Futures that were handed in and never polled hold the crew, and the crew the inbox.
    fn drop(&mut self) {
        let unpolled = std::mem::take(&mut *self.inbox.lock());
        drop(unpolled);
    }
}
