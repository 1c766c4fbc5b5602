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
/// Four TLS records.
const LARGEST: usize = 64 * 1024;

/// Bytes read and not yet decoded, and how much to read next.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) bytes: BytesMut,
    size: usize,
    n_small: u8,
}

impl Default for Input {
    fn default() -> Self {
        Self { bytes: BytesMut::new(), size: SMALLEST, n_small: 0 }
    }
}

impl Input {
    /// One read; 0 is the end.
    pub(super) fn poll_read<T: AsyncRead + Unpin>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        // Frames that streams still hold are slices of this buffer, so what is left of it is used
        // up first; a read shall not be cut short for that, though.
        let spare = self.bytes.capacity() - self.bytes.len();
        if spare < self.size / 4 || self.bytes.capacity() == 0 {
            self.bytes.reserve(self.size);
        }
        let n = ready!(poll_read_buf(Pin::new(io), cx, &mut self.bytes))?;
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
}
