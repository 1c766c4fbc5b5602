//! Rates, weighted exponentially, as load averages are.

use std::time::Duration;

/// How often the averages move.
///
/// Fact: the usual step of such meters (Unix load averages, the metrics libraries that dashboards
/// were made for).
const TICK: Duration = Duration::from_secs(5);

/// The times over which events are weighted, in seconds.
const OVER: [f64; 3] = [60.0, 300.0, 900.0];

/// Events a second over one, five and fifteen minutes.
#[derive(Debug, Default)]
pub(super) struct Rates {
    rates: [f64; 3],
    /// Events since the last tick.
    fresh: u64,
    /// Ticks that were accounted for.
    ticks: u64,
    /// The averages begin with the first tick's own rate.
    is_warm: bool,
}

impl Rates {
    /// An event happens.
    pub(super) fn count(&mut self, now: Duration) {
        self.tick(now);
        self.fresh += 1;
    }

    /// The rates. Before the first tick, of the seconds there were.
    pub(super) fn read(&mut self, now: Duration) -> [f64; 3] {
        self.tick(now);
        if self.is_warm || self.fresh == 0 {
            return self.rates;
        }
        [self.fresh as f64 / TICK.as_secs_f64(); 3]
    }

    fn tick(&mut self, now: Duration) {
        let ticks = now.as_secs() / TICK.as_secs();
        let Some(n) = ticks.checked_sub(self.ticks).filter(|n| *n > 0) else { return };
        self.ticks = ticks;
        let rate = std::mem::take(&mut self.fresh) as f64 / TICK.as_secs_f64();
        if !self.is_warm {
            if rate == 0.0 {
                return;
            }
            self.is_warm = true;
            self.rates = [rate; 3];
        }
        let quiet = i32::try_from(n - 1).unwrap_or(i32::MAX);
        for (average, over) in self.rates.iter_mut().zip(OVER) {
            let weight = (-TICK.as_secs_f64() / over).exp();
            *average = (*average * weight + rate * (1.0 - weight)) * weight.powi(quiet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(rates: &mut Rates, secs: u64) -> [f64; 3] {
        let read = rates.read(Duration::from_secs(secs));
        assert!(read.iter().all(|rate| rate.is_finite() && *rate >= 0.0));
        read.iter().map(|r| (r * 1000.0).round() / 1000.0).collect::<Vec<_>>().try_into().unwrap()
    }

    #[test]
    fn a_steady_rate_is_told_as_it_is() {
        let mut rates = Rates::default();
        assert_eq!(at(&mut rates, 0), [0.0; 3]);
        for i in 0..6_000 {
            rates.count(Duration::from_millis(i * 100));
        }
        assert_eq!(at(&mut rates, 600), [10.0; 3]);
    }

    #[test]
    fn what_has_just_begun_shows_at_once() {
        let mut rates = Rates::default();
        for _ in 0..5 {
            rates.count(Duration::from_secs(1));
        }
        assert_eq!(at(&mut rates, 1), [1.0; 3]);
        assert_eq!(at(&mut rates, 5), [1.0; 3]);
    }

    #[test]
    fn silence_fades_faster_over_shorter_times() {
        let mut rates = Rates::default();
        for i in 0..600 {
            rates.count(Duration::from_millis(i * 100));
        }
        // One minute of silence: 1/e of the rate is left over one minute.
        let expected =
            [10.0 * (-1.0_f64).exp(), 10.0 * (-0.2_f64).exp(), 10.0 * (-1.0_f64 / 15.0).exp()];
        let rounded = expected.map(|r| (r * 1000.0).round() / 1000.0);
        assert_eq!(at(&mut rates, 120), rounded);
        assert_eq!(at(&mut rates, 400_000_000), [0.0; 3]);
    }
}
