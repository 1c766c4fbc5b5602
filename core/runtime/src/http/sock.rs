//! The visitor's bytes on their way into the HTTP library: counted, the head remembered as it was
//! sent, and an end of file held back while an answer is under way.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use adit_chain::{Chain, Conn, Meter, Totals};
use adit_net::{Io, Rewind};
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Duration, Instant, Sleep, sleep},
};

use super::interim::Interim;
use crate::limits::MAX_HEAD;

/// How long a visitor that closed its half, and is being sent nothing, is believed to be waiting.
///
/// Reason: HTTP clients that half-close are rare and quick to be answered; for all others the end
/// of file means that the visitor hung up, and then the upstream should stop working for it.
const HALF_CLOSED: Duration = Duration::from_secs(2);

/// Memory of a head that is kept for the next one, in bytes.
const KEPT_HEAD: usize = 4 * 1024;

/// Bytes that are read at once by which a visitor ends its rest.
///
/// Reason: most heads fit, and it is small enough for the stack.
const WAKING: usize = 2 * 1024;

/// What the socket and the exchanges on it know of each other.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    /// What of it an observer has been told of.
    reported_in: AtomicU64,
    reported_out: AtomicU64,
    /// Exchanges whose response has not been sent to its end.
    in_flight: AtomicU32,
    n_begun: AtomicU64,
    /// Whether the request that began last has a body, which may still be arriving.
    has_body: AtomicBool,
    /// Whether something was written that was not flushed. The HTTP library flushes when it has
    /// nothing left to write.
    is_dirty: AtomicBool,
    head: Mutex<Head>,
    /// Ends of exchanges that handlers are still being told of.
    n_telling: AtomicU32,
    /// What is to be said before the response that is awaited.
    pub(super) interim: Interim,
    /// Why the connection ends early, once it does.
    fate: OnceLock<&'static str>,
    /// Woken when an exchange ends: an end of file may be waiting for that.
    ended: AtomicWaker,
}

/// The head that is arriving.
#[derive(Debug, Default)]
struct Head {
    bytes: Vec<u8>,
    began: Option<Instant>,
}

impl Meter for Traffic {
    fn carried(&self) -> Totals {
        self.totals()
    }
}

impl Traffic {
    pub(super) fn totals(&self) -> Totals {
        Totals { bytes_in: self.bytes_in.load(Relaxed), bytes_out: self.bytes_out.load(Relaxed) }
    }

    /// Lets the handlers of a connection see what it has carried, if it has any.
    pub(super) fn meter(self: &Arc<Self>, conn: &Conn, chain: &Chain) {
        if !chain.links().is_empty() {
            conn.set_meter(Arc::clone(self) as Arc<dyn Meter>);
        }
    }

    /// What of the bytes so far an observer has not been told of; from now on it has.
    pub(super) fn unreported(&self, totals: Totals) -> Totals {
        let before_in = self.reported_in.swap(totals.bytes_in, Relaxed);
        let before_out = self.reported_out.swap(totals.bytes_out, Relaxed);
        Totals {
            bytes_in: totals.bytes_in.saturating_sub(before_in),
            bytes_out: totals.bytes_out.saturating_sub(before_out),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.load(Relaxed) == 0
    }

    /// Exchanges that began.
    pub(super) fn n_begun(&self) -> u64 {
        self.n_begun.load(Relaxed)
    }

    /// Whether a parser would remember nothing of HTTP/1 on this connection: no exchange is under
    /// way, and neither a request's bytes nor a response's are.
    pub(super) fn is_at_rest(&self) -> bool {
        self.is_idle()
            && !self.has_body.load(Relaxed)
            && !self.is_dirty.load(Relaxed)
            && self.head.lock().began.is_none()
    }

    /// Forgets what was only kept for speed.
    fn rest(&self) {
        self.head.lock().bytes = Vec::new();
    }

    /// When the head that is still arriving began.
    pub(super) fn head_began(&self) -> Option<Instant> {
        if self.is_idle() { self.head.lock().began } else { None }
    }

    /// An exchange begins: shows what its head looked like on the wire, and forgets it. What is
    /// shown is empty if the head came together with an earlier exchange.
    pub(super) fn begin<T>(&self, has_body: bool, check: impl FnOnce(&[u8]) -> T) -> T {
        self.in_flight.fetch_add(1, Relaxed);
        self.has_body.store(has_body, Relaxed);
        self.n_begun.store(self.n_begun() + 1, Relaxed);
        let mut head = self.head.lock();
        let checked = check(&head.bytes);
        head.began = None;
        if head.bytes.capacity() > KEPT_HEAD {
            head.bytes = Vec::new();
        } else {
            head.bytes.clear();
        }
        checked
    }

    pub(super) fn end(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
        self.ended.wake();
    }

    /// Why the connection ends early, once it does.
    pub(super) fn fate(&self) -> Option<&'static str> {
        self.fate.get().copied()
    }

    /// The connection is about to end early. Exchanges that are under way end for that reason.
    pub(super) fn doom(&self, failure: Option<&'static str>) {
        if let Some(failure) = failure {
            let _ = self.fate.set(failure);
        }
    }

