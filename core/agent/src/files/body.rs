//! A file, or a part of one, as the body of a response.

use std::{
    fs::File,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use tokio_util::io::poll_read_buf;

/// Bytes read at a time, and so the memory that one download costs.
const CHUNK: usize = 64 * 1024;

/// Exactly `remaining` bytes of a file, from where its cursor stands.
#[derive(Debug)]
pub(super) struct FileBody {
    file: tokio::fs::File,
    remaining: u64,
    buffer: BytesMut,
}

impl FileBody {
    /// The next `len` bytes.
    pub(super) fn new(file: File, len: u64) -> Self {
        Self { file: tokio::fs::File::from_std(file), remaining: len, buffer: BytesMut::new() }
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if this.remaining == 0 {
            return Poll::Ready(None);
        }
        if this.buffer.capacity() == 0 {
            let left = usize::try_from(this.remaining).unwrap_or(CHUNK);
            this.buffer.reserve(left.min(CHUNK));
        }
        let n_read = ready!(poll_read_buf(Pin::new(&mut this.file), cx, &mut this.buffer))?;
        if n_read == 0 {
            // The length was promised; a short body must be seen to be broken.
            let error = io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter");
            return Poll::Ready(Some(Err(error)));
        }
        let mut chunk = this.buffer.split().freeze();
        chunk.truncate(usize::try_from(this.remaining).unwrap_or(usize::MAX));
        this.remaining -= chunk.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}
