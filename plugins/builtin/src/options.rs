//! Options as they stand in a file: read strictly, with the place of each mistake.

use std::time::Duration;

use adit_chain::{BuildError, ErrorCode};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, Visitor},
};
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

/// Reads a handler's options; `null` stands for none given.
pub(crate) fn parse<T: DeserializeOwned>(options: &Value) -> Result<T, BuildError> {
    let none = Value::Object(Map::new());
    let options = if options.is_null() { &none } else { options };
    serde_path_to_error::deserialize(options).map_err(|error| {
        let at: Vec<String> = error.path().iter().filter_map(step).collect();
        BuildError::new(without_value(&error.inner().to_string())).at(at)
    })
}

/// What serde says of a value of the wrong type quotes the value, and options hold passwords and
/// keys. The place is known, so nobody misses it. Names of types mean nothing to who wrote the file.
fn without_value(message: &str) -> String {
    const WRONG: &str = "invalid type: ";
    const WANTED: &str = ", expected ";
    let parts = message.strip_prefix(WRONG).and_then(|rest| rest.rsplit_once(WANTED));
    let Some((found, wanted)) = parts else { return message.into() };
    let kind = found.split(['`', '"']).next().unwrap_or_default().trim_end();
    let wanted = match wanted {
        "f64" => "a number",
        _ if wanted.starts_with("struct ") => "a map of options",
        _ => wanted,
    };
    format!("{WRONG}{kind}{WANTED}{wanted}")
}

fn step(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// A mistake in one item of a list, with the code that the vendor's clients know for it.
pub(crate) fn mistake(list: &str, index: usize, code: u32, message: String) -> BuildError {
    BuildError::new(message).at([list.to_owned(), index.to_string()]).with_code(ErrorCode(code))
}

/// A length of time: `10s`, `1m30s`, `1.5h` (as Go writes them), `2min` (as people do), or a number
/// of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl Span {
    fn parse(text: &str) -> Option<Self> {
        go_duration(text).or_else(|| humantime::parse_duration(text).ok()).map(Self)
    }
}

/// A length of time as Go writes it: `250ms`, `1m30s`, `1.5h`; `None` if the text is none.
///
/// Fact: the grammar of Go's `time.ParseDuration`, without the sign.
pub fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let end_of_number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end_of_number);
        let end_of_unit = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end_of_unit);
        let unit = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()?;
        sum = sum.checked_add(part)?;
        rest = tail;
    }
    (!text.trim().is_empty()).then_some(sum)
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnySpan;
        impl Visitor<'_> for AnySpan {
            type Value = Span;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a length of time such as \"10s\" or \"1m30s\", or seconds")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
                Span::parse(text)
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }

            fn visit_f64<E: Error>(self, seconds: f64) -> Result<Span, E> {
                Duration::try_from_secs_f64(seconds).map(Span).map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<Span, E> {
                Ok(Span(Duration::from_secs(seconds)))
            }
        }
        deserializer.deserialize_any(AnySpan)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its type matters")]
        items: Vec<u8>,
    }

    #[test]
    fn a_mistake_deep_in_the_options_is_told_with_its_place() {
        let error = parse::<Inner>(&json!({"items": [1, 2, "three"]})).unwrap_err();
        assert_eq!(error.at, ["items", "2"]);
        assert_eq!(error.message, "invalid type: string, expected u8");
    }

    #[test]
    fn what_is_wanted_is_told_without_names_of_types() {
        let told = |value: Value| parse::<Inner>(&value).unwrap_err().message;
        assert_eq!(told(json!("rewrite")), "invalid type: string, expected a map of options");
        let number = parse::<f64>(&json!("much")).unwrap_err().message;
        assert_eq!(number, "invalid type: string, expected a number");
    }

    #[test]
    fn no_options_are_the_same_as_empty_ones() {
        assert_eq!(parse::<Inner>(&Value::Null).unwrap_err().message, "missing field `items`");
    }

    #[test]
    fn spans_are_read_as_go_writes_them_as_people_do_and_as_numbers() {
        let span = |value: Value| parse::<Span>(&value).unwrap().0;
        assert_eq!(span(json!("1m30s")), Duration::from_secs(90));
        assert_eq!(span(json!("1.5h")), Duration::from_secs(5400));
        assert_eq!(span(json!("250ms")), Duration::from_millis(250));
        assert_eq!(span(json!("2min")), Duration::from_secs(120));
        assert_eq!(span(json!(10)), Duration::from_secs(10));
        assert_eq!(span(json!(0.5)), Duration::from_millis(500));
    }

    #[test]
    fn a_number_without_a_unit_in_text_is_not_a_span() {
        assert_eq!(Span::parse("10"), None);
        assert_eq!(Span::parse(""), None);
        assert_eq!(Span::parse("-1s"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reading_of_spans_panic(text in ".{0,40}|[0-9.]{0,30}(ns|s|m|h){0,3}") {
            let _ = Span::parse(&text);
        }
    }
}