    pub(super) fn tells(&self) {
        self.n_telling.fetch_add(1, Relaxed);
    }

    pub(super) fn told(&self) {
        self.n_telling.fetch_sub(1, Relaxed);
    }

    /// Whether handlers are still being told of the end of an exchange.
    pub(super) fn is_telling(&self) -> bool {
        self.n_telling.load(Relaxed) > 0
    }

    fn read(&self, bytes: &[u8], spoken: Spoken) {
        self.bytes_in.store(self.bytes_in.load(Relaxed) + bytes.len() as u64, Relaxed);
        if spoken == Spoken::Http1 && self.is_idle() {
            let mut head = self.head.lock();
            head.began.get_or_insert_with(Instant::now);
            if head.bytes.len() + bytes.len() <= MAX_HEAD {
                head.bytes.extend_from_slice(bytes);
            }
        }
    }

    fn wrote(&self, n: usize) {
        self.bytes_out.store(self.bytes_out.load(Relaxed) + n as u64, Relaxed);
    }
}

/// What is spoken on a [`Sock`]. Only HTTP/1 has heads on the wire, and ends of file that may mean
/// a half-closed connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    Http2,
}

/// The visitor's connection.
pub(super) struct Sock {
    io: Rewind<Io>,
    traffic: Arc<Traffic>,
    spoken: Spoken,
    /// Set once the visitor closed its half: until when that is held back, and how much had been
    /// written when that was settled.
    eof: Option<(Pin<Box<Sleep>>, u64)>,
}

impl Sock {
    pub(super) const fn new(io: Rewind<Io>, traffic: Arc<Traffic>, spoken: Spoken) -> Self {
        Self { io, traffic, spoken, eof: None }
    }

    /// The connection, for whatever comes after HTTP.
    pub(super) fn into_io(self) -> Rewind<Io> {
        self.io
    }

    /// Waits until there is something to read, and leaves it there. Nothing is under way meanwhile.
    pub(super) fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.io.prefix().is_empty() {
            let mut bytes = [MaybeUninit::uninit(); WAKING];
            let mut buf = ReadBuf::uninit(&mut bytes);
            let read = ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf));
            if read.is_ok() {
                self.io.rewind(Bytes::copy_from_slice(buf.filled()));
            }
        }
        Poll::Ready(())
    }

    /// Bytes that were read and not understood yet will be read again.
    pub(super) fn rest(self, unread: Bytes) -> Self {
        let Self { io, traffic, spoken, eof } = self;
        traffic.rest();
        let n_in = traffic.bytes_in.load(Relaxed).saturating_sub(unread.len() as u64);
        traffic.bytes_in.store(n_in, Relaxed);
        let (prefix, io) = io.into_parts();
        // Copied: an empty slice of a buffer would keep all of it.
        let io = Rewind::with_prefix([unread, prefix].concat().into(), io);
        Self { io, traffic, spoken, eof }
    }

    /// Says what comes before a response, where the HTTP library has nothing half-written.
    fn poll_say(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { io, traffic, .. } = self;
        if !traffic.interim.waits() {
            return Poll::Ready(Ok(()));
        }
        traffic.interim.poll_say(cx, io, |n| traffic.wrote(n))
    }

    /// The HTTP library is about to write. What it wrote before may not be out yet, and then nothing
    /// comes between.
    fn poll_begin_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.traffic.is_dirty.load(Relaxed) {
            ready!(self.poll_say(cx))?;
            self.traffic.is_dirty.store(true, Relaxed);
        }
        Poll::Ready(Ok(()))
    }

    /// An end of file came: says so when nothing is under way, or nothing was sent for a while.
    fn poll_eof(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.traffic.ended.register(cx.waker());
        loop {
            if self.traffic.is_idle() {
                return Poll::Ready(());
            }
            let written = self.traffic.bytes_out.load(Relaxed);
            let (until, before) =
                self.eof.get_or_insert_with(|| (Box::pin(sleep(HALF_CLOSED)), written));
            ready!(until.as_mut().poll(cx));
            if *before == written {
                return Poll::Ready(());
            }
            self.eof = None;
        }
    }
}

impl AsyncRead for Sock {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.eof.is_none() {
            let before = buf.filled().len();
            ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
            let bytes = &buf.filled()[before..];
            if !bytes.is_empty() || buf.remaining() == 0 {
                this.traffic.read(bytes, this.spoken);
                return Poll::Ready(Ok(()));
            }
        }
        if this.spoken == Spoken::Http2 {
            return Poll::Ready(Ok(()));
        }
        this.poll_eof(cx).map(Ok)
    }
}

impl AsyncWrite for Sock {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_begin_write(cx))?;
        let n = ready!(Pin::new(&mut this.io).poll_write(cx, buf))?;
        this.traffic.wrote(n);
        Poll::Ready(Ok(n))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_begin_write(cx))?;
        let n = ready!(Pin::new(&mut this.io).poll_write_vectored(cx, bufs))?;
        this.traffic.wrote(n);
        Poll::Ready(Ok(n))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.io).poll_flush(cx))?;
        this.traffic.is_dirty.store(false, Relaxed);
        this.poll_say(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
