//! Streams that the peer opens.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use crate::{Stream, shared::Shared};

/// Hands out the streams that the peer opens, in order. Dropping it refuses further ones; those
/// handed out live on.
#[derive(Debug)]
pub struct Accept {
    shared: Arc<Shared>,
}

impl Accept {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The next stream; `None` when the session has ended.
    ///
    /// # Cancel safety
    /// No stream is lost when the future is dropped.
    pub async fn accept(&mut self) -> Option<Stream> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// The next stream; `None` when the session has ended.
    pub fn poll_accept(&mut self, cx: &Context<'_>) -> Poll<Option<Stream>> {
        let id = self.shared.with(|machine| machine.poll_accept(cx));
        id.map(|id| id.map(|id| Stream::new(Arc::clone(&self.shared), id)))
    }
}

impl Drop for Accept {
    fn drop(&mut self) {
        self.shared.with(|machine| machine.stop_accepting());
    }
}
