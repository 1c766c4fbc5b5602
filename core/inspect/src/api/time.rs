//! Times as clients read them.

use std::time::{Duration, SystemTime};

use jiff::{Timestamp, Zoned, tz::TimeZone};

/// RFC 3339, whole seconds, local offset; `Z` for none.
///
/// Fact: clients for several languages read exactly this form.
pub(super) fn local(at: SystemTime) -> String {
    in_zone(at, TimeZone::system())
}

fn in_zone(at: SystemTime, zone: TimeZone) -> String {
    let at = Timestamp::try_from(at).unwrap_or_default();
    let at: Zoned = at.to_zoned(zone);
    let text = at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    match text.strip_suffix("+00:00") {
        Some(utc) => format!("{utc}Z"),
        None => text,
    }
}

/// RFC 3339 in UTC with milliseconds.
pub(super) fn precise(at: SystemTime) -> String {
    stamp(Timestamp::try_from(at).unwrap_or_default())
}

/// The same.
pub(super) fn stamp(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Nanoseconds, as far as a number goes.
pub(super) fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_clients_expect() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_789_012_546_123);
        let zone = |hours| TimeZone::fixed(jiff::tz::offset(hours));
        assert_eq!(in_zone(at, zone(0)), "2026-09-10T03:55:46Z");
        assert_eq!(in_zone(at, zone(2)), "2026-09-10T05:55:46+02:00");
        assert_eq!(in_zone(at, zone(-5)), "2026-09-09T22:55:46-05:00");
        assert_eq!(precise(at), "2026-09-10T03:55:46.123Z");
    }

    #[test]
    fn no_duration_is_too_long() {
        assert_eq!(nanos(Duration::from_millis(2)), 2_000_000);
        assert_eq!(nanos(Duration::MAX), u64::MAX);
    }
}
