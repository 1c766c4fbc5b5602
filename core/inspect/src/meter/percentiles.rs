//! Percentiles of durations.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Longest duration that is told apart, in microseconds.
///
/// Reason: connections of a day are rare, and what is longer counts as a day.
const MAX: u64 = 24 * 60 * 60 * 1_000_000;

/// Durations as a histogram of microseconds with two significant digits: a percentile is off by one
/// in a hundred at most, and the memory is that of the range that was seen.
#[derive(Debug)]
pub(super) struct Percentiles(Option<Histogram<u32>>);

impl Default for Percentiles {
    fn default() -> Self {
        let mut histogram = Histogram::new_with_bounds(1, 1_000_000, 2).ok();
        if let Some(histogram) = &mut histogram {
            histogram.auto(true);
        }
        Self(histogram)
    }
}

impl Percentiles {
    pub(super) fn record(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(MAX).clamp(1, MAX);
        if let Some(histogram) = &mut self.0 {
            // Grows by itself: nothing within the range is refused.
            let _ = histogram.record(micros);
        }
    }

    /// Takes another one's durations in.
    pub(super) fn add(&mut self, other: &Self) {
        if let (Some(histogram), Some(other)) = (&mut self.0, &other.0) {
            histogram.auto(true);
            // It cannot fail: it grows as far as the other one has.
            let _ = histogram.add(other);
        }
    }

    /// 50, 90, 95 and 99 of a hundred, in nanoseconds; 0 when nothing was recorded.
    pub(super) fn read(&self) -> [f64; 4] {
        [0.5, 0.9, 0.95, 0.99].map(|q| self.quantile(q))
    }

    pub(super) fn quantile(&self, q: f64) -> f64 {
        let histogram = self.0.as_ref().filter(|histogram| !histogram.is_empty());
        histogram.map_or(0.0, |histogram| histogram.value_at_quantile(q) as f64 * 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_one_in_a_hundred() {
        let mut percentiles = Percentiles::default();
        assert_eq!(percentiles.read(), [0.0; 4]);
        for millis in 1..=1000 {
            percentiles.record(Duration::from_millis(millis));
        }
        for (got, wanted) in percentiles.read().iter().zip([500e6, 900e6, 950e6, 990e6]) {
            assert!((got - wanted).abs() <= wanted * 0.01, "{got} is not {wanted}");
        }
    }

    #[test]
    fn nothing_is_too_short_or_too_long() {
        let mut percentiles = Percentiles::default();
        percentiles.record(Duration::ZERO);
        assert_eq!(percentiles.read(), [1000.0; 4]);
        let mut percentiles = Percentiles::default();
        percentiles.record(Duration::MAX);
        let day = 24.0 * 3600.0 * 1e9;
        assert!((percentiles.quantile(0.5) - day).abs() <= day * 0.01);
    }
}
