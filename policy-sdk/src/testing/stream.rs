//! A raw connection.

use adit_policy_rules::limits;

use super::double::{Connection, Outcome};
use super::message::Client;
use super::{Fault, Harness};
use crate::hooks::{Hook, Hooks};
use crate::verdict::{Admission, ChunkVerdict, Direction};

/// A raw connection that a test opened. Dropping it does not end it: `on_close` is told by
/// [`close`](Self::close).
pub struct Stream<'a, P> {
    /// What `on_connection` answered.
    pub admission: Admission,
    /// What got through to the upstream.
    pub to_upstream: Vec<u8>,
    /// What got through to the visitor.
    pub to_client: Vec<u8>,
    harness: &'a mut Harness<P>,
    conn: Connection,
    started: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Watched,
    Detached,
    Cut(String),
}

impl<'a, P: Hooks> Stream<'a, P> {
    pub(super) fn open(harness: &'a mut Harness<P>, client: Client) -> Result<Self, Fault> {
        let conn = harness.connection(client);
        let started = harness.world().borrow().monotonic_ns;
        let view = crate::Connection(&conn);
        let admission = harness.call(Hook::OnConnection, |p| p.on_connection(&view))?;
        let state = match &admission {
            Admission::Refuse(reason) => State::Cut(reason.clone()),
            Admission::Accept if harness.has(Hook::OnData) => State::Watched,
            Admission::Accept => State::Detached,
        };
        let (to_upstream, to_client) = (Vec::new(), Vec::new());
        Ok(Self { admission, to_upstream, to_client, harness, conn, started, state })
    }

    /// Whether `on_data` is asked about the next piece.
    pub fn is_watched(&self) -> bool {
        matches!(self.state, State::Watched)
    }

    /// The visitor sends a piece. After `Detach`, everything is `Pass`; after a cut, `Abort`.
    ///
    /// # Panics
    ///
    /// If the piece has more than 64 KiB, or the policy panics.
    #[track_caller]
    pub fn send(&mut self, piece: impl AsRef<[u8]>) -> ChunkVerdict {
        self.piece(Direction::ToUpstream, piece.as_ref(), false)
    }

    /// The visitor sends a last piece, perhaps an empty one, and says so.
    ///
    /// # Panics
    ///
    /// As [`send`](Self::send).
    #[track_caller]
    pub fn send_last(&mut self, piece: impl AsRef<[u8]>) -> ChunkVerdict {
        self.piece(Direction::ToUpstream, piece.as_ref(), true)
    }

    /// The upstream sends a piece.
    ///
    /// # Panics
    ///
    /// As [`send`](Self::send).
    #[track_caller]
    pub fn receive(&mut self, piece: impl AsRef<[u8]>) -> ChunkVerdict {
        self.piece(Direction::ToClient, piece.as_ref(), false)
    }

    /// The upstream sends a last piece, perhaps an empty one, and says so.
    ///
    /// # Panics
    ///
    /// As [`send`](Self::send).
    #[track_caller]
    pub fn receive_last(&mut self, piece: impl AsRef<[u8]>) -> ChunkVerdict {
        self.piece(Direction::ToClient, piece.as_ref(), true)
    }

    /// Both halves have ended: `on_close` is told.
    ///
    /// # Panics
    ///
    /// If the policy panics.
    #[track_caller]
    pub fn close(mut self) {
        if let Err(fault) = self.end() {
            self.harness.fail(&fault);
        }
    }

    #[cfg(feature = "cases")]
    pub(crate) fn try_close(mut self) -> Result<(), Fault> {
        self.end()
    }

    /// Moves both clocks, as [`Harness::advance`].
    pub fn advance(&mut self, time: std::time::Duration) {
        self.harness.advance(time);
    }

    #[track_caller]
    fn piece(&mut self, way: Direction, piece: &[u8], last: bool) -> ChunkVerdict {
        assert!(piece.len() <= limits::CHUNK, "a piece has at most {} octets", limits::CHUNK);
        match self.pass(way, piece, last) {
            Ok(verdict) => verdict,
            Err(fault) => self.harness.fail(&fault),
        }
    }

    pub(crate) fn pass(
        &mut self,
        way: Direction,
        piece: &[u8],
        last: bool,
    ) -> Result<ChunkVerdict, Fault> {
        let conn = crate::Connection(&self.conn);
        let verdict = match &self.state {
            State::Detached => ChunkVerdict::Pass,
            State::Cut(reason) => return Ok(ChunkVerdict::Abort(reason.clone())),
            State::Watched => {
                self.harness.call(Hook::OnData, |p| p.on_data(&conn, way, piece.to_vec(), last))?
            }
        };
        let through = match way {
            Direction::ToUpstream => &mut self.to_upstream,
            Direction::ToClient => &mut self.to_client,
        };
        match &verdict {
            ChunkVerdict::Pass => through.extend_from_slice(piece),
            ChunkVerdict::Replace(octets) => through.extend_from_slice(octets),
            ChunkVerdict::Detach => {
                through.extend_from_slice(piece);
                self.state = State::Detached;
            }
            ChunkVerdict::Abort(reason) => self.state = State::Cut(reason.clone()),
        }
        Ok(verdict)
    }

    fn end(&mut self) -> Result<(), Fault> {
        let failure = match &self.state {
            State::Cut(_) => Some("refused".to_owned()),
            State::Watched | State::Detached => None,
        };
        let end = Outcome {
            status: None,
            duration_ns: self.harness.world().borrow().monotonic_ns - self.started,
            octets_to_upstream: self.to_upstream.len() as u64,
            octets_to_client: self.to_client.len() as u64,
            failure,
        };
        let (conn, end) = (crate::Connection(&self.conn), crate::Outcome(&end));
        self.harness.call(Hook::OnClose, |p| p.on_close(&conn, &end))
    }
}
