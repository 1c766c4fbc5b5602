//! With a stream that moves owned chunks on one side.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::Sink;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

use adit_chain::Totals;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// A session's stream, as far as a relay can tell: lends what it received, takes whole chunks.
struct Chunks {
    received: VecDeque<Bytes>,
    taken: std::sync::Arc<parking_lot::Mutex<Vec<Bytes>>>,
}

impl AsyncRead for Chunks {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        panic!("copied")
    }
}

impl AsyncBufRead for Chunks {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Poll::Ready(Ok(self.get_mut().received.front().map_or(&[], |chunk| &chunk[..])))
    }

    fn consume(self: Pin<&mut Self>, n: usize) {
        let received = &mut self.get_mut().received;
        let mut chunk = received.pop_front().unwrap();
        bytes::Buf::advance(&mut chunk, n);
        if !chunk.is_empty() {
            received.push_front(chunk);
        }
    }
}

impl AsyncWrite for Chunks {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        panic!("copied")
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.taken.lock().push(Bytes::from_static(b"FIN"));
        Poll::Ready(Ok(()))
    }
}

impl Sink<Bytes> for Chunks {
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, chunk: Bytes) -> io::Result<()> {
        self.taken.lock().push(chunk);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn visitor() -> (DuplexStream, Rewind<Io>) {
    let (peer, io) = duplex(5);
    (peer, Rewind::with_prefix(Bytes::from_static(b"hello, "), Io::other(io)))
}

#[tokio::test]
async fn chunks_are_lent_and_handed_over_whole() {
    let (mut peer, io) = visitor();
    let taken = std::sync::Arc::default();
    let received = [&b"first "[..], b"second"].map(Bytes::from_static).into();
    let pipe = Io::pipe(Chunks { received, taken: std::sync::Arc::clone(&taken) });
    let talk = async {
        peer.write_all(b"world").await.unwrap();
        peer.shutdown().await.unwrap();
        let mut all = String::new();
        peer.read_to_string(&mut all).await.unwrap();
        all
    };
    let ((totals, result), all) = tokio::join!(relay(io, pipe), talk);
    result.unwrap();
    assert_eq!(all, "first second");
    assert_eq!(*taken.lock(), ["hello, ", "world", "FIN"]);
    assert_eq!(totals, Totals { bytes_in: 12, bytes_out: 12 });
}
