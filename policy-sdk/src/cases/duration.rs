//! `1s`, `250ms`, `2m`.

use std::time::Duration;

use serde::{Deserialize as _, Deserializer, de};

/// Reads a whole number with a unit: `ms`, `s`, `m` or `h`.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match parse(&text) {
        Some(time) => Ok(Some(time)),
        None => Err(de::Error::custom(format!("{text:?} is no time such as 250ms, 1s or 2m"))),
    }
}

fn parse(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let number: u64 = number.parse().ok()?;
    match unit.trim() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        "h" => Some(Duration::from_secs(number.checked_mul(3_600)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_with_a_unit() {
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse("2m"), Some(Duration::from_secs(120)));
        for wrong in ["", "s", "1", "1d", "-1s", "1.5s"] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }
}
