//! One direction of a relay.

use std::{
    io,
    task::{Context, Poll, ready},
};

use adit_net::{Io, Pipe};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;
use tokio_util::io::poll_read_buf;

use super::pin;

/// First read of a burst, in bytes. Reason: a request or an answer of a small exchange fits.
const MIN_READ: usize = 4 * 1024;
/// Largest read, in bytes. Reason: further growth buys nothing per system call.
const MAX_READ: usize = 64 * 1024;
/// Moves in one turn, before the other direction and other tasks get theirs.
const TURN: usize = 32;

/// Hears the bytes that a sink has taken.
pub(crate) type Ear = Box<dyn FnMut(&[u8]) + Send>;

/// One direction: from a source to a sink.
pub(super) struct Half {
    phase: Phase,
    /// Read, and not yet taken by the sink.
    chunk: Bytes,
    /// Room for the next read; given back when nothing comes.
    room: BytesMut,
    /// How much room to make next time.
    next: usize,
    /// Whether the sink may hold bytes back until it is flushed.
    dirty: bool,
    /// Whether the source is what is waited for.
    listens: bool,
    total: u64,
    /// The sink did not take any more.
    broken: Option<io::Error>,
    pub(super) ear: Option<Ear>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Moving,
    Closing,
    Done,
}

impl Half {
    pub(super) fn new(prefix: Bytes) -> Self {
        let room = BytesMut::new();
        let (phase, next, total) = (Phase::Moving, MIN_READ, 0);
        let (dirty, listens) = (false, false);
        Self { phase, chunk: prefix, room, next, dirty, listens, total, broken: None, ear: None }
    }

    /// Bytes that the sink took.
    pub(super) const fn total(&self) -> u64 {
        self.total
    }

    /// Whether this direction waits for its source, and so would hear of its end.
    pub(super) const fn listens(&self) -> bool {
        self.listens
    }

    /// Whether this direction has ended.
    pub(super) fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Why a sink that is a session's stream, or TLS over one, takes nothing more, if so. Nobody is
    /// told of that who neither reads nor writes.
    pub(super) fn refusal(&self, cx: &mut Context<'_>, sink: &mut Io) -> Option<io::ErrorKind> {
        let pipe = sink.lowest_pipe()?;
        let state = match self.phase {
            Phase::Moving => pin(pipe).poll_ready(cx),
            Phase::Closing => return None, // it asks by itself
            Phase::Done => pin(pipe).poll_close(cx),
        };
        match state {
            Poll::Ready(Err(error)) => Some(error.kind()),
            Poll::Ready(Ok(())) | Poll::Pending => None,
        }
    }

    /// Whether everything that was read was taken.
    pub(super) fn verdict(&mut self) -> io::Result<()> {
        self.broken.take().map_or(Ok(()), Err)
    }

