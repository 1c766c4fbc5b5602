//! What a route counts, and how a connection ended.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use adit_chain::{Totals, failure};
use http::StatusCode;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// Both directions ran to their end.
    Done,
    /// The visitor or the upstream broke off.
    Broken,
    /// The grace of a shutdown ended first.
    Cut,
    /// The chain turned it away.
    Refused,
    /// The visitor was too slow or idle for too long.
    TimedOut,
    /// The TLS handshake failed.
    TlsFailed,
    /// The upstream could not be reached.
    UpstreamFailed,
}

impl Ended {
    /// The reason for handlers, if it is a failure.
    pub const fn failure(self) -> Option<&'static str> {
        match self {
            Self::Done => None,
            Self::Broken => Some(failure::RESET),
            Self::Cut => Some(failure::CUT),
            Self::Refused => Some(failure::REFUSED),
            Self::TimedOut => Some(failure::TIMEOUT),
            Self::TlsFailed => Some(failure::TLS_FAILED),
            Self::UpstreamFailed => Some(failure::UPSTREAM_UNREACHABLE),
        }
    }
}

/// The end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// What it carried.
    pub totals: Totals,
    /// How it ended.
    pub ended: Ended,
}

/// Told about each connection and exchange of a route, for percentiles and rates. Must be quick:
/// it runs in the connection's own task.
pub trait Observe: fmt::Debug + Send + Sync + 'static {
    /// A connection came.
    fn opened(&self) {}

    /// A connection is over.
    fn connection(&self, took: Duration, totals: Totals) {
        let _ = (took, totals);
    }

    /// The head of a response is on its way to the visitor.
    fn exchange(&self, status: StatusCode, took: Duration) {
        let _ = (status, took);
    }

    /// Bytes have moved since this was called last: told at the end of an exchange, and of a
    /// connection.
    fn moved(&self, totals: Totals) {
        let _ = totals;
    }
}

/// Counters of one route. They only grow, but for `open`.
#[derive(Debug, Default)]
pub struct Metrics {
    connections: AtomicU64,
    open: AtomicU64,
    exchanges: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    observe: Option<Arc<dyn Observe>>,
}

impl Metrics {
    pub(crate) fn new(observe: Option<Arc<dyn Observe>>) -> Self {
        Self { observe, ..Self::default() }
    }

    /// Connections that came.
    pub fn connections(&self) -> u64 {
        self.connections.load(Relaxed)
    }

    /// Connections that are there now.
    pub fn open(&self) -> u64 {
        self.open.load(Relaxed)
    }

    /// Requests that came.
    pub fn exchanges(&self) -> u64 {
        self.exchanges.load(Relaxed)
    }

    /// What ended connections carried.
    pub fn totals(&self) -> Totals {
        let (bytes_in, bytes_out) = (self.bytes_in.load(Relaxed), self.bytes_out.load(Relaxed));
        Totals { bytes_in, bytes_out }
    }

    pub(crate) fn opened(&self) {
        self.connections.fetch_add(1, Relaxed);
        self.open.fetch_add(1, Relaxed);
        if let Some(observe) = &self.observe {
            observe.opened();
        }
    }

    pub(crate) fn closed(&self, took: Duration, totals: Totals) {
        self.open.fetch_sub(1, Relaxed);
        self.bytes_in.fetch_add(totals.bytes_in, Relaxed);
        self.bytes_out.fetch_add(totals.bytes_out, Relaxed);
        if let Some(observe) = &self.observe {
            observe.connection(took, totals);
        }
    }

    pub(crate) fn exchange(&self) {
        self.exchanges.fetch_add(1, Relaxed);
    }

    pub(crate) const fn is_observed(&self) -> bool {
        self.observe.is_some()
    }

    pub(crate) fn observed(&self, status: StatusCode, took: Duration) {
        if let Some(observe) = &self.observe {
            observe.exchange(status, took);
        }
    }

    pub(crate) fn moved(&self, totals: Totals) {
        if let Some(observe) = &self.observe
            && totals != Totals::default()
        {
            observe.moved(totals);
        }
    }
}
