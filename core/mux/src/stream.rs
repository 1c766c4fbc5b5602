//! The handle of one stream.

mod io;

use std::{
    future::poll_fn,
    io::Result,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;

use crate::{
    ErrorCode, StreamId,
    shared::{Shared, now},
};

/// One channel of a session: bytes, or whole chunks, in both directions.
///
/// Reads as [`tokio::io::AsyncRead`] and [`tokio::io::AsyncBufRead`], or chunk by chunk without a
/// copy through [`Self::chunk`]. Writes as [`tokio::io::AsyncWrite`], or chunk by chunk without a
/// copy as a sink of [`Bytes`]. What the reader is done with is granted to the peer again: a byte
/// that was copied or consumed, a chunk when the next is asked for.
///
/// Dropping a stream whose sending direction was not finished aborts it: the peer sees its end and
/// a reset. After [`Self::finish`] (or a shutdown that completed) the drop is peaceful: what is
/// queued is still sent, what arrives is thrown away.
#[derive(Debug)]
pub struct Stream {
    shared: Arc<Shared>,
    id: StreamId,
    /// What is left of the chunk that a reader of bytes works on.
    chunk: Bytes,
    /// Bytes given to the reader that it is done with, or will be when it asks for more.
    held: usize,
}

impl Stream {
    pub(crate) fn new(shared: Arc<Shared>, id: StreamId) -> Self {
        Self { shared, id, chunk: Bytes::new(), held: 0 }
    }

    /// Its number in the session.
    pub fn id(&self) -> StreamId {
        self.id
    }

    /// The next received chunk, not copied; `None` after the last one. Asking for the next says
    /// that the previous one has gone on (see [`Self::release`]).
    ///
    /// # Errors
    /// When the stream was reset, or the session ended before the peer's end arrived. The source
    /// is a [`crate::StreamError`].
    ///
    /// # Cancel safety
    /// No chunk is lost when the future is dropped.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// See [`Self::chunk`].
    ///
    /// # Errors
    /// See [`Self::chunk`].
    pub fn poll_chunk(&mut self, cx: &Context<'_>) -> Poll<Result<Option<Bytes>>> {
        if !self.chunk.is_empty() {
            let rest = std::mem::take(&mut self.chunk);
            self.held += rest.len();
            return Poll::Ready(Ok(Some(rest)));
        }
        let held = std::mem::take(&mut self.held);
        let chunk = ready!(self.shared.with(|machine| {
            if held > 0 {
                machine.release(now(), self.id, held);
            }
            machine.poll_chunk(cx, self.id)
        }))?;
        self.held = chunk.as_ref().map_or(0, Bytes::len);
        Poll::Ready(Ok(chunk))
    }

    /// Says that everything received so far has gone on, without asking for more.
    pub fn release(&mut self) {
        let held = std::mem::take(&mut self.held);
        if held > 0 {
            self.shared.with(|machine| machine.release(now(), self.id, held));
        }
    }

    /// Waits until a chunk may be sent.
    ///
    /// # Errors
    /// When the stream was finished or reset, or the session ended.
    pub fn poll_room(&mut self, cx: &Context<'_>) -> Poll<Result<usize>> {
        let room = ready!(self.shared.with(|machine| machine.poll_room(cx, self.id)))?;
        Poll::Ready(Ok(room))
    }

    /// Sends a whole chunk, not copied, as soon as there is room for some of it.
    ///
    /// # Errors
    /// When the stream was finished or reset, or the session ended.
    ///
    /// # Cancel safety
    /// The chunk was sent if and only if the future completed.
    pub async fn send_chunk(&mut self, chunk: Bytes) -> Result<()> {
        poll_fn(|cx| self.poll_room(cx)).await?;
        Ok(self.shared.with(|machine| machine.send(self.id, chunk))?)
    }

    /// Queues a last chunk with the end of the sending direction: they share a frame if the chunk
    /// fits one and the peer has credit for it. Meant for short messages, as it does not wait.
    ///
    /// # Errors
    /// When the stream was finished or reset, or the session ended.
    pub fn send_last(&mut self, chunk: Bytes) -> Result<()> {
        self.shared.with(|machine| {
            machine.send(self.id, chunk)?;
            machine.finish(self.id)
        })?;
        Ok(())
    }

    /// Ends the sending direction after what is queued. The other direction runs on.
    ///
    /// # Errors
    /// When the stream was reset, or the session ended. Finishing twice is fine.
    pub fn finish(&mut self) -> Result<()> {
        Ok(self.shared.with(|machine| machine.finish(self.id))?)
    }

    /// Sends `chunk` and the end, sharing a frame if possible, and waits until both need nothing
    /// more from the peer. Leaves `chunk` empty once it was taken.
    ///
    /// # Errors
    /// When the stream was reset, or the session ended.
    pub fn poll_finish_with(&mut self, cx: &Context<'_>, chunk: &mut Bytes) -> Poll<Result<()>> {
        if !chunk.is_empty() {
            ready!(self.poll_room(cx))?;
            self.send_last(std::mem::take(chunk))?;
        }
        let finished = self.shared.with(|machine| match machine.finish(self.id) {
            Ok(()) => machine.poll_finished(cx, self.id),
            Err(error) => Poll::Ready(Err(error)),
        });
        finished.map_err(Into::into)
    }

    /// Ends both directions at once with RST.
    pub fn reset(&mut self, code: ErrorCode) {
        self.shared.with(|machine| machine.reset(self.id, code));
    }

    /// Ends both directions after what is queued, with FIN, if it was not sent, and RST. Towards
    /// agents this is the one to use: one family of them does not notice an RST alone.
    pub fn abort(&mut self, code: ErrorCode) {
        self.shared.with(|machine| machine.abort(self.id, code));
    }

    /// Whether and why the stream was reset, by either side.
    pub fn reset_code(&self) -> Option<ErrorCode> {
        self.shared.with(|machine| machine.reset_code(self.id))
    }

    /// Whether the peer has finished its direction, even if not all of it was read.
    pub fn recv_finished(&self) -> bool {
        self.shared.with(|machine| machine.recv_finished(self.id))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.shared.with(|machine| machine.detach(now(), self.id));
    }
}
