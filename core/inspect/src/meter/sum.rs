//! Several meters as one.

use super::{Meter, Numbers, Percentiles, Reading, Second, Series};

impl Meter {
    /// The numbers of several endpoints together. Percentiles are of all that was counted; those of
    /// one second are the mean of the endpoints' own, weighted by their requests.
    pub fn sum<'a>(meters: impl IntoIterator<Item = &'a Self>) -> (Reading, Series) {
        let mut reading = Reading::default();
        let (mut connections, mut exchanges) = (Percentiles::default(), Percentiles::default());
        let mut seconds = Vec::new();
        for meter in meters {
            let now = meter.began.elapsed();
            let inner = &mut *meter.inner.lock();
            add(&mut reading.connections, &inner.connections.read(now));
            add(&mut reading.exchanges, &inner.exchanges.read(now));
            reading.open += inner.open;
            reading.totals.bytes_in += inner.totals.bytes_in;
            reading.totals.bytes_out += inner.totals.bytes_out;
            connections.add(&inner.connections.percentiles);
            exchanges.add(&inner.exchanges.percentiles);
            add_seconds(&mut seconds, inner.series.read(now).seconds);
        }
        set(&mut reading.connections, connections.read());
        set(&mut reading.exchanges, exchanges.read());
        (reading, Series { seconds })
    }
}

fn add(sum: &mut Numbers, one: &Numbers) {
    sum.count += one.count;
    sum.rate1 += one.rate1;
    sum.rate5 += one.rate5;
    sum.rate15 += one.rate15;
}

const fn set(numbers: &mut Numbers, [p50, p90, p95, p99]: [f64; 4]) {
    numbers.p50 = p50;
    numbers.p90 = p90;
    numbers.p95 = p95;
    numbers.p99 = p99;
}

/// Their last seconds are the same; one of them may have begun later.
fn add_seconds(sum: &mut Vec<Second>, one: Vec<Second>) {
    if sum.len() < one.len() {
        let missing = one.len() - sum.len();
        sum.splice(..0, std::iter::repeat_n(Second::default(), missing));
    }
    for (sum, one) in sum.iter_mut().rev().zip(one.iter().rev()) {
        let weight = |a: f64, b: f64| {
            let n = (sum.requests + one.requests) as f64;
            if n == 0.0 { 0.0 } else { (a * sum.requests as f64 + b * one.requests as f64) / n }
        };
        let (p50, p95) = (weight(sum.p50, one.p50), weight(sum.p95, one.p95));
        *sum = Second {
            connections: sum.connections + one.connections,
            requests: sum.requests + one.requests,
            errors: sum.errors + one.errors,
            bytes_in: sum.bytes_in + one.bytes_in,
            bytes_out: sum.bytes_out + one.bytes_out,
            p50,
            p95,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use adit_chain::Totals;
    use adit_runtime::Observe;
    use http::StatusCode;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn counts_add_up_and_percentiles_are_of_all() {
        let early = Meter::new();
        for _ in 0..90 {
            early.exchange(StatusCode::OK, Duration::from_millis(1));
        }
        tokio::time::advance(Duration::from_secs(3)).await;
        let late = Meter::new();
        late.opened();
        for _ in 0..10 {
            late.exchange(StatusCode::NOT_FOUND, Duration::from_millis(100));
        }
        late.moved(Totals { bytes_in: 1, bytes_out: 2 });
        let (reading, series) = Meter::sum([&early, &late]);
        assert_eq!((reading.exchanges.count, reading.open), (100, 1));
        assert_eq!(reading.totals, Totals { bytes_in: 1, bytes_out: 2 });
        assert!((0.9e6..1.1e6).contains(&reading.exchanges.p50), "{}", reading.exchanges.p50);
        assert!((90e6..110e6).contains(&reading.exchanges.p95), "{}", reading.exchanges.p95);
        let requests: Vec<_> = series.seconds.iter().map(|s| (s.requests, s.errors)).collect();
        assert_eq!(requests, [(90, 0), (0, 0), (0, 0), (10, 10)]);
        assert_eq!(Meter::sum([]), (Reading::default(), Series::default()));
    }
}
