//! Is the other side still there, and how far away?
//!
//! Each side opens one stream, sends four bytes on it now and then, and gets the same four back.
//!
//! ```text
//! agent   keep_alive  ── ping ─▶  echo        edge      beats the edge's pulse
//!                     ◀─ echo ──
//! agent   echo        ◀─ ping ──  ping        edge
//!                     ── echo ─▶                        beats the edge's pulse
//! ```
//!
//! The agent declares its leg dead when its own pings stay unanswered for interval + tolerance. The
//! edge goes by any sign of life, because the families differ: a Rust agent that missed one echo never
//! pings again, and no agent answers pings before its accept loop runs. So the edge feeds one
//! [`Pulse`] from both streams and closes the leg when that is silent.
//!
//! Fact: toward a Rust agent the edge must never end its own heartbeat stream while the leg lives; the
//! agent would answer with zeros in a busy loop. End the leg instead.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, sleep_until, timeout},
};

use crate::peer::HeartbeatTiming;

/// Length of a ping and of its echo, in bytes.
pub const PING_LEN: usize = 4;

/// Most pings a second that an edge echoes.
pub const MAX_PINGS_PER_SECOND: u32 = 10;

/// How long four bytes may wait to be taken. The leg is in a bad way then.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// When the other side was last heard. Clones share it.
#[derive(Clone, Debug)]
pub struct Pulse(Arc<Mutex<Signs>>);

#[derive(Clone, Copy, Debug)]
struct Signs {
    heard: Instant,
    /// While a ping is not answered: since when nothing was heard.
    owes_since: Option<Instant>,
}

impl Pulse {
    /// Starts now: silence is counted from here.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Signs { heard: Instant::now(), owes_since: None })))
    }

    /// The other side was heard just now.
    pub fn beat(&self) {
        let mut signs = self.signs();
        signs.heard = Instant::now();
        signs.owes_since = signs.owes_since.map(|_| signs.heard);
    }

    /// When it was last heard.
    pub fn last(&self) -> Instant {
        self.signs().heard
    }

    /// Whether it has not answered a ping, and nothing else was heard for so long.
    pub fn owes(&self, limit: Duration) -> bool {
        self.signs().owes_since.is_some_and(|since| since.elapsed() >= limit)
    }

    fn asked(&self) {
        self.signs().owes_since = Some(Instant::now());
    }

    fn answered(&self) {
        self.beat();
        self.signs().owes_since = None;
    }

    fn signs(&self) -> MutexGuard<'_, Signs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when nothing was heard for `limit`.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn silence(&self, limit: Duration) {
        loop {
            let heard = self.last();
            sleep_until(heard + limit).await;
            if self.last() == heard {
                return;
            }
        }
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new()
    }
}

/// Why there are no more pings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PingError {
    /// The heartbeat stream failed.
    #[error("the heartbeat stream failed")]
    Io(#[source] io::Error),
    /// The heartbeat stream was ended by the other side.
    #[error("the other side ended the heartbeat stream")]
    Finished,
    /// Nothing was heard for too long.
    #[error("no heartbeat for {after:?}")]
    Silent {
        /// Interval and tolerance together.
        after: Duration,
    },
    /// Bytes came that are not the echo.
    #[error("wrong heartbeat echo")]
    WrongEcho,
}

/// Pings until the other side is dead: the heartbeat of an agent.
///
/// The stream's type has been sent. The first ping goes out at once; `on_rtt` is told each measured
/// round trip. Whatever is returned, the leg should be replaced.
pub async fn keep_alive<S>(
    io: S,
    timing: HeartbeatTiming,
    on_rtt: impl FnMut(Duration),
) -> PingError
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let pulse = Pulse::new();
    let after = timing.limit();
    tokio::select! {
        error = ping(io, timing.interval, &pulse, on_rtt) => error,
        () = pulse.silence(after) => PingError::Silent { after },
    }
}

