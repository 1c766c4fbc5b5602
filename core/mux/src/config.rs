//! What a session may cost, and what its peer can bear.

use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Credit each side starts with on each stream, in payload bytes.
///
/// Fact: an unwritten agreement of both client families; it is neither negotiated nor transmitted.
pub const INITIAL_WINDOW: usize = 256 * KIB;

/// Largest window that this implementation gives a stream, and expects of its own kind.
pub(crate) const LARGEST_WINDOW: usize = 16 * MIB;

/// Which end of the session this is. Decides who owns which stream ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Dials out; opens odd ids, from 3.
    Agent,
    /// Accepts; opens even ids, from 2.
    Edge,
}

impl Role {
    /// First id this side opens. Fact: both families start at 2 + parity.
    pub(crate) fn first_id(self) -> u32 {
        match self {
            Self::Agent => 3,
            Self::Edge => 2,
        }
    }

    /// Whether the peer of this side may open `id`.
    pub(crate) fn peer_opens(self, id: u32) -> bool {
        id % 2 != self.first_id() % 2
    }
}

/// What happens to a stream that the peer opens above [`Limits::max_peer_streams`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// The session ends.
    Close,
    /// The stream is refused, the session lives on.
    Refuse,
}

/// Limits on the peer that may change while the session runs ([`crate::Session::set_limits`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Payload bytes of one DATA frame; above it the stream is reset from the header alone.
    pub max_frame_len: usize,
    /// Payload bytes of a longer DATA frame that are still skipped to save the session; above it
    /// the session ends.
    pub max_skipped_len: usize,
    /// Bytes of text that a GOAWAY may carry behind its fixed 8; a longer one is not read.
    pub max_goaway_text: usize,
    /// Streams the peer may hold open at once.
    pub max_peer_streams: usize,
    /// What one stream more costs the peer.
    pub excess: Excess,
    /// Streams the peer may open at once before `opens_per_second` applies.
    pub open_burst: u32,
    /// Streams the peer may open each second in the long run.
    pub opens_per_second: u32,
    /// Frames without effect in a second, of each sort, that count as a bad second. Refused streams
    /// have a tenth of it; frames for streams that have just ended, of which honest peers send
    /// some, twenty times as much.
    pub junk_per_second: u32,
    /// How long bad seconds must follow each other to end the session; counted in whole seconds,
    /// at least one.
    pub junk_for: Duration,
}

impl Limits {
    /// Of an edge towards a stranger that has not authenticated yet.
    pub fn before_auth() -> Self {
        Self { max_frame_len: 64 * KIB, max_peer_streams: 4, excess: Excess::Close, ..Self::edge() }
    }

    /// Of an edge towards an authenticated agent. Agents open few streams: heartbeat and RPCs,
    /// with a burst when they bind everything again.
    pub fn edge() -> Self {
        Self {
            max_frame_len: INITIAL_WINDOW,
            max_skipped_len: MIB,
            max_goaway_text: 4 * KIB,
            max_peer_streams: 64,
            excess: Excess::Refuse,
            open_burst: 256,
            opens_per_second: 50,
            junk_per_second: 1000,
            junk_for: Duration::from_secs(5),
        }
    }

    /// Of an agent towards its edge, which opens one stream per visitor connection: no rate.
    pub fn agent() -> Self {
        Self {
            max_peer_streams: 4096,
            open_burst: u32::MAX,
            opens_per_second: u32::MAX,
            ..Self::edge()
        }
    }
}

/// How receive windows behave. Every stream starts at [`INITIAL_WINDOW`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowPolicy {
    /// Never more than the initial window.
    Fixed,
    /// Doubles while a whole window is consumed within two round trips.
    Grow {
        /// Largest window of one stream, in bytes.
        per_stream: usize,
        /// What all streams of the session may have above the initial window, in bytes.
        per_session: usize,
    },
}

/// What the peer's implementation does with credit above [`INITIAL_WINDOW`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerCredit {
    /// Adds it up, so that windows may grow.
    Accumulates,
    /// Forgets it. Growing a window towards such a peer would stall it: the peer would wait for
    /// credit that we believe it has.
    Clamped,
}

/// What is known about the peer's implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerTraits {
    /// Streams that this side may have open towards it at once.
    pub max_streams: usize,
    /// Whether its send windows can grow.
    pub credit: PeerCredit,
}

impl PeerTraits {
    /// Our own implementation, and the Go family, which adds credit without a limit.
    pub fn accumulating() -> Self {
        Self { max_streams: 4096, credit: PeerCredit::Accumulates }
    }

    /// The Rust, Python and JavaScript family. Fact: its session dies at 512 streams of both
    /// directions together, and its send credit never exceeds the initial window.
    pub fn clamping() -> Self {
        Self { max_streams: 480, credit: PeerCredit::Clamped }
    }
}

/// Everything a session needs to know when it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which end this is.
    pub role: Role,
    /// Streams this side may have open at once; the peer's traits may lower it.
    pub max_streams: usize,
    /// Streams the peer has opened that nobody has accepted yet. One more is reset, alone.
    pub accept_backlog: usize,
    /// Limits on the peer.
    pub limits: Limits,
    /// Behaviour of receive windows.
    pub recv_window: WindowPolicy,
    /// What the peer is assumed to be until [`crate::Session::set_peer`].
    pub peer: PeerTraits,
    /// Bytes one stream may queue for sending, besides one chunk of any size.
    pub send_buffer: usize,
    /// Bytes all streams may queue that wait for the transport only.
    pub max_unsent: usize,
    /// Bytes that a stream may send from one grant to the next, however much was granted; at least
    /// [`INITIAL_WINDOW`], because peers need not grant before they have seen half of that.
    ///
    /// Our own edge and agent grow windows up to [`WindowPolicy::Grow`] and then grant late, so the
    /// default equals that. More than both counts as over-granting.
    pub max_send_credit: usize,
    /// How long the transport may take nothing while something waits.
    pub write_stall: Duration,
    /// Window violations after which the session ends.
    pub max_violations: u32,
}

impl Config {
    /// Defaults of an agent.
    pub fn agent() -> Self {
        Self::new(Role::Agent, Limits::agent(), PeerTraits::accumulating())
    }

    /// Defaults of an edge, with the limits for agents that have authenticated: see
    /// [`Limits::before_auth`]. The peer is taken for one that clamps until more is known.
    pub fn edge() -> Self {
        let peer = PeerTraits { credit: PeerCredit::Clamped, ..PeerTraits::accumulating() };
        Self::new(Role::Edge, Limits::edge(), peer)
    }

    fn new(role: Role, limits: Limits, peer: PeerTraits) -> Self {
        Self {
            role,
            max_streams: 4096,
            accept_backlog: 1024,
            limits,
            recv_window: WindowPolicy::Grow { per_stream: LARGEST_WINDOW, per_session: 64 * MIB },
            peer,
            send_buffer: 256 * KIB,
            max_unsent: 8 * MIB,
            max_send_credit: LARGEST_WINDOW,
            write_stall: Duration::from_secs(30),
            max_violations: 16,
        }
    }
}
