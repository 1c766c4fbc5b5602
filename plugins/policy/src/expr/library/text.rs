//! Strings.

use cel::{
    DeclarationError, Env, ExecutionError, Value,
    common::types::{CelDuration, CelTimestamp},
};

use super::args::{AnyVal, define};
use crate::{
    expr::{
        limits::{self, MAX_VALUE_SIZE},
        regexes::{self, Pattern},
    },
    value,
};

/// Parts as a list, their number counted before they are copied.
fn parts<'a>(parts: impl Iterator<Item = &'a str> + Clone) -> Result<Value, ExecutionError> {
    let size = parts.clone().map(|part| 16 + part.len()).fold(0, usize::saturating_add);
    limits::count_size(size)?;
    Ok(value::list(parts))
}

fn split(s: &str, by: &str, n: Option<i64>) -> Result<Value, ExecutionError> {
    // Reason: a negative number asks for all.
    let n = n.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    if by.is_empty() {
        let ends = s.char_indices().map(|(at, c)| &s[at..at + c.len_utf8()]);
        return parts(ends.take(n));
    }
    parts(s.split(by).take(n))
}

fn replace(s: &str, from: &str, to: &str, n: Option<i64>) -> Result<String, ExecutionError> {
    let n = n.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    // Reason: replacing is the only way for a short text to make a long one at once.
    if to.len() > from.len() {
        let n_found = s.matches(from).take(n).count();
        limits::count_size(
            s.len().saturating_add(n_found.saturating_mul(to.len())).min(MAX_VALUE_SIZE + 1),
        )?;
    }
    Ok(s.replacen(from, to, n))
}

fn matches(s: &str, pattern: AnyVal<'_>) -> Result<bool, ExecutionError> {
    if let Some(Pattern(regex)) = pattern.downcast_ref::<Pattern>() {
        return Ok(regex.is_match(s));
    }
    let Some(pattern) = super::args::Arg::of(pattern) else {
        let types = vec!["string".to_owned(), pattern.get_type().name().to_owned()];
        return Err(ExecutionError::no_such_overload("matches", types));
    };
    let regex = regexes::cached(pattern);
    let regex = regex.map_err(|error| ExecutionError::function_error("matches", error))?;
    Ok(regex.is_match(s))
}

/// One character for one: a dotted capital I becomes a plain i.
fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// One character for one: what has no capital letter of its own stays, as the German sharp s.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => c,
    }
}

/// The milliseconds beyond the last whole second.
fn milliseconds(of: AnyVal<'_>) -> Result<i64, ExecutionError> {
    if let Some(duration) = of.downcast_ref::<CelDuration>() {
        return Ok(i64::from(duration.inner().subsec_nanos() / 1_000_000));
    }
    if let Some(timestamp) = of.downcast_ref::<CelTimestamp>() {
        return Ok(i64::from(timestamp.inner().timestamp_subsec_millis()));
    }
    let types = vec![of.get_type().name().to_owned()];
    Err(ExecutionError::no_such_member_overload("getMilliseconds", types))
}

pub(super) fn register(env: &mut Env) -> Result<(), DeclarationError> {
    define!(env, "@getMilliseconds", |of: AnyVal<'_>| -> Result<i64, ExecutionError> {
        milliseconds(of)
    })?;
    define!(env, "@lower", |s: &str| -> String { s.chars().map(lower).collect() })?;
    define!(env, "@upper", |s: &str| -> String { s.chars().map(upper).collect() })?;
    define!(env, "@matches", |s: &str, pattern: AnyVal<'_>| -> Result<bool, ExecutionError> {
        matches(s, pattern)
    })?;
    define!(env, "@replace", |s: &str, from: &str, to: &str| -> Result<String, ExecutionError> {
        replace(s, from, to, None)
    })?;
    define!(env, "@replace", |s: &str,
                              from: &str,
                              to: &str,
                              n: i64|
     -> Result<String, ExecutionError> {
        replace(s, from, to, Some(n))
    })?;
    define!(env, "@split", |s: &str| -> Result<Value, ExecutionError> {
        parts(s.split_whitespace())
    })?;
    define!(env, "@split", |s: &str, by: &str| -> Result<Value, ExecutionError> {
        split(s, by, None)
    })?;
    define!(env, "@split", |s: &str, by: &str, n: i64| -> Result<Value, ExecutionError> {
        split(s, by, Some(n))
    })
}
