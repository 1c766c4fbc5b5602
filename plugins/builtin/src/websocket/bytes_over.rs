//! A byte stream over the binary messages of a WebSocket, from the server's end.
//!
//! | the visitor sends | the upstream sees |
//! | --- | --- |
//! | a binary message | its bytes |
//! | a text message | a broken connection; the visitor gets close code 1003 |
//! | Ping | nothing; the visitor gets the Pong |
//! | Close | end of file |
//! | the end of its TCP stream, without Close | a broken connection |
//!
//! When the upstream has sent all, the visitor gets Close (1000) and may go on sending until it
//! sends its own. A visitor who has sent Close has said that it wants no more either: what the
//! upstream still sends then fails as to a broken pipe.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use futures_util::{FutureExt, Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        error::ProtocolError,
        protocol::{
            CloseFrame, Role, WebSocketConfig,
            frame::{Utf8Bytes, coding::CloseCode},
        },
    },
};

const KIB: usize = 1024;

/// Largest message, and largest frame of one, that a visitor may send: it is in memory until the
/// upstream has taken it.
const MAX_MESSAGE: usize = 1024 * KIB;

/// Payload of one message towards the visitor, at most.
const MAX_SENT: usize = 32 * KIB;

/// What one read of the connection may take.
const READ_BUFFER: usize = 8 * KIB;

/// See the module.
pub(super) struct BytesOver<S> {
    socket: WebSocketStream<S>,
    /// What is left of the last message.
    unread: Bytes,
    state: State,
}

enum State {
    Open,
    /// The visitor broke the rules: it is told why, then reading fails.
    Refusing(CloseCode),
    /// It was told.
    Refused,
    /// The visitor's Close came, and was answered.
    Closed,
}

impl<S: AsyncRead + AsyncWrite + Unpin> BytesOver<S> {
    /// Speaks WebSocket on a connection whose handshake is done.
    pub(super) fn new(io: S) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(4 * MAX_SENT)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config))
            .now_or_never()
            .expect("it waits for nothing: the handshake is done");
        Self { socket, unread: Bytes::new(), state: State::Open }
    }

    /// Reads messages until there are bytes, or no more will come.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            match self.state {
                State::Open => match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                    None => self.state = State::Closed,
                    Some(Ok(Message::Binary(bytes))) => self.unread = bytes,
                    Some(Ok(Message::Text(_))) => self.refuse(CloseCode::Unsupported),
                    // The library answers Ping and Close by itself.
                    Some(Ok(_)) => {}
                    Some(Err(error)) => match reproach(&error) {
                        Some(code) => self.refuse(code),
                        None => return Poll::Ready(Err(io_error(error))),
                    },
                },
                State::Refusing(code) => {
                    // The visitor may not listen any more: that it is refused stands.
                    let _told = ready!(Pin::new(&mut self.socket).poll_flush(cx));
                    self.state = State::Refused;
                    return Poll::Ready(Err(refused(code)));
                }
                State::Refused => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
                State::Closed => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn refuse(&mut self, code: CloseCode) {
        self.say_close(code);
        self.state = State::Refusing(code);
    }

    fn say_close(&mut self, code: CloseCode) {
        let reason = Utf8Bytes::from_static("");
        let close = Message::Close(Some(CloseFrame { code, reason }));
        // Fails if Close was sent already, and then there is nothing to add.
        let _queued = Pin::new(&mut self.socket).start_send(close);
    }
}

/// What the visitor did wrong, if the fault is its own and it can be told.
fn reproach(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Capacity(_) => Some(CloseCode::Size),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(_) => Some(CloseCode::Protocol),
        Error::Utf8(_) => Some(CloseCode::Invalid),
        _ => None,
    }
}

fn refused(code: CloseCode) -> io::Error {
    let code = u16::from(code);
    io::Error::new(io::ErrorKind::InvalidData, format!("WebSocket refused with close code {code}"))
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::AlreadyClosed
        | Error::ConnectionClosed
        | Error::Protocol(ProtocolError::SendAfterClosing) => io::ErrorKind::BrokenPipe.into(),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            io::Error::new(io::ErrorKind::UnexpectedEof, "the visitor left without a Close frame")
        }
        error => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for BytesOver<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_fill(cx))?;
        let n = self.unread.len().min(buf.remaining());
        buf.put_slice(&self.unread[..n]);
        self.unread.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for BytesOver<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        // One message at most waits for the visitor: the next is taken once it is gone.
        let mut socket = Pin::new(&mut self.socket);
        ready!(socket.as_mut().poll_ready(cx)).map_err(io_error)?;
        let n = buf.len().min(MAX_SENT);
        let message = Message::Binary(Bytes::copy_from_slice(&buf[..n]));
        socket.start_send(message).map_err(io_error)?;
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx).map_err(io_error)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.say_close(CloseCode::Normal);
        ready!(Pin::new(&mut self.socket).poll_close(cx)).map_err(io_error)?;
        if let State::Closed = self.state {
            // Both have said Close: the server ends the connection.
            return Pin::new(self.socket.get_mut()).poll_shutdown(cx);
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