/// Pings for as long as echoes come, however late: the heartbeat of an edge.
///
/// One ping is under way at a time. Each echo beats `pulse`, whose
/// [`silence`](Pulse::silence) decides about the leg. To be started after the agent has
/// authenticated. An error means only that this stream is of no more use.
pub async fn ping<S>(
    mut io: S,
    interval: Duration,
    pulse: &Pulse,
    mut on_rtt: impl FnMut(Duration),
) -> PingError
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let sent_at = Instant::now();
        let id = random_id();
        pulse.asked();
        if let Err(error) = write(&mut io, &id).await {
            return PingError::Io(error);
        }
        let mut echo = [0; PING_LEN];
        match io.read_exact(&mut echo).await {
            Ok(_) if echo == id => {}
            Ok(_) => return PingError::WrongEcho,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return PingError::Finished;
            }
            Err(error) => return PingError::Io(error),
        }
        pulse.answered();
        on_rtt(sent_at.elapsed());
        let mut stray = [0; 1];
        tokio::select! {
            biased;
            () = sleep_until(sent_at + interval) => {}
            unasked = io.read(&mut stray) => return match unasked {
                Ok(0) => PingError::Finished,
                Ok(_) => PingError::WrongEcho,
                Err(error) => PingError::Io(error),
            },
        }
    }
}

/// Why echoing ended before the other side ended it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EchoError {
    /// The heartbeat stream failed.
    #[error("the heartbeat stream failed")]
    Io(#[source] io::Error),
    /// Pings came faster than agreed.
    #[error("more than {per_second} pings in a second")]
    TooFast {
        /// The limit.
        per_second: u32,
    },
}

/// Answers the other side's pings until it sends FIN. The stream's type has been read.
///
/// Pings may come split or merged: what is complete is echoed, a rest is kept. Each ping beats
/// `pulse`. With `max_per_second` (see [`MAX_PINGS_PER_SECOND`]) a flood ends it.
///
/// Waits for pings without a limit, because whether silence matters is not decided here.
///
/// # Errors
/// If the stream fails, does not take an echo, or brings a flood.
pub async fn echo<S>(mut io: S, max_per_second: Option<u32>, pulse: &Pulse) -> Result<(), EchoError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buffer = [0; PING_LEN * 64];
    let mut n_held = 0;
    let mut pace = Pace { since: Instant::now(), n_pings: 0 };
    loop {
        let room = buffer.get_mut(n_held..).unwrap_or_default();
        let n_read = io.read(room).await.map_err(EchoError::Io)?;
        if n_read == 0 {
            let _ = timeout(WRITE_TIMEOUT, io.shutdown()).await;
            return Ok(());
        }
        let n_bytes = n_held + n_read;
        let n_whole = n_bytes - n_bytes % PING_LEN;
        if n_whole > 0 {
            pace.count(n_whole / PING_LEN, max_per_second)?;
            pulse.beat();
            let whole = buffer.get(..n_whole).unwrap_or_default();
            write(&mut io, whole).await.map_err(EchoError::Io)?;
        }
        buffer.copy_within(n_whole..n_bytes, 0);
        n_held = n_bytes - n_whole;
    }
}

/// Counts pings in windows of one second.
struct Pace {
    since: Instant,
    n_pings: usize,
}

impl Pace {
    fn count(&mut self, n: usize, max_per_second: Option<u32>) -> Result<(), EchoError> {
        if self.since.elapsed() >= Duration::from_secs(1) {
            *self = Self { since: Instant::now(), n_pings: 0 };
        }
        self.n_pings = self.n_pings.saturating_add(n);
        match max_per_second {
            Some(per_second) if self.n_pings > per_second as usize => {
                Err(EchoError::TooFast { per_second })
            }
            _ => Ok(()),
        }
    }
}

/// As one write, so that it becomes one frame. Fact: a Rust agent echoes a full quadruple for
/// whatever part of one it reads.
async fn write<S: AsyncWrite + Unpin>(io: &mut S, bytes: &[u8]) -> io::Result<()> {
    let both = async {
        io.write_all(bytes).await?;
        io.flush().await
    };
    timeout(WRITE_TIMEOUT, both).await.unwrap_or(Err(io::ErrorKind::TimedOut.into()))
}

/// Ids tell a fresh echo from a stale one; they need not be secret, so a fixed one will do if the
/// system has no randomness to give.
fn random_id() -> [u8; PING_LEN] {
    getrandom::u32().unwrap_or(0x6164_6974).to_be_bytes()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "heartbeat/tests.rs"]
mod tests;
