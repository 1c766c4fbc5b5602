//! Values that expressions work with: made from and turned into what the rest of the program uses.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use cel::{
    Value,
    objects::{Key, Map},
};
use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta, Utc};
use serde_json::{Number, Value as Json};

/// A map with these entries; the last of equal keys counts.
pub(crate) fn map<K, V>(entries: impl IntoIterator<Item = (K, V)>) -> Value
where
    K: Into<String>,
    V: Into<Value>,
{
    let entries = entries.into_iter().map(|(key, value)| (Key::from(key.into()), value.into()));
    Value::Map(Map { map: Arc::new(entries.collect::<HashMap<_, _>>()) })
}

/// A list of these.
pub(crate) fn list<V: Into<Value>>(items: impl IntoIterator<Item = V>) -> Value {
    Value::List(Arc::new(items.into_iter().map(Into::into).collect()))
}

/// A string.
pub(crate) fn text(text: &str) -> Value {
    Value::String(Arc::new(text.to_owned()))
}

/// A point in time, in UTC.
pub(crate) fn timestamp(at: std::time::SystemTime) -> Value {
    Value::Timestamp(DateTime::<Utc>::from(at).fixed_offset())
}

/// What a JSON value means. Whole numbers are integers, however they were written, as long as they
/// are exact: `2.0` is 2.
pub(crate) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(is) => Value::Bool(*is),
        Json::Number(number) => number_from_json(number),
        Json::String(string) => text(string),
        Json::Array(items) => list(items.iter().map(from_json)),
        Json::Object(entries) => map(entries.iter().map(|(key, value)| (key, from_json(value)))),
    }
}

/// A value as JSON. Map keys are in order. Bytes, timestamps and durations are strings, in the
/// form of [`to_text`]; numbers that JSON does not know are `null`.
pub(crate) fn to_json(value: &Value) -> Json {
    match value {
        Value::Bool(is) => Json::Bool(*is),
        Value::Int(number) => Json::from(*number),
        Value::UInt(number) => Json::from(*number),
        Value::Float(number) => number_to_json(*number),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) => {
            let mut entries: Vec<_> =
                entries.map.iter().map(|(key, value)| (key.to_string(), value)).collect();
            entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            entries.into_iter().map(|(key, value)| (key, to_json(value))).collect()
        }
        Value::String(_) | Value::Bytes(_) | Value::Timestamp(_) | Value::Duration(_) => {
            Json::String(to_text(value))
        }
        // An optional is what it holds; nothing else here is a value of ours.
        other => optional(other).map_or(Json::Null, to_json),
    }
}

/// A value as text: how it looks in the middle of a string.
pub(crate) fn to_text(value: &Value) -> String {
    match value {
        Value::String(string) => string.as_str().to_owned(),
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        Value::Float(number) => double_to_text(*number),
        Value::Bool(is) => is.to_string(),
        Value::Timestamp(at) => timestamp_to_text(at),
        Value::Duration(duration) => duration_to_text(*duration),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(string) => string.to_owned(),
            Err(_) => BASE64_STANDARD.encode(bytes.as_slice()),
        },
        Value::Null => String::new(),
        Value::List(_) | Value::Map(_) => to_json(value).to_string(),
        other => optional(other).map(to_text).unwrap_or_default(),
    }
}

/// What an optional holds.
fn optional(value: &Value) -> Option<&Value> {
    <&cel::objects::OptionalValue>::try_from(value).ok()?.value()
}

/// Reason: between these, every whole number is a double of its own.
const EXACT: std::ops::RangeInclusive<f64> = -9_007_199_254_740_992.0..=9_007_199_254_740_992.0;

/// A double that is a whole number, as one.
fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within the exact range")]
    (number.fract() == 0.0 && EXACT.contains(&number)).then_some(number as i64)
}

fn number_from_json(number: &Number) -> Value {
    if let Some(number) = number.as_i64() {
        return Value::Int(number);
    }
    if let Some(number) = number.as_u64() {
        return Value::UInt(number);
    }
    let number = number.as_f64().unwrap_or(f64::NAN);
    whole(number).map_or(Value::Float(number), Value::Int)
}

fn number_to_json(number: f64) -> Json {
    match whole(number) {
        Some(number) => Json::from(number),
        None => Number::from_f64(number).map_or(Json::Null, Json::Number),
    }
}

/// The shortest form that reads back as the same number; an exponent only where the plain form
/// would be mostly zeros.
fn double_to_text(number: f64) -> String {
    let size = number.abs();
    match number {
        _ if number.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        _ if size != 0.0 && !(1e-6..1e21).contains(&size) => format!("{number:e}"),
        _ => number.to_string(),
    }
}

/// RFC 3339 in UTC, with as many digits of a second as it has.
fn timestamp_to_text(at: &DateTime<FixedOffset>) -> String {
    let utc = at.with_timezone(&Utc);
    let seconds = utc.to_rfc3339_opts(SecondsFormat::Secs, true);
    let seconds = seconds.trim_end_matches('Z');
    match utc.timestamp_subsec_nanos() {
        0 => format!("{seconds}Z"),
        nanos => format!("{seconds}.{}Z", format!("{nanos:09}").trim_end_matches('0')),
    }
}

/// As Go writes durations: `1h30m0s`, `1.5s`, `250ms`.
fn duration_to_text(duration: TimeDelta) -> String {
    let nanos =
        i128::from(duration.num_seconds()) * 1_000_000_000 + i128::from(duration.subsec_nanos());
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let (unit, size) = match nanos {
        0 => return "0s".to_owned(),
        1..1_000 => ("ns", 1),
        1_000..1_000_000 => ("µs", 1_000),
        1_000_000..1_000_000_000 => ("ms", 1_000_000),
        _ => ("s", 1_000_000_000),
    };
    let (minutes, rest) =
        if unit == "s" { (nanos / 60 / size, nanos % (60 * size)) } else { (0, nanos) };
    let mut text = sign.to_owned();
    if minutes >= 60 {
        let _ = write!(text, "{}h", minutes / 60);
    }
    if minutes > 0 {
        let _ = write!(text, "{}m", minutes % 60);
    }
    let _ = write!(text, "{}", rest / size);
    let fraction = rest % size;
    if fraction > 0 {
        let width = size.ilog10() as usize;
        let _ = write!(text, ".{}", format!("{fraction:0width$}").trim_end_matches('0'));
    }
    text + unit
}

#[cfg(test)]
mod tests;
