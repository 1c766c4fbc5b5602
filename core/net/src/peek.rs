//! Looking at a stream's first bytes without losing one.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::rewind::Rewind;

/// What one look allocates at first; most hellos and all usual PROXY headers fit.
const FIRST_READ: usize = 2048;

/// Reads ahead of a stream; when dropped, whatever was read is what the stream yields next.
pub(crate) struct Peek<'a, T> {
    io: &'a mut Rewind<T>,
    seen: BytesMut,
}

impl<'a, T: AsyncRead + Unpin> Peek<'a, T> {
    pub(crate) fn new(io: &'a mut Rewind<T>) -> Self {
        let prefix = io.take_prefix();
        let seen = prefix.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        Self { io, seen }
    }

    /// All that was read so far, from the start.
    pub(crate) fn seen(&self) -> &[u8] {
        &self.seen
    }

    /// Reads some more, such that no more than `limit` bytes are held; 0 is the end of the stream.
    pub(crate) async fn more(&mut self, limit: usize) -> io::Result<usize> {
        if self.seen.capacity() == self.seen.len() {
            self.seen.reserve(FIRST_READ);
        }
        let room = limit.saturating_sub(self.seen.len());
        self.io.inner_mut().read_buf(&mut (&mut self.seen).limit(room)).await
    }

    /// Takes the first `n` bytes, which the stream will not yield again.
    pub(crate) fn take(&mut self, n: usize) -> Bytes {
        self.seen.split_to(n).freeze()
    }
}

impl<T> Drop for Peek<'_, T> {
    fn drop(&mut self) {
        self.io.rewind(std::mem::take(&mut self.seen).freeze());
    }
}
