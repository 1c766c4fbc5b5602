//! The two ends of a connection.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use adit_chain::Totals;
use adit_net::Io;
use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio_util::io::poll_read_buf;

/// First read of a burst, in bytes. Reason: the answer of a small exchange fits.
const MIN_READ: usize = 4 * 1024;
/// Largest read, in bytes. Reason: further growth buys nothing per system call.
const MAX_READ: usize = 64 * 1024;

/// The two ends of a connection, and what has been read of them and not passed on.
pub(super) struct Ends {
    pub(super) visitor: Io,
    pub(super) upstream: Option<Io>,
    /// Of the visitor.
    pub(super) said: Bytes,
    /// Of the upstream, and room for the next read; given back when nothing comes.
    pub(super) room: BytesMut,
    next: usize,
    pub(super) totals: Totals,
}

impl Ends {
    pub(super) fn new(visitor: Io, said: Bytes) -> Self {
        let (room, totals) = (BytesMut::new(), Totals::default());
        Self { visitor, upstream: None, said, room, next: MIN_READ, totals }
    }

    /// Reads what the visitor says next, into `said`; nothing where it says no more.
    pub(super) fn poll_said(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.said = ready!(self.poll_visitor(cx))?;
        Poll::Ready(Ok(()))
    }

    fn poll_visitor(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        if let Io::Pipe(pipe) = &mut self.visitor {
            let mut pipe = Pin::new(&mut **pipe);
            let lent = ready!(pipe.as_mut().poll_fill_buf(cx))?;
            let said = Bytes::copy_from_slice(lent);
            pipe.consume(said.len());
            return Poll::Ready(Ok(said));
        }
        let mut room = BytesMut::with_capacity(MIN_READ);
        ready!(poll_read_buf(Pin::new(&mut self.visitor), cx, &mut room))?;
        Poll::Ready(Ok(room.freeze()))
    }

    /// Notices that an upstream which nobody asks anything has left, or speaks unasked.
    pub(super) fn poll_idle_upstream(&mut self, cx: &mut Context<'_>) {
        let Some(upstream) = &mut self.upstream else { return };
        let mut byte = [0];
        let mut buf = ReadBuf::new(&mut byte);
        if Pin::new(upstream).poll_read(cx, &mut buf).is_ready() {
            self.upstream = None;
        }
    }

    /// Whether the visitor has left while it waits. What it says meanwhile stays where it is.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let Io::Pipe(pipe) = &mut self.visitor else { return self.poll_gone_slowly(cx) };
        match ready!(Pin::new(&mut **pipe).poll_fill_buf(cx)) {
            Ok([]) => Poll::Ready(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Poll::Pending,
            Err(error) => Poll::Ready(error),
        }
    }

    fn poll_gone_slowly(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !self.said.is_empty() {
            return Poll::Pending;
        }
        match ready!(self.poll_visitor(cx)) {
            Ok(said) if said.is_empty() => Poll::Ready(io::ErrorKind::UnexpectedEof.into()),
            Ok(said) => {
                self.said = said;
                Poll::Pending
            }
            Err(error) => Poll::Ready(error),
        }
    }

    /// Reads what the upstream says next behind what is in `room`.
    pub(super) fn poll_told(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(upstream) = &mut self.upstream else { return Poll::Ready(Ok(0)) };
        if self.room.capacity() - self.room.len() < MIN_READ / 4 {
            if let Io::Tcp(tcp) = &*upstream
                && self.room.is_empty()
            {
                ready!(tcp.poll_read_ready(cx))?;
            }
            self.room.reserve(self.next);
        }
        let free = self.room.capacity() - self.room.len();
        let n = ready!(poll_read_buf(Pin::new(upstream), cx, &mut self.room))?;
        if n == free {
            self.next = (self.next * 2).min(MAX_READ);
        } else if n < free / 8 {
            // Else whoever reads slowly would keep a large buffer for each small piece.
            self.next = (self.next / 2).max(MIN_READ);
        }
        Poll::Ready(Ok(n))
    }

    /// Gives the visitor what there is for it, or as much of it as it takes.
    pub(super) fn poll_pass_on(
        &mut self,
        cx: &mut Context<'_>,
        outward: &mut Bytes,
    ) -> Poll<io::Result<()>> {
        let n = match &mut self.visitor {
            Io::Pipe(pipe) => {
                ready!(Pin::new(&mut **pipe).poll_ready(cx))?;
                let chunk = std::mem::take(outward);
                let n = chunk.len();
                Pin::new(&mut **pipe).start_send(chunk)?;
                n
            }
            visitor => {
                let n = ready!(Pin::new(visitor).poll_write(cx, outward))?;
                if n == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                outward.advance(n);
                n
            }
        };
        if outward.is_empty() {
            *outward = Bytes::new(); // lets the memory go
        }
        self.totals.bytes_out += n as u64;
        Poll::Ready(Ok(()))
    }

    /// Gives back what is not needed while nothing moves.
    pub(super) fn rest(&mut self) {
        self.room = BytesMut::new();
    }
}
