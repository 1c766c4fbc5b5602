//! A circuit: stops asking an upstream that keeps failing.
//!
//! ```text
//! closed ── a request finds too many errors in the window ──► open
//! open ── `tripped` passed, a request comes ──► probing (that request is the probe)
//! probing ── the probe succeeds ──► closed, with an empty window
//! probing ── the probe fails ──► open
//! probing ── the probe's visitor hangs up ──► waiting for another probe
//! ```

use std::{fmt, sync::Arc, time::Duration};

use adit_chain::{Refusal, code::CIRCUIT_OPEN};
use http::StatusCode;
use parking_lot::Mutex;
use tokio::time::Instant;

use self::breaker::{Breaker, Passed};

mod breaker;
mod window;

/// When to trip, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Trips at this share of failures; 0.0 to 1.0.
    pub error_threshold: f64,
    /// But not before this many requests are in the window.
    pub volume_threshold: u64,
    /// The last while, of which requests and failures are counted.
    pub window: Duration,
    /// How long nothing passes.
    pub tripped: Duration,
}

impl Rules {
    /// Fact: the documented default of the share of failures.
    pub const DEFAULT_ERROR_THRESHOLD: f64 = 0.5;
    /// Fact: the documented default of requests in the window.
    pub const DEFAULT_VOLUME: u64 = 10;
    /// Fact: the documented limit of requests in the window.
    pub const MAX_VOLUME: u64 = 2_000_000_000;
    /// Fact: the documented default of both lengths of time.
    pub const DEFAULT_DURATION: Duration = Duration::from_secs(10);
    /// Fact: the documented limits of both lengths of time.
    pub const DURATIONS: std::ops::RangeInclusive<Duration> =
        Duration::from_secs(1)..=Duration::from_secs(120);
}

/// A circuit, shared by the requests that go through it.
#[derive(Clone)]
pub struct Circuit(Arc<Mutex<Breaker>>);

impl Circuit {
    /// A closed circuit.
    pub fn new(rules: Rules) -> Self {
        Self(Arc::new(Mutex::new(Breaker::new(rules, Instant::now()))))
    }

    /// Lets a request through, or not. Who is let through settles the ticket.
    pub fn enter(&self) -> Option<Ticket> {
        let passed = self.0.lock().enter(Instant::now())?;
        Some(Ticket { circuit: self.clone(), passed: Some(passed) })
    }
}

impl fmt::Debug for Circuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.lock().fmt(f)
    }
}

/// A request that was let through. Dropped unsettled when its visitor hangs up.
#[derive(Debug)]
pub struct Ticket {
    circuit: Circuit,
    passed: Option<Passed>,
}

impl Ticket {
    /// Whether the circuit is open, and this request finds out whether it may be closed.
    pub fn is_probe(&self) -> bool {
        self.passed.as_ref().is_some_and(Passed::is_probe)
    }

    /// How the upstream answered: a status of 500 and above is a failure.
    pub fn settle(mut self, status: StatusCode) {
        if let Some(passed) = self.passed.take() {
            let mut breaker = self.circuit.0.lock();
            if status.is_server_error() {
                breaker.failed(passed, Instant::now());
            } else {
                breaker.succeeded(passed, Instant::now());
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(passed) = self.passed.take() {
            self.circuit.0.lock().abandoned(passed, Instant::now());
        }
    }
}

/// What those are told who are not let through.
pub fn refusal() -> Refusal {
    let message = "the endpoint has failed too often and is given a rest";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message).with_code(CIRCUIT_OPEN)
}
