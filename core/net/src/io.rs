//! One type for the bytes of any connection.
//!
//! [`Io`] is an enum and not a trait object, so that the common kinds cost a match, and so that a
//! relay can ask for the kind it has a fast path for.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_sink::Sink;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;

use crate::keepalive;
use crate::listener::canonical;
use crate::read_ahead::ReadAhead;
use crate::rewind::Rewind;

/// Anything that reads and writes bytes and may be moved to another task.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Anything that moves owned chunks as well as bytes: what a stream of a session is.
///
/// `fill_buf` lends the chunk that was received, `start_send` takes a whole chunk without a copy.
pub trait Pipe: AsyncBufRead + AsyncWrite + Sink<Bytes, Error = io::Error> + Send + Unpin {}

impl<T> Pipe for T where T: AsyncBufRead + AsyncWrite + Sink<Bytes, Error = io::Error> + Send + Unpin
{}

/// Whether a peer hears what is sent to it, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// It may.
    Open,
    /// It does not: our direction has ended, by us or by the peer.
    Ended,
    /// It does not, and the connection has failed: a reset, or a peer that did not answer.
    Broken,
}

/// The bytes of one connection.
#[non_exhaustive]
pub enum Io {
    /// A TCP socket.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
    /// TLS, of either side, over another connection whose first bytes may have been looked at.
    Tls(Box<TlsStream<Rewind<Self>>>),
    /// A stream that moves owned chunks.
    Pipe(Box<dyn Pipe>),
    /// Anything else: an in-memory pipe, a wrapper that a handler made.
    Other(Box<dyn Duplex>),
}

impl Io {
    /// For a transport below the TLS of a session: reads several records at a time while many
    /// come.
    #[must_use]
    pub fn read_ahead(self) -> Self {
        match self {
            Self::Tcp(tcp) => Self::Other(Box::new(ReadAhead::new(tcp))),
            other => Self::Other(Box::new(ReadAhead::new(other))),
        }
    }

    /// Wraps a stream that moves owned chunks.
    pub fn pipe(stream: impl Pipe + 'static) -> Self {
        Self::Pipe(Box::new(stream))
    }

    /// Wraps any other stream.
    pub fn other(stream: impl Duplex + 'static) -> Self {
        Self::Other(Box::new(stream))
    }

    /// The TCP socket, if these bytes are its bytes with nothing between.
    pub fn as_tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }

    /// The TLS session, if there is one.
    pub fn as_tls(&self) -> Option<&TlsStream<Rewind<Self>>> {
        match self {
            Self::Tls(tls) => Some(tls),
            _ => None,
        }
    }

    /// The TCP socket at the bottom, below TLS, if it is known.
    fn lowest_tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(tcp) => Some(tcp),
            Self::Tls(tls) => tls.get_ref().0.inner().lowest_tcp(),
            Self::Unix(_) | Self::Pipe(_) | Self::Other(_) => None,
        }
    }

    /// The stream of a session at the bottom, below TLS, if there is one. What is read and written
    /// there is not for others: it may be asked how it is.
    pub fn lowest_pipe(&mut self) -> Option<&mut dyn Pipe> {
        match self {
            Self::Pipe(pipe) => Some(&mut **pipe),
            Self::Tls(tls) => tls.get_mut().0.inner_mut().lowest_pipe(),
            Self::Tcp(_) | Self::Unix(_) | Self::Other(_) => None,
        }
    }

    /// Address of the peer, where known.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.lowest_tcp()?.peer_addr().ok().map(canonical)
    }

    /// Our own address, where known.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.lowest_tcp()?.local_addr().ok().map(canonical)
    }

    /// Lets the kernel ask a silent peer whether it still exists, from now on.
    ///
    /// Fact: a process that closed its socket and one that only finished its direction send the
    /// same; the kernel of the first answers a question with a reset once it has forgotten the
    /// connection.
    pub fn ask_peer(&self) {
        if let Some(tcp) = self.lowest_tcp()
            && let Err(error) = keepalive::set(tcp)
        {
            tracing::debug!(%error, "could not let a peer be asked");
        }
    }

    /// What is known of the peer without reading or writing. What it sent before may still be there
    /// to be read.
    ///
    /// Costs no system call: the runtime was told already, but wakes only who reads or writes.
    pub fn hearing(&self) -> Hearing {
        let interest = Interest::WRITABLE | Interest::ERROR;
        let ready = match self {
            Self::Unix(unix) => now(unix.ready(interest)),
            other => other.lowest_tcp().and_then(|tcp| now(tcp.ready(interest))),
        };
        match ready {
            Some(Ok(ready)) if ready.is_error() => Hearing::Broken,
            Some(Ok(ready)) if ready.is_write_closed() => Hearing::Ended,
            _ => Hearing::Open,
        }
    }

    /// Makes dropping this connection reset it, so that the peer learns of an abort.
    ///
    /// Bytes that were not sent yet are lost. Does nothing where there is no TCP socket below.
    pub fn reset_on_drop(&self) {
        if let Some(tcp) = self.lowest_tcp()
            && let Err(error) = tcp.set_zero_linger()
        {
            tracing::debug!(%error, "could not ask for a reset");
        }
    }
}