    /// Moves what can be moved.
    ///
    /// # Errors
    /// The source broke off. A sink that breaks only ends this direction: what it said before may
    /// still be on its way in the other one.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut Io,
        sink: &mut Io,
    ) -> Poll<io::Result<()>> {
        for _ in 0..TURN {
            self.listens = false;
            match self.phase {
                Phase::Done => return Poll::Ready(Ok(())),
                Phase::Closing => {
                    if let Err(error) = ready!(pin(sink).poll_shutdown(cx)) {
                        // Whoever cannot be told that no more comes has left already.
                        tracing::trace!(%error, "could not close a half");
                    }
                    self.phase = Phase::Done;
                }
                Phase::Moving => match self.step(cx, source, sink) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(Failure::Source(error))) => return Poll::Ready(Err(error)),
                    Poll::Ready(Err(Failure::Sink(error))) => {
                        self.broken = Some(error);
                        self.phase = Phase::Done;
                    }
                    Poll::Pending => {
                        self.room = BytesMut::new();
                        if self.dirty && pin(sink).poll_flush(cx).is_ready() {
                            self.dirty = false;
                        }
                        return Poll::Pending;
                    }
                },
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn step(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut Io,
        sink: &mut Io,
    ) -> Poll<Result<(), Failure>> {
        if !self.chunk.is_empty() {
            return self.pass_on(cx, sink);
        }
        if let Io::Pipe(pipe) = source {
            return self.lend(cx, &mut **pipe, sink);
        }
        if let Io::Pipe(pipe) = sink {
            ready!(pin(&mut **pipe).poll_ready(cx)).map_err(Failure::Sink)?;
        }
        self.listens = true;
        if let Io::Tcp(tcp) = source
            && self.room.capacity() == 0
        {
            ready!(tcp.poll_read_ready(cx)).map_err(Failure::Source)?;
        }
        self.read(cx, source)
    }

    /// Gives the sink what was read.
    fn pass_on(&mut self, cx: &mut Context<'_>, sink: &mut Io) -> Poll<Result<(), Failure>> {
        if let Io::Pipe(pipe) = sink {
            ready!(pin(&mut **pipe).poll_ready(cx)).map_err(Failure::Sink)?;
            let chunk = std::mem::take(&mut self.chunk);
            hear(&mut self.ear, &chunk);
            self.count(chunk.len());
            return Poll::Ready(pin(&mut **pipe).start_send(chunk).map_err(Failure::Sink));
        }
        let n = ready!(write(cx, sink, &self.chunk))?;
        hear(&mut self.ear, &self.chunk[..n]);
        self.chunk.advance(n);
        if self.chunk.is_empty() {
            self.chunk = Bytes::new(); // lets the memory go
        }
        self.count(n);
        Poll::Ready(Ok(()))
    }

    /// Writes what the source lends, without a copy in between.
    fn lend(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut dyn Pipe,
        sink: &mut Io,
    ) -> Poll<Result<(), Failure>> {
        self.listens = true;
        let chunk = ready!(pin(source).poll_fill_buf(cx)).map_err(Failure::Source)?;
        self.listens = false;
        if chunk.is_empty() {
            self.phase = Phase::Closing;
            return Poll::Ready(Ok(()));
        }
        let n = ready!(write(cx, sink, chunk))?;
        hear(&mut self.ear, &chunk[..n]);
        pin(source).consume(n);
        self.count(n);
        Poll::Ready(Ok(()))
    }

    /// Reads as much as there is room for; makes more room for a source that fills it.
    fn read(&mut self, cx: &mut Context<'_>, source: &mut Io) -> Poll<Result<(), Failure>> {
        if self.room.capacity() < MIN_READ / 4 {
            self.room = BytesMut::with_capacity(self.next);
        }
        let room = self.room.capacity();
        let n = ready!(poll_read_buf(pin(source), cx, &mut self.room)).map_err(Failure::Source)?;
        if n == 0 {
            self.room = BytesMut::new();
            self.phase = Phase::Closing;
            return Poll::Ready(Ok(()));
        }
        self.next = if n == room { (self.next * 2).min(MAX_READ) } else { self.next };
        self.chunk = self.room.split().freeze();
        Poll::Ready(Ok(()))
    }

    const fn count(&mut self, n: usize) {
        self.total += n as u64;
        self.dirty = true;
    }
}

fn hear(ear: &mut Option<Ear>, bytes: &[u8]) {
    if let Some(ear) = ear {
        ear(bytes);
    }
}

enum Failure {
    Source(io::Error),
    Sink(io::Error),
}

fn write(cx: &mut Context<'_>, sink: &mut Io, bytes: &[u8]) -> Poll<Result<usize, Failure>> {
    match ready!(pin(sink).poll_write(cx, bytes)) {
        Ok(0) => Poll::Ready(Err(Failure::Sink(io::ErrorKind::WriteZero.into()))),
        Ok(n) => Poll::Ready(Ok(n)),
        Err(error) => Poll::Ready(Err(Failure::Sink(error))),
    }
}
