//! When a webhook was sent, which keeps old ones from being sent again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::DateTime;

use super::{Incoming, Rejected, TOLERANCE, parts::Place};

/// Where a time stands and how far it may be from ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) place: Place,
    pub(super) unit: Unit,
    pub(super) tolerance: Duration,
}

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Since 1970, in milliseconds.
    Millis,
    /// As in `2026-01-01T12:00:00Z`.
    Rfc3339,
    /// Since 1970, in seconds.
    Seconds,
}

impl Stamp {
    /// Seconds in a header.
    pub(super) const fn header(name: &'static str) -> Self {
        Self { place: Place::Header(name), unit: Unit::Seconds, tolerance: TOLERANCE }
    }

    /// Seconds in a field of a header: `t=…,v1=…`.
    pub(super) const fn pair(header: &'static str, key: &'static str) -> Self {
        let place = Place::Pair { header, key };
        Self { place, unit: Unit::Seconds, tolerance: TOLERANCE }
    }

    pub(super) const fn written_in(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// With a tolerance in seconds that the provider recommends.
    pub(super) const fn within(self, seconds: u64) -> Self {
        Self { tolerance: Duration::from_secs(seconds), ..self }
    }

    /// The time as it was written, if it is near enough to ours.
    pub(super) fn read(&self, incoming: &Incoming<'_>) -> Result<String, Rejected> {
        let written = self.place.find(incoming)?;
        let malformed = Rejected::Malformed(self.place.name());
        let at = self.unit.parse(&written).ok_or(malformed)?;
        check(at, incoming.now, self.tolerance)?;
        Ok(written)
    }
}

impl Unit {
    fn parse(self, text: &str) -> Option<SystemTime> {
        match self {
            Self::Millis => UNIX_EPOCH.checked_add(Duration::from_millis(text.parse().ok()?)),
            Self::Seconds => UNIX_EPOCH.checked_add(Duration::from_secs(text.parse().ok()?)),
            Self::Rfc3339 => rfc3339(text),
        }
    }
}

/// A time as in `2026-01-01T12:00:00Z`. Without an offset it is UTC.
pub(super) fn rfc3339(text: &str) -> Option<SystemTime> {
    let parsed = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc3339(&format!("{text}Z")));
    parsed.ok().map(SystemTime::from)
}

/// Whether two times are near enough to each other.
pub(super) fn check(at: SystemTime, now: SystemTime, tolerance: Duration) -> Result<(), Rejected> {
    let apart = now.duration_since(at).or_else(|_| at.duration_since(now));
    if apart.is_ok_and(|apart| apart <= tolerance) { Ok(()) } else { Err(Rejected::Stale) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_their_units() {
        let at = UNIX_EPOCH + Duration::from_millis(1_767_225_600_000);
        assert_eq!(Unit::Seconds.parse("1767225600"), Some(at));
        assert_eq!(Unit::Millis.parse("1767225600000"), Some(at));
        for text in ["2026-01-01T00:00:00Z", "2025-12-31T16:00:00-08:00", "2026-01-01T00:00:00"] {
            assert_eq!(Unit::Rfc3339.parse(text), Some(at), "{text}");
        }
        for text in ["", "-5", "1.5", "99999999999999999999", "18446744073709551615"] {
            assert_eq!(Unit::Seconds.parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_may_be_as_far_off_as_the_tolerance_either_way() {
        let (at, tolerance) = (UNIX_EPOCH + Duration::from_secs(1000), Duration::from_secs(180));
        for (now, expected) in [
            (820, Ok(())),
            (1180, Ok(())),
            (819, Err(Rejected::Stale)),
            (1181, Err(Rejected::Stale)),
        ] {
            let now = UNIX_EPOCH + Duration::from_secs(now);
            assert_eq!(check(at, now, tolerance), expected);
        }
    }
}
