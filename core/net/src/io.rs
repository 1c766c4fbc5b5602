//! One type for the bytes of any connection.
//!
//! [`Io`] is an enum and not a trait object, so that the common kinds cost a match, and so that a
//! relay can ask for the kind it has a fast path for.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_sink::Sink;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;

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

    /// Address of the peer, where known.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.lowest_tcp()?.peer_addr().ok()
    }

    /// Our own address, where known.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.lowest_tcp()?.local_addr().ok()
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
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn tcp_pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (a, b) = tokio::join!(TcpStream::connect(addr), listener.accept());
        (a.unwrap(), b.unwrap().0)
    }

    #[tokio::test]
    async fn a_tcp_connection_keeps_its_addresses_and_its_fast_path() {
        let (a, b) = tcp_pair().await;
        let (a_addr, b_addr) = (a.local_addr().unwrap(), b.local_addr().unwrap());
        let (a, b) = (Io::from(a), Io::from(b));
        assert_eq!((a.local_addr(), a.peer_addr()), (Some(a_addr), Some(b_addr)));
        assert!(a.as_tcp().is_some() && b.as_tcp().is_some());
        assert!(a.is_write_vectored());
        assert!(Io::other(a).as_tcp().is_none());
    }

    #[tokio::test]
    async fn vectored_writes_arrive_in_order() {
        let (a, b) = tcp_pair().await;
        let (mut a, mut b) = (Io::from(a), Io::from(b));
        let n = a.write_vectored(&[IoSlice::new(b"head"), IoSlice::new(b"body")]).await.unwrap();
        assert_eq!(n, 8);
        a.shutdown().await.unwrap();
        let mut all = Vec::new();
        b.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"headbody");
    }

    #[tokio::test]
    async fn reset_on_drop_reaches_the_peer_as_a_reset() {
        let (a, b) = tcp_pair().await;
        let (a, mut b) = (Io::from(a), Io::from(b));
        a.reset_on_drop();
        drop(a);
        let error = b.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn a_rewound_connection_with_nothing_to_replay_is_unwrapped() {
        let (a, _b) = tcp_pair().await;
        let io = Io::from(Rewind::new(Io::from(a)));
        assert!(io.as_tcp().is_some());
    }

    #[tokio::test]
    async fn half_close_works_on_unix_sockets_and_boxed_streams() {
        let (unix, peer) = UnixStream::pair().unwrap();
        let (mut a, mut b) = (Io::from(unix), Io::other(peer));
        a.write_all(b"ping").await.unwrap();
        a.shutdown().await.unwrap();
        let mut all = Vec::new();
        b.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"ping");
        b.write_all(b"pong").await.unwrap();
        b.shutdown().await.unwrap();
        all.clear();
        a.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"pong");
    }
}
