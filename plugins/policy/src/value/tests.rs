use cel::Value;
use chrono::{DateTime, TimeDelta};
use serde_json::json;

use super::*;

fn at(text: &str) -> Value {
    Value::Timestamp(DateTime::parse_from_rfc3339(text).unwrap())
}

#[test]
fn every_type_has_its_text() {
    let table = [
        (text("as it is ${x}"), "as it is ${x}"),
        (Value::Int(-7), "-7"),
        (Value::UInt(u64::MAX), "18446744073709551615"),
        (Value::Float(1.5), "1.5"),
        (Value::Float(3.0), "3"),
        (Value::Float(-0.1), "-0.1"),
        (Value::Float(1e21), "1e21"),
        (Value::Float(1e-7), "1e-7"),
        (Value::Float(f64::NEG_INFINITY), "-Inf"),
        (Value::Float(f64::NAN), "NaN"),
        (Value::Bool(true), "true"),
        (Value::Null, ""),
        (Value::Bytes(Arc::new(b"abc".to_vec())), "abc"),
        (Value::Bytes(Arc::new(vec![0xff, 0xfe])), "//4="),
        (list([1_i64, 2]), "[1,2]"),
        (map([("b", Value::Null), ("a", text("x\"y"))]), r#"{"a":"x\"y","b":null}"#),
        (at("2031-05-06T09:08:09+02:00"), "2031-05-06T07:08:09Z"),
        (at("2031-05-06T07:08:09.120Z"), "2031-05-06T07:08:09.12Z"),
    ];
    for (value, expected) in table {
        assert_eq!(to_text(&value), expected);
    }
}

#[test]
fn durations_are_written_as_go_writes_them() {
    let table = [
        (TimeDelta::zero(), "0s"),
        (TimeDelta::nanoseconds(999), "999ns"),
        (TimeDelta::nanoseconds(1_500), "1.5µs"),
        (TimeDelta::milliseconds(250), "250ms"),
        (TimeDelta::milliseconds(1_234), "1.234s"),
        (TimeDelta::seconds(90), "1m30s"),
        (TimeDelta::minutes(90), "1h30m0s"),
        (TimeDelta::hours(24), "24h0m0s"),
        (TimeDelta::milliseconds(-1_500), "-1.5s"),
        (TimeDelta::seconds(-3_661), "-1h1m1s"),
    ];
    for (duration, expected) in table {
        assert_eq!(to_text(&Value::Duration(duration)), expected);
    }
}

#[test]
fn json_comes_back_as_it_went() {
    let json = json!({"a": [1, 2.5, "x", null, true], "b": {"c": u64::MAX}, "d": -3});
    assert_eq!(to_json(&from_json(&json)), json);
}

#[test]
fn whole_numbers_of_json_are_integers() {
    assert_eq!(from_json(&json!(2.0)), Value::Int(2));
    assert!(matches!(from_json(&json!(2.0)), Value::Int(2)));
    assert!(matches!(from_json(&json!(2.5)), Value::Float(_)));
    assert!(matches!(from_json(&json!(1e300)), Value::Float(_)));
    assert!(matches!(from_json(&json!(u64::MAX)), Value::UInt(u64::MAX)));
    assert_eq!(to_json(&Value::Float(3.0)).to_string(), "3");
    assert_eq!(to_json(&Value::Float(f64::INFINITY)), json!(null));
}
