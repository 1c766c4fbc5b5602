//! The handle of a whole session.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    Accept, Config, Driver, ErrorCode, Limits, OpenError, PeerTraits, SessionError, Stats, Stream,
    machine::Machine,
    shared::{Shared, now},
};

/// Makes a session of a transport. Nothing happens until the caller runs the [`Driver`].
pub fn session<T>(io: T, config: Config) -> (Session, Accept, Driver<T>)
where
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    let shared = Shared::new(Machine::new(config, now()));
    let accept = Accept::new(Arc::clone(&shared));
    let driver = Driver::new(io, Arc::clone(&shared));
    (Session { shared }, accept, driver)
}

/// Opens streams and knows the session's facts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Session {
    shared: Arc<Shared>,
}

impl Session {
    /// Opens a stream. All of `first` goes into the opening frame, so it starts with the four
    /// bytes of the stream type and should hold the whole first message.
    ///
    /// # Errors
    /// When the session, the peer or the ids have no room for it.
    pub fn open(&self, first: Bytes) -> Result<Stream, OpenError> {
        let id = self.shared.with(|machine| machine.open(now(), first))?;
        Ok(Stream::new(Arc::clone(&self.shared), id))
    }

    /// Says what the peer's implementation can bear, once that is known.
    pub fn set_peer(&self, peer: PeerTraits) {
        self.shared.with(|machine| machine.set_peer(peer));
    }

    /// Replaces the limits on the peer, for example after it authenticated.
    pub fn set_limits(&self, limits: Limits) {
        self.shared.with(|machine| machine.set_limits(limits, now()));
    }

    /// Tells a measured round trip; the smallest counts.
    pub fn set_rtt(&self, rtt: Duration) {
        self.shared.with(|machine| machine.set_rtt(rtt));
    }

    /// Says goodbye: what streams have queued and the peer has credit for, then GOAWAY as the last
    /// frame. The driver ends within 250 ms. There is no way to drain streams of this protocol
    /// after a GOAWAY, so whoever wants to drain does it before. Calling it again does nothing.
    pub fn close(&self, code: ErrorCode, text: &str) {
        self.shared.with(|machine| machine.close(code, text));
    }

    /// Waits until the driver has ended.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn closed(&self) {
        self.shared.done.cancelled().await;
    }

    /// Why the session ended, once it has. Known a little before [`Self::closed`].
    pub fn ended(&self) -> Option<SessionError> {
        self.shared.with(|machine| machine.ended().cloned())
    }

    /// Streams open now, of both sides.
    pub fn n_streams(&self) -> usize {
        self.stats().n_streams
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        self.shared.with(|machine| machine.stats())
    }
}
