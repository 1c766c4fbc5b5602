//! Numbers and durations.

use std::{ops::RangeInclusive, time::Duration};

use http::StatusCode;
use serde_json::Value as Json;

use super::Fields;
use crate::problem::code;

/// What a response may say.
///
/// Reason: those below 200 come before a response, and there is none after them here.
const STATUSES: RangeInclusive<i64> = 200..=599;

impl Fields<'_> {
    /// A whole number in a range.
    pub(crate) fn int(&mut self, name: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let Some(number) = self.raw(name)?.as_i64() else {
            self.error(name, code::FIELD_TYPE, "must be a whole number");
            return None;
        };
        if !range.contains(&number) {
            let message = format!("must be between {} and {}", range.start(), range.end());
            self.error(name, code::RANGE, message);
            return None;
        }
        Some(number)
    }

    /// The status of a response.
    pub(crate) fn status(&mut self, name: &'static str) -> Option<StatusCode> {
        let status = u16::try_from(self.int(name, STATUSES)?).ok()?;
        StatusCode::from_u16(status).ok()
    }

    /// A number in a range.
    pub(crate) fn float(&mut self, name: &'static str, range: RangeInclusive<f64>) -> Option<f64> {
        let Some(number) = self.raw(name)?.as_f64() else {
            self.error(name, code::FIELD_TYPE, "must be a number");
            return None;
        };
        if !range.contains(&number) {
            let message = format!("must be between {} and {}", range.start(), range.end());
            self.error(name, code::RANGE, message);
            return None;
        }
        Some(number)
    }

    /// A length of time as Go writes it, `1m30s`, within limits.
    pub(crate) fn duration(
        &mut self,
        name: &'static str,
        range: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        const HOW: &str = "write a length of time with its unit, such as \"90s\" or \"1h30m\"";
        let Json::String(text) = self.raw(name)? else {
            self.error(name, code::FIELD_TYPE, HOW);
            return None;
        };
        let Some(duration) = adit_builtin::go_duration(text) else {
            self.error(name, code::UNREADABLE, format!("{text:?} is none; {HOW}"));
            return None;
        };
        if !range.contains(&duration) {
            let message = format!("must be between {:?} and {:?}", range.start(), range.end());
            self.error(name, code::DURATION, message);
            return None;
        }
        Some(duration)
    }
}
