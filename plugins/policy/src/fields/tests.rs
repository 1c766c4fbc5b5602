use std::time::Duration;

use serde_json::json;

use super::*;
use crate::{problem::Problem, testing};

/// Reads from an object; what came of it, and what was noted, as `place: code`.
fn read<T>(json: &Json, read: impl FnOnce(&mut Fields<'_>) -> T) -> (T, Vec<String>) {
    let mut problems = Problems::default();
    let map = json.as_object().unwrap();
    let mut fields = Fields::new(vec!["config".into()], Phase::HttpRequest, map, &mut problems);
    let result = read(&mut fields);
    fields.finish();
    let line = |problem: &Problem| {
        let kind = if problem.is_warning { "warning " } else { "" };
        format!("{kind}{}: {}", problem.at.join("."), problem.code.0)
    };
    (result, problems.all().iter().map(line).collect())
}

/// The one mistake of a field `a`.
fn mistake<T>(value: Json, reader: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> String {
    let (result, mut problems) = read(&json!({"a": value}), reader);
    assert!(result.is_none());
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

const NONE: [&str; 0] = [];

#[test]
fn a_field_that_is_not_there_is_no_mistake_unless_it_is_required() {
    let (value, problems) = read(&json!({"a": null}), |f| f.template("a").is_none());
    assert_eq!((value, problems), (true, vec![]));
    let (_, problems) = read(&json!({"a": null}), |f| f.required("a", Fields::template).is_none());
    assert_eq!(problems, ["config.a: 2223"]);
}

#[test]
fn fields_that_nobody_asked_for_are_warned_of() {
    let (_, problems) = read(&json!({"a": 1, "b": 2}), |f| f.raw("a").cloned());
    assert_eq!(problems, ["warning config.b: 2204"]);
}

#[test]
fn an_older_name_is_read_and_both_at_once_are_refused() {
    let (name, problems) = read(&json!({"old": 1}), |f| f.either("new", "old"));
    assert_eq!((name, problems), ("old", vec![]));
    let (name, problems) = read(&json!({"old": 1, "new": 2}), |f| f.either("new", "old"));
    assert_eq!((name, problems), ("new", vec!["config.old: 2204".to_owned()]));
}

#[test]
fn numbers_and_booleans_are_texts_as_they_were_written() {
    let json = json!({"a": 1.3, "b": true, "c": 7});
    let (texts, problems) = read(&json, |f| ["a", "b", "c"].map(|name| f.string(name).unwrap()));
    assert_eq!((texts, problems), (["1.3", "true", "7"].map(String::from), vec![]));
    assert_eq!(mistake(json!([]), |f| f.string("a")), "config.a: 2203");
}

#[test]
fn numbers_have_ranges() {
    let (value, problems) =
        read(&json!({"a": 3, "b": 1}), |f| (f.int("a", 1..=3), f.float("b", 0.0..=1.0)));
    assert_eq!((value, problems), ((Some(3), Some(1.0)), vec![]));
    assert_eq!(mistake(json!(4), |f| f.int("a", 1..=3)), "config.a: 2215");
    assert_eq!(mistake(json!(1.5), |f| f.int("a", 1..=3)), "config.a: 2203");
    assert_eq!(mistake(json!("2"), |f| f.int("a", 1..=3)), "config.a: 2203");
    assert_eq!(mistake(json!(1.1), |f| f.float("a", 0.0..=1.0)), "config.a: 2215");
    assert_eq!(mistake(json!("x"), |f| f.float("a", 0.0..=1.0)), "config.a: 2203");
    assert_eq!(mistake(json!(199), |f| f.status("a")), "config.a: 2215");
}

#[test]
fn durations_have_units_and_limits() {
    let limits = Duration::from_secs(1)..=Duration::from_secs(120);
    let (value, problems) = read(&json!({"a": "1m30s"}), |f| f.duration("a", limits.clone()));
    assert_eq!((value, problems), (Some(Duration::from_secs(90)), vec![]));
    assert_eq!(mistake(json!(90), |f| f.duration("a", limits.clone())), "config.a: 2203");
    assert_eq!(mistake(json!("90"), |f| f.duration("a", limits.clone())), "config.a: 2228");
    assert_eq!(mistake(json!("3m"), |f| f.duration("a", limits.clone())), "config.a: 2225");
    assert_eq!(mistake(json!("1ms"), |f| f.duration("a", limits.clone())), "config.a: 2225");
}

#[test]
fn booleans_are_booleans() {
    let (value, problems) =
        read(&json!({"a": false}), |f| (f.bool_or("a", true), f.bool_or("b", true)));
    assert_eq!((value, problems), ((false, true), vec![]));
    let (_, problems) = read(&json!({"a": "no"}), |f| f.bool_or("a", true));
    assert_eq!(problems, ["config.a: 2203"]);
}

#[test]
fn choices_are_told_when_none_was_made() {
    let choices = [("halt", 1), ("continue", 2)];
    let (value, _) = read(&json!({"a": "continue"}), |f| f.choice("a", &choices));
    assert_eq!(value, Some(2));
    assert_eq!(mistake(json!("stop"), |f| f.choice("a", &choices)), "config.a: 2222");
    let (value, _) = read(&json!({"a": ["halt"]}), |f| f.choices("a", 1..=2, &choices));
    assert_eq!(value, Some(vec![1]));
    let twice = json!(["halt", "halt"]);
    assert_eq!(mistake(twice, |f| f.choices("a", 1..=2, &choices)), "config.a.1: 2231");
    assert_eq!(mistake(json!(["x"]), |f| f.choices("a", 1..=2, &choices)), "config.a.0: 2222");
}

#[test]
fn texts_have_lengths_in_characters() {
    let (value, _) = read(&json!({"a": "äö"}), |f| f.text("a", 1..=2));
    assert_eq!(value.as_deref(), Some("äö"));
    assert_eq!(mistake(json!("abc"), |f| f.text("a", 1..=2)), "config.a: 2221");
    assert_eq!(mistake(json!("a"), |f| f.text("a", 2..=2)), "config.a: 2237");
    assert_eq!(mistake(json!(""), |f| f.text("a", 1..=2)), "config.a: 2223");
}

#[test]
fn lists_have_lengths_and_one_value_is_a_list_of_one() {
    let (value, _) =
        read(&json!({"a": "x", "b": ["x", 1]}), |f| (f.strings("a", 1..=2), f.strings("b", 1..=2)));
    assert_eq!(value, (Some(vec!["x".into()]), Some(vec!["x".into(), "1".into()])));
    assert_eq!(mistake(json!([]), |f| f.strings("a", 1..=2)), "config.a: 2223");
    assert_eq!(mistake(json!(["x", "x", "x"]), |f| f.strings("a", 1..=2)), "config.a: 2218");
    assert_eq!(mistake(json!(["x", null]), |f| f.strings("a", 1..=2)), "config.a.1: 2203");
}

#[test]
fn every_mistake_of_a_list_is_told() {
    let json = json!({"a": ["${", "ok", "${req.nope}"]});
    let (value, problems) = read(&json, |f| f.template_list("a", 1..=9).map(|list| list.len()));
    assert_eq!(
        (value, problems),
        (None, vec!["config.a.0: 2224".into(), "config.a.2: 2224".into()])
    );
    let (_, problems) =
        read(&json!({"a": ["1 +", "1"]}), |f| f.expr_list("a", 1..=9).map(|list| list.len()));
    assert_eq!(problems, ["config.a.0: 2200"]);
}

#[test]
fn objects_in_objects_know_their_place() {
    let json = json!({"a": {"b": [{"c": 1}, {"c": "x", "d": 0}, 3]}});
    let (value, problems) = read(&json, |f| {
        f.object("a", |f| f.objects("b", 1..=3, |f| f.required("c", |f, name| f.int(name, 0..=9))))
    });
    assert_eq!(value, None);
    let expected = ["config.a.b.1.c: 2203", "warning config.a.b.1.d: 2204", "config.a.b.2: 2203"];
    assert_eq!(problems, expected);
}

#[test]
fn patterns_are_compiled_as_far_as_they_are_known() {
    let (pattern, problems) = read(&json!({"a": "^/a(b)?"}), |f| f.regex("a"));
    assert!(matches!(pattern, Some(Pattern::Fixed(_))));
    assert_eq!(problems, NONE);
    assert_eq!(mistake(json!("("), |f| f.regex("a")), "config.a: 2261");
    assert_eq!(mistake(json!("${"), |f| f.regex("a")), "config.a: 2224");
    let (pattern, _) = read(&json!({"a": "(${req.method}"}), |f| f.regex("a"));
    let error = pattern.unwrap().regex(&testing::scope(testing::get("/"))).unwrap_err();
    assert!(matches!(error, PatternError::Regex(_)));
    let (pattern, _) = read(&json!({"a": "^${req.method}$"}), |f| f.regex("a"));
    let regex = pattern.unwrap().regex(&testing::scope(testing::get("/"))).unwrap();
    assert!(regex.is_match("GET"));
}

#[test]
fn secrets_are_not_in_what_is_told() {
    let json = json!({"a": {"x": "hush\n"}, "b": ["hush"], "c": "hush"});
    let mut problems = Problems::default();
    let map = json.as_object().unwrap();
    let mut fields = Fields::new(vec![], Phase::HttpRequest, map, &mut problems);
    let _ = fields.headers("a", 1);
    let _ = fields.bool_or("b", true);
    let _ = fields.int("c", 0..=1);
    fields.finish();
    assert_eq!(problems.all().len(), 3);
    assert!(problems.all().iter().all(|problem| !problem.message.contains("hush")));
}
