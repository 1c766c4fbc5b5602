//! Counts over the last while, in ten buckets that roll.

use std::time::Duration;

use tokio::time::Instant;

const N_BUCKETS: u64 = 10;

/// How many requests passed, and how many of them failed, within the last `N_BUCKETS` buckets.
#[derive(Debug)]
pub(super) struct Window {
    began: Instant,
    bucket_len: Duration,
    buckets: [Bucket; N_BUCKETS as usize],
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// Which stretch of time it counts; older ones are stale and hold nothing.
    stretch: u64,
    passed: u64,
    failed: u64,
}

impl Window {
    pub(super) fn new(len: Duration, now: Instant) -> Self {
        let buckets = [Bucket::default(); N_BUCKETS as usize];
        Self { began: now, bucket_len: len / N_BUCKETS as u32, buckets }
    }

    pub(super) fn passed(&mut self, now: Instant) {
        self.bucket(now).passed += 1;
    }

    pub(super) fn failed(&mut self, now: Instant) {
        self.bucket(now).failed += 1;
    }

    /// Requests and failures in the window.
    pub(super) fn sums(&self, now: Instant) -> (u64, u64) {
        let stretch = self.stretch(now);
        let live = self.buckets.iter().filter(|bucket| bucket.stretch + N_BUCKETS > stretch);
        live.fold((0, 0), |(passed, failed), bucket| {
            (passed + bucket.passed, failed + bucket.failed)
        })
    }

    fn bucket(&mut self, now: Instant) -> &mut Bucket {
        let stretch = self.stretch(now);
        let bucket = &mut self.buckets[(stretch % N_BUCKETS) as usize];
        if bucket.stretch != stretch {
            *bucket = Bucket { stretch, ..Bucket::default() };
        }
        bucket
    }

    fn stretch(&self, now: Instant) -> u64 {
        let n = now.saturating_duration_since(self.began).as_nanos() / self.bucket_len.as_nanos();
        u64::try_from(n).unwrap_or(u64::MAX - N_BUCKETS)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_older_than_the_window_is_forgotten_bucket_by_bucket() {
        let began = Instant::now();
        let mut window = Window::new(10 * SECOND, began);
        window.passed(began);
        window.passed(began + SECOND);
        window.failed(began + SECOND);
        assert_eq!(window.sums(began + 9 * SECOND), (2, 1));
        assert_eq!(window.sums(began + 10 * SECOND), (1, 1));
        assert_eq!(window.sums(began + 11 * SECOND), (0, 0));
    }

    #[test]
    fn a_bucket_that_comes_round_again_starts_empty() {
        let began = Instant::now();
        let mut window = Window::new(10 * SECOND, began);
        window.passed(began);
        window.passed(began + 10 * SECOND);
        assert_eq!(window.sums(began + 10 * SECOND), (1, 0));
    }

    proptest! {
        #[test]
        fn it_counts_what_a_plain_list_would(steps in proptest::collection::vec(0_u64..40, 0..60)) {
            let began = Instant::now();
            let mut window = Window::new(10 * SECOND, began);
            let (mut at, mut seen) = (0, Vec::new());
            for step in steps {
                at += step * 100;
                window.passed(began + Duration::from_millis(at));
                seen.push(at / 1000);
                let live = seen.iter().filter(|stretch| **stretch + 10 > at / 1000).count();
                prop_assert_eq!(window.sums(began + Duration::from_millis(at)), (live as u64, 0));
            }
        }
    }
}
