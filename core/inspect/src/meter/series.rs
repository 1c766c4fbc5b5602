//! The last five minutes by the second, for charts.

use std::{collections::VecDeque, time::Duration};

use adit_chain::Totals;
use http::StatusCode;

/// Seconds that are kept.
pub const WINDOW: usize = 300;

/// Durations of one second that are kept for its percentiles.
///
/// Reason: enough for a steady percentile; beyond, each new one takes the place of one of them, so
/// that all of the second have their part.
const MAX_SAMPLES: usize = 128;

/// The last seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Oldest first; seconds in which nothing happened are there too.
    pub seconds: Vec<Second>,
}

/// What happened in one second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Second {
    /// Connections that came.
    pub connections: u64,
    /// Requests whose response began.
    pub requests: u64,
    /// Those of them whose status was 400 or more.
    pub errors: u64,
    /// Bytes from visitors.
    pub bytes_in: u64,
    /// Bytes to visitors.
    pub bytes_out: u64,
    /// Nanoseconds in which half of the responses began; 0 without requests.
    pub p50: f64,
    /// Nanoseconds in which 95 of 100 of the responses began.
    pub p95: f64,
}

#[derive(Debug, Default)]
pub(super) struct Recorder {
    /// Only seconds in which something happened, oldest first.
    slots: VecDeque<Slot>,
}

#[derive(Debug, Default)]
pub(super) struct Slot {
    second: u64,
    pub(super) connections: u64,
    requests: u64,
    errors: u64,
    totals: Totals,
    /// In microseconds.
    samples: Vec<u32>,
    /// State of the choice which sample gives way.
    dice: u32,
}

impl Recorder {
    /// Where to note what happens now.
    pub(super) fn at(&mut self, now: Duration) -> &mut Slot {
        let second = now.as_secs();
        // Those who come at once may have read the clock in another order.
        let is_there = self.slots.back().is_some_and(|slot| slot.second >= second);
        if !is_there {
            self.slots.push_back(Slot { second, dice: 1, ..Slot::default() });
            while self.slots.front().is_some_and(|s| s.second + WINDOW as u64 <= second) {
                self.slots.pop_front();
            }
        }
        let last = self.slots.len() - 1;
        &mut self.slots[last]
    }

    pub(super) fn read(&self, now: Duration) -> Series {
        let last = now.as_secs();
        let first = (last + 1).saturating_sub(WINDOW as u64);
        let mut seconds = vec![Second::default(); (last + 1 - first) as usize];
        for slot in self.slots.iter().filter(|slot| slot.second >= first) {
            let i = (slot.second - first) as usize;
            if let Some(second) = seconds.get_mut(i) {
                *second = slot.read();
            }
        }
        Series { seconds }
    }
}

impl Slot {
    pub(super) fn exchange(&mut self, status: StatusCode, took: Duration) {
        self.requests += 1;
        self.errors += u64::from(status.as_u16() >= 400);
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        if self.samples.len() < MAX_SAMPLES {
            self.samples.push(micros);
            return;
        }
        // A xorshift: it only has to have no pattern.
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 17;
        self.dice ^= self.dice << 5;
        let i = u64::from(self.dice) % self.requests;
        if let Some(sample) = self.samples.get_mut(i as usize) {
            *sample = micros;
        }
    }

    pub(super) const fn moved(&mut self, totals: Totals) {
        self.totals.bytes_in += totals.bytes_in;
        self.totals.bytes_out += totals.bytes_out;
    }

    fn read(&self) -> Second {
        let mut samples = self.samples.clone();
        samples.sort_unstable();
        let at = |q: f64| {
            let rank = (q * samples.len() as f64).ceil() as usize;
            samples.get(rank.saturating_sub(1)).map_or(0.0, |micros| f64::from(*micros) * 1000.0)
        };
        Second {
            connections: self.connections,
            requests: self.requests,
            errors: self.errors,
            bytes_in: self.totals.bytes_in,
            bytes_out: self.totals.bytes_out,
            p50: at(0.5),
            p95: at(0.95),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: StatusCode = StatusCode::OK;

    #[test]
    fn seconds_without_traffic_are_there_too() {
        let mut recorder = Recorder::default();
        let ms = Duration::from_millis;
        recorder.at(ms(500)).exchange(OK, ms(10));
        recorder.at(ms(900)).exchange(StatusCode::NOT_FOUND, ms(20));
        recorder.at(ms(3100)).moved(Totals { bytes_in: 7, bytes_out: 8 });
        let series = recorder.read(ms(3200)).seconds;
        let (p50, p95) = (10e6, 20e6);
        let first = Second { requests: 2, errors: 1, p50, p95, ..Second::default() };
        let last = Second { bytes_in: 7, bytes_out: 8, ..Second::default() };
        assert_eq!(series, [first, Second::default(), Second::default(), last]);
    }

    #[test]
    fn five_minutes_are_kept() {
        let mut recorder = Recorder::default();
        for second in 0..1000 {
            recorder.at(Duration::from_secs(second)).exchange(OK, Duration::from_micros(second));
        }
        assert_eq!(recorder.slots.len(), WINDOW);
        let series = recorder.read(Duration::from_secs(1009)).seconds;
        assert_eq!(series.len(), WINDOW);
        assert_eq!(series.iter().map(|s| s.requests).sum::<u64>(), WINDOW as u64 - 10);
        assert_eq!(series[0].p50, 710e3);
    }

    #[test]
    fn many_samples_keep_the_shape() {
        let mut recorder = Recorder::default();
        for i in 0..10_000_u64 {
            let took = Duration::from_micros(i % 1000);
            recorder.at(Duration::ZERO).exchange(OK, took);
        }
        let slot = &recorder.slots[0];
        assert_eq!((slot.samples.len(), slot.requests), (MAX_SAMPLES, 10_000));
        let second = recorder.read(Duration::ZERO).seconds[0];
        assert!((300e3..700e3).contains(&second.p50), "{}", second.p50);
        assert!((850e3..1000e3).contains(&second.p95), "{}", second.p95);
    }
}
