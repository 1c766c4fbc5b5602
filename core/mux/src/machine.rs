//! The session as a pure state machine: no sockets, no tasks, no clock but the `now` passed in.
//!
//! Bytes from the peer go into [`Machine::receive`], bytes for the peer come out of
//! [`Machine::pull`], the handles' operations are in between. Whatever makes somebody else able to
//! go on is collected as wakers ([`Machine::take_wakes`]) and fired by the caller once it has let
//! go of the machine. The states of a stream are drawn in `LIFECYCLE.md` beside `lib.rs`.

mod batch;
mod flood;
mod handle;
mod inbound;
mod lifecycle;
mod outbound;
mod recv;
mod rtt;
mod send;
mod table;
mod timers;

use std::{collections::VecDeque, task::Waker, time::Instant};

use smallvec::SmallVec;

pub use batch::Batch;

use self::{
    flood::{Flood, Opens},
    inbound::Target,
    rtt::Rtt,
    table::Table,
};
use crate::{Config, ErrorCode, Limits, PeerTraits, SessionError, frame::Decoder};

/// Wakers to fire after the machine was let go.
pub type Wakes = SmallVec<[Waker; 4]>;

/// One end of a session.
#[derive(Debug)]
pub struct Machine {
    config: Config,
    phase: Phase,
    decoder: Decoder,
    target: Target,
    streams: Table,
    next_id: u32,
    last_peer_id: u32,
    // work for the writer, most urgent first
    control: VecDeque<Control>,
    grants: VecDeque<u32>,
    ready: VecDeque<u32>,
    // streams opened by the peer that nobody has taken yet
    accepting: bool,
    backlog: VecDeque<u32>,
    accept_waker: Option<Waker>,
    // budgets of the session
    unsent: usize,
    waiting_for_unsent: Vec<u32>,
    extra_window: usize,
    opens: Opens,
    flood: Flood,
    n_violations: u32,
    // time
    rtt: Rtt,
    ungranted: Vec<u32>,
    idle_at: Option<Instant>,
    lingering: VecDeque<(Instant, u32)>,
    stalled_at: Option<Instant>,
    // for the caller
    wakes: Wakes,
    attention: bool,
    stats: Stats,
}

/// Frames that wait in no stream.
#[derive(Debug)]
enum Control {
    Fin(u32),
    Rst(u32, ErrorCode),
}

#[derive(Debug)]
enum Phase {
    Open,
    /// Nothing more is read. `goaway` is what remains to be said, as the very last frame.
    Ending {
        error: SessionError,
        goaway: Option<Vec<u8>>,
    },
}

/// Counters of one session, since it began unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Payload bytes received on streams.
    pub bytes_in: u64,
    /// Payload bytes handed to the transport.
    pub bytes_out: u64,
    /// DATA frames received.
    pub frames_in: u64,
    /// DATA frames sent.
    pub frames_out: u64,
    /// Streams open now.
    pub n_streams: usize,
    /// Streams opened by either side.
    pub n_opened: u64,
    /// Streams reset by either side.
    pub n_resets: u64,
    /// Streams of the peer refused for a limit.
    pub n_refused: u64,
    /// Times the peer sent above a window.
    pub n_violations: u32,
    /// Bytes queued now that wait for the transport only.
    pub unsent: usize,
    /// What all receive windows have now above the initial one.
    pub extra_window: usize,
}

impl Machine {
    /// A session that has just begun.
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            phase: Phase::Open,
            decoder: Decoder::within(&config.limits),
            target: Target::Nobody,
            streams: Table::default(),
            next_id: config.role.first_id(),
            last_peer_id: 0,
            control: VecDeque::new(),
            grants: VecDeque::new(),
            ready: VecDeque::new(),
            accepting: true,
            backlog: VecDeque::new(),
            accept_waker: None,
            unsent: 0,
            waiting_for_unsent: Vec::new(),
            extra_window: 0,
            opens: Opens::new(&config.limits, now),
            flood: Flood::new(now),
            n_violations: 0,
            rtt: Rtt::default(),
            ungranted: Vec::new(),
            idle_at: None,
            lingering: VecDeque::new(),
            stalled_at: None,
            wakes: Wakes::new(),
            attention: false,
            stats: Stats::default(),
            config,
        }
    }

    /// Replaces what was assumed of the peer. Windows that have grown stay as they are.
    pub fn set_peer(&mut self, peer: PeerTraits) {
        self.config.peer = peer;
    }

    /// Replaces the limits on the peer. Streams that are open stay open.
    pub fn set_limits(&mut self, limits: Limits, now: Instant) {
        self.decoder.set_limits(&limits);
        self.opens = Opens::new(&limits, now);
        self.config.limits = limits;
    }

    /// A round trip measured above, for example by a heartbeat.
    pub fn set_rtt(&mut self, rtt: std::time::Duration) {
        self.rtt.hint(rtt);
    }

    /// Why the session ended, once it has.
    pub fn ended(&self) -> Option<&SessionError> {
        match &self.phase {
            Phase::Open => None,
            Phase::Ending { error, .. } => Some(error),
        }
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        Stats {
            n_streams: self.streams.n_open(),
            n_violations: self.n_violations,
            unsent: self.unsent,
            extra_window: self.extra_window,
            ..self.stats
        }
    }

    /// Whoever can go on because of what happened. Fire them after letting go of the machine.
    pub fn take_wakes(&mut self) -> Wakes {
        std::mem::take(&mut self.wakes)
    }

    /// Whether something happened since the last call that the writer or the timer must look at.
    pub fn take_attention(&mut self) -> bool {
        std::mem::take(&mut self.attention)
    }

    fn wake(&mut self, waker: Option<Waker>) {
        self.wakes.extend(waker);
    }

    fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }
}

#[cfg(test)]
mod tests;
