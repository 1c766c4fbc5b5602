//! Peers that behave badly, each by a name that says how.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};

use crate::{soon, visitor::until_the_end};

/// Longest time in which a peer that takes anything takes something more.
const STALLED: Duration = Duration::from_millis(300);

/// Bytes that are no protocol of ours: zeros, ones, text, a record that promises too much, a
/// hello that is cut off, frames of no known kind, and noise.
pub const GARBAGE: [&[u8]; 7] = [
    &[0; 64],
    &[0xff; 64],
    b"hello? is anybody there?\r\n\r\n",
    b"\x16\x03\x01\xff\xff\x01\x00\xff\xff",
    b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03",
    b"\x00\x00\x04\xf0\x00\x00\x00\x01abcd",
    b"\x8b\xf2\x1d\x93\x07\xe1\xa8\x4c\x55\x9e\x30\x6b\xd4\x11\xc7\x7f\x02\xbb",
];

/// Announces a frame of 1 KiB, sends a few bytes of it, and waits.
#[derive(Debug)]
pub struct StallsMidFrame<S>(S);

impl<S: AsyncRead + AsyncWrite + Unpin> StallsMidFrame<S> {
    /// On a connection that agents would use.
    pub async fn on(mut socket: S) -> Self {
        // A DATA frame that opens stream 3 with the type of a heartbeat.
        let begin = b"\x00\x04\x00\x12\x00\x00\x00\x03\xff\xff\xff\xff";
        let _ = socket.write_all(begin).await;
        let _ = socket.flush().await;
        Self(socket)
    }

    /// Waits until the other side has had enough.
    pub async fn until_closed(mut self) {
        until_the_end(&mut self.0).await;
    }
}

/// Sends what it has to say byte by byte, each in a packet of its own.
#[derive(Debug)]
pub struct SendsOneByteAtATime<S>(pub S);

impl<S: AsyncRead + AsyncWrite + Unpin> SendsOneByteAtATime<S> {
    /// Sends all of it, with a pause after each byte. Returns how many were taken.
    pub async fn say(&mut self, bytes: &[u8], pause: Duration) -> usize {
        for (n, byte) in bytes.iter().enumerate() {
            if self.0.write_all(&[*byte]).await.is_err() || self.0.flush().await.is_err() {
                return n;
            }
            tokio::time::sleep(pause).await;
        }
        bytes.len()
    }
}

/// Says something, ends its half, and waits for an answer.
#[derive(Debug)]
pub struct ClosesOneHalf<S>(S);

impl<S: AsyncRead + AsyncWrite + Unpin> ClosesOneHalf<S> {
    /// Says it.
    pub async fn after(mut socket: S, bytes: &[u8]) -> Self {
        let _ = socket.write_all(bytes).await;
        let _ = socket.shutdown().await;
        Self(socket)
    }

    /// What comes until the other side ends, too.
    pub async fn answer(mut self) -> String {
        until_the_end(&mut self.0).await
    }
}

/// Sends without end and reads nothing.
#[derive(Debug)]
pub struct NeverReads<S>(S);

impl<S: AsyncRead + AsyncWrite + Unpin> NeverReads<S> {
    /// On a connection.
    pub const fn on(socket: S) -> Self {
        Self(socket)
    }

    /// Sends these bytes over and over until nobody takes them any more, or `most` were taken.
    /// Returns how many were.
    pub async fn until_stalled(&mut self, bytes: &[u8], most: usize) -> usize {
        let mut total = 0;
        while total < most {
            match timeout(STALLED, self.0.write(bytes)).await {
                Ok(Ok(n)) => total += n,
                Ok(Err(_)) | Err(_) => break,
            }
        }
        total
    }
}

/// Begins a request and never ends its headers, but always has one more.
#[derive(Debug)]
pub struct SlowLoris<S>(S);

impl<S: AsyncRead + AsyncWrite + Unpin> SlowLoris<S> {
    /// Begins a request for a host.
    pub async fn on(mut socket: S, host: &str) -> Self {
        let head = format!("GET / HTTP/1.1\r\nhost: {host}\r\n");
        let _ = socket.write_all(head.as_bytes()).await;
        let _ = socket.flush().await;
        Self(socket)
    }

    /// Sends another header every so often until it is told to go. Returns how many it sent.
    pub async fn until_closed(mut self, pause: Duration) -> usize {
        let mut n = 0;
        let mut byte = [0];
        loop {
            match timeout(pause, self.0.read(&mut byte)).await {
                Err(_) => {
                    n += 1;
                    let header = format!("x-{n}: y\r\n");
                    let wrote = soon("a header", self.0.write_all(header.as_bytes())).await;
                    if wrote.is_err() || self.0.flush().await.is_err() {
                        return n;
                    }
                }
                // An answer comes before the end.
                Ok(Ok(1)) => {}
                Ok(_) => return n,
            }
        }
    }
}
