//! The requests of one key within the last while.

use std::collections::VecDeque;

/// Milliseconds since the limit was made.
pub(super) type Millis = u64;

/// Requests that came within so many milliseconds of each other are forgotten together.
///
/// Fact: the documented precision, which lengths of time are multiples of.
pub(super) const PRECISION: Millis = 10_000;

/// What may pass, and in how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quota {
    /// So many requests,
    pub(super) capacity: u32,
    /// in any stretch of so many milliseconds.
    pub(super) rate: Millis,
}

/// The requests that passed, oldest first. It never lets more pass than the quota: requests of one
/// mark are remembered until the last of them is old enough.
#[derive(Debug, Default)]
pub(super) struct Window {
    marks: VecDeque<Mark>,
    total: u32,
}

/// Requests that came close to each other.
#[derive(Debug)]
struct Mark {
    /// When the first came.
    began: Millis,
    count: u32,
    /// From the first to the last, below [`PRECISION`].
    span: u16,
}

impl Mark {
    const fn forgotten_at(&self, rate: Millis) -> Millis {
        self.began + self.span as Millis + rate
    }
}

impl Window {
    /// Lets a request pass and remembers it, or tells for how long none will.
    pub(super) fn admit(&mut self, now: Millis, quota: Quota) -> Result<(), Millis> {
        while let Some(oldest) = self.marks.front()
            && oldest.forgotten_at(quota.rate) <= now
        {
            self.total -= oldest.count;
            self.marks.pop_front();
        }
        // What costs memory is what counts.
        if self.marks.capacity() > 4 * (self.marks.len() + 4) {
            self.marks.shrink_to(2 * self.marks.len());
        }
        if self.total >= quota.capacity {
            let oldest = self.marks.front().map_or(now, |mark| mark.forgotten_at(quota.rate));
            return Err(oldest - now);
        }
        self.total += 1;
        match self.marks.back_mut() {
            Some(last) if now.saturating_sub(last.began) < PRECISION => {
                last.count += 1;
                // Below the precision, which fits.
                last.span = now.saturating_sub(last.began) as u16;
            }
            _ => self.marks.push_back(Mark { began: now, count: 1, span: 0 }),
        }
        Ok(())
    }

    /// How many marks there are: what it costs in memory.
    pub(super) fn n_marks(&self) -> usize {
        self.marks.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Millis = 60_000;

    #[test]
    fn the_request_after_the_last_one_waits_until_the_first_is_a_minute_old() {
        let (mut window, quota) = (Window::default(), Quota { capacity: 2, rate: MINUTE });
        assert_eq!(window.admit(0, quota), Ok(()));
        assert_eq!(window.admit(15_000, quota), Ok(()));
        assert_eq!(window.admit(20_000, quota), Err(40_000));
        assert_eq!(window.admit(59_999, quota), Err(1));
        assert_eq!(window.admit(MINUTE, quota), Ok(()));
        assert_eq!(window.admit(MINUTE, quota), Err(15_000));
    }

    #[test]
    fn requests_close_to_each_other_are_forgotten_with_the_last_of_them() {
        let (mut window, quota) = (Window::default(), Quota { capacity: 2, rate: MINUTE });
        assert_eq!(window.admit(0, quota), Ok(()));
        assert_eq!(window.admit(9_999, quota), Ok(()));
        assert_eq!(window.n_marks(), 1);
        assert_eq!(window.admit(MINUTE, quota), Err(9_999));
        assert_eq!(window.admit(69_999, quota), Ok(()));
    }

    #[test]
    fn refused_requests_do_not_count() {
        let (mut window, quota) = (Window::default(), Quota { capacity: 1, rate: MINUTE });
        assert_eq!(window.admit(0, quota), Ok(()));
        for second in 1..60 {
            assert_eq!(window.admit(second * 1000, quota), Err(MINUTE - second * 1000));
        }
        assert_eq!(window.admit(MINUTE, quota), Ok(()));
    }

    #[test]
    fn a_day_of_steady_requests_costs_one_mark_for_each_ten_seconds() {
        let day = 24 * 60 * MINUTE;
        let (mut window, quota) = (Window::default(), Quota { capacity: 2_000_000_000, rate: day });
        for second in 0..2 * 86_400 {
            assert_eq!(window.admit(second * 1000, quota), Ok(()));
        }
        assert!(window.n_marks() <= 8641, "{}", window.n_marks());
    }

    #[test]
    fn what_is_forgotten_takes_no_memory() {
        let hour = 60 * MINUTE;
        let (mut window, quota) = (Window::default(), Quota { capacity: 1000, rate: hour });
        for minute in 0..60 {
            assert_eq!(window.admit(minute * MINUTE, quota), Ok(()));
        }
        assert_eq!(window.n_marks(), 60);
        assert_eq!(window.admit(3 * hour, quota), Ok(()));
        assert!(window.marks.capacity() <= 16, "{}", window.marks.capacity());
    }

    proptest! {
        #[test]
        fn no_stretch_of_the_rate_has_more_requests_than_the_capacity(
            capacity in 1_u32..8,
            steps in proptest::collection::vec(0_u64..25_000, 1..120),
        ) {
            let (mut window, quota) = (Window::default(), Quota { capacity, rate: MINUTE });
            let (mut now, mut passed) = (0, Vec::new());
            for step in steps {
                now += step;
                let recent = |ago: Millis| passed.iter().filter(|at| **at + ago > now).count();
                match window.admit(now, quota) {
                    Ok(()) => {
                        prop_assert!(recent(MINUTE) < capacity as usize);
                        passed.push(now);
                    }
                    // Refused too long by no more than the precision.
                    Err(wait) => {
                        prop_assert!(recent(MINUTE + PRECISION) >= capacity as usize);
                        prop_assert!(wait <= MINUTE + PRECISION);
                        // And it is true what it tells.
                        prop_assert_eq!(window.admit(now + wait, quota), Ok(()));
                        now += wait;
                        passed.push(now);
                    }
                }
            }
        }
    }
}
