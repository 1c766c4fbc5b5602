//! A visitor's bytes that somebody hears: where a handler turns them into others, they are not those
//! that the relay moves.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use adit_net::{Io, Rewind};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::relay::Ear;

/// A visitor's connection, and who hears what is read from it and written to it.
pub(super) struct Overheard {
    io: Rewind<Io>,
    said: Ear,
    told: Ear,
}

impl Overheard {
    pub(super) fn new(io: Rewind<Io>, [said, told]: [Ear; 2]) -> Self {
        Self { io, said, told }
    }
}

impl AsyncRead for Overheard {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        (this.said)(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Overheard {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let n = ready!(Pin::new(&mut this.io).poll_write(cx, buf))?;
        (this.told)(&buf[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
