//! Streams on which we have said everything.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// Most bytes that are discarded while waiting for an end. Fact: a Go client's line feed is one.
const MAX_STRAY: usize = 64 * 1024;

/// A stream after our FIN, waiting for that of the other side.
///
/// Dropping it is peaceful on a multiplexed session: what was sent still arrives. Resetting it instead
/// would destroy an answer that the other side has not read yet.
#[derive(Debug)]
pub struct Closing<S> {
    io: S,
    n_stray: usize,
    end: Option<PeerEnd>,
}

/// How the other side ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerEnd {
    /// With FIN: all is well.
    Finished,
    /// With a reset, or the session is gone, or it sent far more than nothing.
    Failed,
    /// Not yet.
    Open,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Closing<S> {
    /// Sends FIN on a stream that is no longer needed.
    ///
    /// # Errors
    /// If the stream fails, or FIN cannot be queued within `limit`.
    pub async fn start(mut io: S, limit: Duration) -> io::Result<Self> {
        timeout(limit, io.shutdown()).await.unwrap_or(Err(io::ErrorKind::TimedOut.into()))?;
        Ok(Self::after_fin(io))
    }

    pub(crate) fn after_fin(io: S) -> Self {
        Self { io, n_stray: 0, end: None }
    }

    /// Waits for the other side's FIN, at most for `limit`. May be called again.
    ///
    /// # Cancel safety
    /// Cancel safe: what is discarded meanwhile means nothing.
    pub async fn peer_end(&mut self, limit: Duration) -> PeerEnd {
        if let Some(end) = self.end {
            return end;
        }
        let Ok(end) = timeout(limit, self.drain()).await else {
            return PeerEnd::Open;
        };
        self.end = Some(end);
        end
    }

    async fn drain(&mut self) -> PeerEnd {
        let mut waste = [0; 256];
        while self.n_stray <= MAX_STRAY {
            match self.io.read(&mut waste).await {
                Ok(0) => return PeerEnd::Finished,
                Ok(n) => self.n_stray += n,
                Err(_) => return PeerEnd::Failed,
            }
        }
        PeerEnd::Failed
    }

    /// The stream, to reset it for example.
    pub fn into_inner(self) -> S {
        self.io
    }
}
