//! Limits as people write them: `16MiB`, `10ms`.

use std::time::Duration;

use adit_chain::BuildError;
use adit_policy_rules::limits::{self as rules, Bound, MIB};
use serde_json::Value;

use super::Limits;

/// A limit is not written as one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// Neither a number nor a number with a unit.
    #[error("expected {0}")]
    Malformed(&'static str),
    /// Outside what the agent allows.
    #[error("{name} must be between {least} and {most}")]
    OutOfRange {
        /// The limit's name.
        name: &'static str,
        /// Lowest value, as it would be written.
        least: String,
        /// Highest value, as it would be written.
        most: String,
    },
}

/// Octets: a number, or a number with `B`, `KiB`, `MiB`, `KB` or `MB`.
///
/// # Errors
/// It is neither.
pub fn byte_size(value: &Value) -> Result<usize, LimitError> {
    const SHAPE: LimitError = LimitError::Malformed("a size, such as 16MiB");
    if let Some(n) = value.as_u64() {
        return usize::try_from(n).map_err(|_| SHAPE);
    }
    let (number, unit) = split(value.as_str().ok_or(SHAPE)?).ok_or(SHAPE)?;
    let scale = match unit {
        "" | "B" => 1,
        "KB" => 1_000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        _ => return Err(SHAPE),
    };
    number.checked_mul(scale).and_then(|n| usize::try_from(n).ok()).ok_or(SHAPE)
}

/// A time: a number with `us`, `ms`, `s` or `m`.
///
/// # Errors
/// It is not one.
pub fn duration(value: &Value) -> Result<Duration, LimitError> {
    const SHAPE: LimitError = LimitError::Malformed("a time, such as 10ms");
    let (number, unit) = split(value.as_str().ok_or(SHAPE)?).ok_or(SHAPE)?;
    let scale = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        _ => return Err(SHAPE),
    };
    number.checked_mul(scale).map(Duration::from_micros).ok_or(SHAPE)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim_start()))
}

impl Limits {
    /// Reads the `limits:` of a plugin. The places of errors start at the limits themselves.
    ///
    /// # Errors
    /// A name that there is not, or a value that is malformed or out of range.
    pub fn from_json(value: &Value) -> Result<Self, BuildError> {
        let mut limits = Self::default();
        let Some(fields) = value.as_object() else {
            if value.is_null() {
                return Ok(limits);
            }
            return Err(BuildError::new("expected a map of limits"));
        };
        for (name, value) in fields {
            limits.set(name, value).map_err(|error| error.at([name.as_str()]))?;
        }
        Ok(limits)
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<(), BuildError> {
        let unnamed = |name, highest| Bound { name, default: highest, highest };
        let chunk_wall = Bound { name: "chunk_wall", ..rules::WALL };
        match name {
            "component" => self.component = octets(rules::COMPONENT, value, 1)?,
            "memory" => self.memory = octets(rules::MEMORY, value, 64 * rules::KIB)?,
            "host_call" => self.host_call = octets(rules::HOST_CALL, value, rules::KIB)?,
            "body" => self.body = octets(unnamed("body", rules::MEMORY.highest), value, 0)?,
            "cpu" => self.cpu = time(rules::CPU, value)?,
            "configure_cpu" => self.configure_cpu = time(rules::CONFIGURE_CPU, value)?,
            "wall" => self.wall = time(rules::WALL, value)?,
            "chunk_wall" => self.chunk_wall = time(chunk_wall, value)?,
            "queue_wait" => self.queue_wait = time(rules::QUEUE_WAIT, value)?,
            "idle" => {
                let highest = Duration::from_secs(86_400);
                self.idle = time(Bound { name: "idle", default: rules::IDLE, highest }, value)?;
            }
            "max_instances" => self.max_instances = count(rules::INSTANCES, value)?,
            "recycle_after" => {
                self.recycle_after = count(unnamed("recycle_after", 100_000_000), value)?;
            }
            _ => {
                return Err(BuildError::new(format!(
                    "no limit {name:?}; there are body, \
                    chunk_wall, component, configure_cpu, cpu, host_call, idle, max_instances, memory, \
                    queue_wait, recycle_after, wall"
                )));
            }
        }
        Ok(())
    }
}

fn octets(bound: Bound<usize>, value: &Value, least: usize) -> Result<usize, BuildError> {
    let Bound { name, highest, .. } = bound;
    let size = byte_size(value).map_err(|error| BuildError::new(error.to_string()))?;
    let is_inside = (least..=highest).contains(&size);
    within(name, is_inside, || (size_text(least), size_text(highest)))?;
    Ok(size)
}

fn time(bound: Bound<Duration>, value: &Value) -> Result<Duration, BuildError> {
    let Bound { name, highest, .. } = bound;
    let least = Duration::from_millis(1);
    let time = duration(value).map_err(|error| BuildError::new(error.to_string()))?;
    let is_inside = (least..=highest).contains(&time);
    within(name, is_inside, || (time_text(least), time_text(highest)))?;
    Ok(time)
}

fn count(bound: Bound<usize>, value: &Value) -> Result<u32, BuildError> {
    let Bound { name, highest, .. } = bound;
    let count = value.as_u64().ok_or_else(|| BuildError::new("expected a whole number"))?;
    let is_inside = (1..=highest as u64).contains(&count);
    within(name, is_inside, || ("1".to_owned(), highest.to_string()))?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

fn within(
    name: &'static str,
    is_inside: bool,
    range: impl FnOnce() -> (String, String),
) -> Result<(), BuildError> {
    if is_inside {
        return Ok(());
    }
    let (least, most) = range();
    Err(BuildError::new(LimitError::OutOfRange { name, least, most }.to_string()))
}

/// A size as a person would write it.
pub(crate) fn size_text(octets: usize) -> String {
    match octets {
        n if n >= MIB && n.is_multiple_of(MIB) => format!("{}MiB", n / MIB),
        n if n >= 1024 && n.is_multiple_of(1024) => format!("{}KiB", n / 1024),
        n => format!("{n}B"),
    }
}

/// A time as a person would write it.
pub(crate) fn time_text(time: Duration) -> String {
    match time.as_millis() {
        n if n >= 1_000 && n.is_multiple_of(1_000) => format!("{}s", n / 1_000),
        n => format!("{n}ms"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn limits_are_read_with_their_units() {
        let text = json!({ "memory": "32MiB", "cpu": "20ms", "wall": "2s", "max_instances": 8 });
        let limits = Limits::from_json(&text).unwrap();
        assert_eq!(limits.memory, 32 * MIB);
        assert_eq!(limits.cpu, Duration::from_millis(20));
        assert_eq!(limits.wall, Duration::from_secs(2));
        assert_eq!(limits.max_instances, 8);
        assert_eq!(limits.queue_wait, Duration::from_millis(100));
    }

    #[test]
    fn a_bad_limit_is_refused_with_its_place_and_its_range() {
        let error = Limits::from_json(&json!({ "cpu": "2s" })).unwrap_err();
        assert_eq!(error.at, ["cpu"]);
        assert_eq!(error.message, "cpu must be between 1ms and 1s");
        let error = Limits::from_json(&json!({ "memory": "16 parsec" })).unwrap_err();
        assert_eq!(error.message, "expected a size, such as 16MiB");
        let error = Limits::from_json(&json!({ "memory": "512MiB" })).unwrap_err();
        assert_eq!(error.message, "memory must be between 64KiB and 256MiB");
        assert_eq!(Limits::from_json(&json!({ "ram": 1 })).unwrap_err().at, ["ram"]);
    }
}
