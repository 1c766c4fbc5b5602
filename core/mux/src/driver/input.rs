//! The read buffer of a session: large while much arrives, small while little does.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

/// What an idle session keeps.
const SMALLEST: usize = 4 * 1024;
/// Payload of a full TLS record.
const RECORD: usize = 16 * 1024;
/// Four of them.
const LARGEST: usize = 64 * 1024;

/// Bytes read and not yet decoded, and how much to read next.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) bytes: BytesMut,
    size: usize,
    n_small: u8,
    /// The end or the error that was met behind what the last read returned.
    last: Option<io::Result<usize>>,
}

impl Default for Input {
    fn default() -> Self {
        Self { bytes: BytesMut::new(), size: SMALLEST, n_small: 0, last: None }
    }
}

impl Input {
    /// One read; 0 is the end.
    pub(super) fn poll_read<T: AsyncRead + Unpin>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if let Some(last) = self.last.take() {
            return Poll::Ready(last);
        }
        // Frames that streams still hold are slices of this buffer, so what is left of it is used
        // up first; a read shall not be cut short for that, though.
        let spare = self.bytes.capacity() - self.bytes.len();
        if spare < self.size / 4 || self.bytes.capacity() == 0 {
            self.bytes.reserve(self.size);
        }
        let mut n = ready!(poll_read_buf(Pin::new(&mut *io), cx, &mut self.bytes))?;
        // TLS hands out a record at a time: together they are fewer and longer chunks.
        while n > 0 && n < self.size && self.bytes.capacity() - self.bytes.len() >= RECORD {
            match poll_read_buf(Pin::new(&mut *io), cx, &mut self.bytes) {
                Poll::Ready(Ok(more)) if more > 0 => n += more,
                Poll::Ready(last) => {
                    self.last = Some(last);
                    break;
                }
                Poll::Pending => break,
            }
        }
        self.adapt(n);
        Poll::Ready(Ok(n))
    }

    fn adapt(&mut self, n: usize) {
        if n >= self.size / 2 {
            self.size = (self.size * 2).min(LARGEST);
            self.n_small = 0;
        } else if n >= self.size / 8 || self.size == SMALLEST {
            self.n_small = 0;
        } else {
            self.n_small += 1;
            if self.n_small == 2 {
                self.n_small = 0;
                self.size /= 2;
            }
        }
    }

    /// Gives a large buffer back once little arrives.
    pub(super) fn relax(&mut self) {
        if self.bytes.is_empty() && self.bytes.capacity() > 2 * self.size {
            self.bytes = BytesMut::new();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn much_grows_the_buffer_and_little_shrinks_it() {
        let mut input = Input::default();
        for _ in 0..8 {
            input.adapt(16 * 1024);
        }
        assert_eq!(input.size, LARGEST);
        for _ in 0..8 {
            input.adapt(12);
        }
        assert_eq!(input.size, SMALLEST);
    }

    /// Reads a step at a time, as TLS does with its records, then fails.
    struct Records(usize);

    impl AsyncRead for Records {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut tokio::io::ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if self.0 == 0 {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            self.0 -= 1;
            let n = RECORD.min(buf.remaining());
            buf.put_slice(&vec![7; n]);
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn an_error_behind_what_was_read_is_told_after_it() {
        let mut input = Input { size: LARGEST, ..Input::default() };
        let mut records = Records(3);
        let n = std::future::poll_fn(|cx| input.poll_read(&mut records, cx)).await.unwrap();
        assert_eq!((n, input.bytes.len()), (3 * RECORD, 3 * RECORD));
        let error = std::future::poll_fn(|cx| input.poll_read(&mut records, cx)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}
