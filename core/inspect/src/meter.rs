//! What passes through one endpoint: counts, rates, percentiles, and the last five minutes by the
//! second.

mod ewma;
mod percentiles;
mod series;
mod sum;

use std::{fmt, time::Duration};

use adit_chain::Totals;
use adit_runtime::Observe;
use http::StatusCode;
use parking_lot::Mutex;
use tokio::time::Instant;

pub use self::series::{Second, Series, WINDOW};
use self::{ewma::Rates, percentiles::Percentiles};

/// Counts what passes through one endpoint.
pub struct Meter {
    began: Instant,
    inner: Mutex<Inner>,
}

struct Inner {
    connections: Counter,
    open: u64,
    exchanges: Counter,
    totals: Totals,
    series: series::Recorder,
}

/// What happens again and again, and takes time.
#[derive(Default)]
struct Counter {
    count: u64,
    rates: Rates,
    percentiles: Percentiles,
}

/// The numbers of an endpoint at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Connections; the percentiles are of those that are over.
    pub connections: Numbers,
    /// Connections that are open now.
    pub open: u64,
    /// HTTP requests, until the response's head.
    pub exchanges: Numbers,
    /// Bytes of both ways, as they were transferred.
    pub totals: Totals,
}

/// How often something happened, and how long it took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Numbers {
    /// Since the start of the endpoint.
    pub count: u64,
    /// A second, weighted over one minute.
    pub rate1: f64,
    /// A second, weighted over five minutes.
    pub rate5: f64,
    /// A second, weighted over fifteen minutes.
    pub rate15: f64,
    /// Nanoseconds in which half were done.
    pub p50: f64,
    /// Nanoseconds in which nine of ten were done.
    pub p90: f64,
    /// As `p90`, 95 of 100.
    pub p95: f64,
    /// As `p90`, 99 of 100.
    pub p99: f64,
}

impl Meter {
    /// A meter that has seen nothing.
    pub fn new() -> Self {
        let inner = Inner {
            connections: Counter::default(),
            open: 0,
            exchanges: Counter::default(),
            totals: Totals::default(),
            series: series::Recorder::default(),
        };
        Self { began: Instant::now(), inner: Mutex::new(inner) }
    }

    /// The numbers now.
    pub fn read(&self) -> Reading {
        let now = self.began.elapsed();
        let inner = &mut *self.inner.lock();
        Reading {
            connections: inner.connections.read(now),
            open: inner.open,
            exchanges: inner.exchanges.read(now),
            totals: inner.totals,
        }
    }

    /// The last five minutes by the second, oldest first; the last one is not over yet.
    pub fn series(&self) -> Series {
        self.inner.lock().series.read(self.began.elapsed())
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

impl Observe for Meter {
    fn opened(&self) {
        let now = self.began.elapsed();
        let inner = &mut *self.inner.lock();
        inner.open += 1;
        inner.connections.began(now);
        inner.series.at(now).connections += 1;
    }

    fn connection(&self, took: Duration, _: Totals) {
        let inner = &mut *self.inner.lock();
        inner.open = inner.open.saturating_sub(1);
        inner.connections.percentiles.record(took);
    }

    fn exchange(&self, status: StatusCode, took: Duration) {
        let now = self.began.elapsed();
        let inner = &mut *self.inner.lock();
        inner.exchanges.began(now);
        inner.exchanges.percentiles.record(took);
        inner.series.at(now).exchange(status, took);
    }

    fn moved(&self, totals: Totals) {
        let now = self.began.elapsed();
        let inner = &mut *self.inner.lock();
        inner.totals.bytes_in += totals.bytes_in;
        inner.totals.bytes_out += totals.bytes_out;
        inner.series.at(now).moved(totals);
    }
}

impl Counter {
    fn began(&mut self, now: Duration) {
        self.count += 1;
        self.rates.count(now);
    }

    fn read(&mut self, now: Duration) -> Numbers {
        let [rate1, rate5, rate15] = self.rates.read(now);
        let [p50, p90, p95, p99] = self.percentiles.read();
        Numbers { count: self.count, rate1, rate5, rate15, p50, p90, p95, p99 }
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}