/// What a future gives that need not wait.
fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_read(cx, buf),
            Self::Unix(io) => Pin::new(io).poll_read(cx, buf),
            Self::Tls(io) => Pin::new(io).poll_read(cx, buf),
            Self::Pipe(io) => Pin::new(io).poll_read(cx, buf),
            Self::Other(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_write(cx, buf),
            Self::Unix(io) => Pin::new(io).poll_write(cx, buf),
            Self::Tls(io) => Pin::new(io).poll_write(cx, buf),
            Self::Pipe(io) => Pin::new(io).poll_write(cx, buf),
            Self::Other(io) => Pin::new(io).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Self::Unix(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Self::Tls(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Self::Pipe(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Self::Other(io) => Pin::new(io).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(io) => io.is_write_vectored(),
            Self::Unix(io) => io.is_write_vectored(),
            Self::Tls(io) => io.is_write_vectored(),
            Self::Pipe(io) => io.is_write_vectored(),
            Self::Other(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_flush(cx),
            Self::Unix(io) => Pin::new(io).poll_flush(cx),
            Self::Tls(io) => Pin::new(io).poll_flush(cx),
            Self::Pipe(io) => AsyncWrite::poll_flush(Pin::new(io), cx),
            Self::Other(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_shutdown(cx),
            Self::Unix(io) => Pin::new(io).poll_shutdown(cx),
            Self::Tls(io) => Pin::new(io).poll_shutdown(cx),
            Self::Pipe(io) => Pin::new(io).poll_shutdown(cx),
            Self::Other(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}

impl From<TcpStream> for Io {
    fn from(io: TcpStream) -> Self {
        Self::Tcp(io)
    }
}

impl From<UnixStream> for Io {
    fn from(io: UnixStream) -> Self {
        Self::Unix(io)
    }
}

impl From<TlsStream<Rewind<Self>>> for Io {
    fn from(io: TlsStream<Rewind<Self>>) -> Self {
        Self::Tls(Box::new(io))
    }
}

impl From<tokio_rustls::client::TlsStream<Rewind<Self>>> for Io {
    fn from(io: tokio_rustls::client::TlsStream<Rewind<Self>>) -> Self {
        Self::Tls(Box::new(TlsStream::Client(io)))
    }
}

impl From<tokio_rustls::server::TlsStream<Rewind<Self>>> for Io {
    fn from(io: tokio_rustls::server::TlsStream<Rewind<Self>>) -> Self {
        Self::Tls(Box::new(TlsStream::Server(io)))
    }
}

impl From<Rewind<Self>> for Io {
    /// Free when nothing is left to read again; one box otherwise.
    fn from(io: Rewind<Self>) -> Self {
        if io.prefix().is_empty() { io.into_parts().1 } else { Self::other(io) }
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Tcp(_) => "Tcp",
            Self::Unix(_) => "Unix",
            Self::Tls(_) => "Tls",
            Self::Pipe(_) => "Pipe",
            Self::Other(_) => "Other",
        };
        f.debug_struct(kind).field("peer", &self.peer_addr()).finish()
    }
}

#[cfg(test)]
#[path = "io_tests.rs"]
mod tests;
