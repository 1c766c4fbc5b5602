//! Lists and maps.

use cel::{
    DeclarationError, Env, ExecutionError, Value,
    common::{
        types::{CelList, CelNull, CelOptional, DYN_TYPE, Kind},
        value::{CowVal, Val},
    },
};

use super::args::{AnyVal, define};
use crate::{
    expr::{convert, limits},
    value,
};

/// Reason: what a range takes beside its numbers, so that it stays within the size of a value.
const MAX_RANGE: i64 = 65_536;
/// Reason: comparing two elements is cheap beside a step of a loop.
const COMPARISONS_PER_STEP: usize = 32;

/// `has(of[key])` and `has(of.key)`.
fn has(of: AnyVal<'_>, key: AnyVal<'_>) -> Result<bool, ExecutionError> {
    if let Some(optional) = of.downcast_ref::<CelOptional<'_>>() {
        return optional.option().map_or(Ok(false), |of| has(of, key));
    }
    // Membership, not reading: some maps have an empty list for every key that they lack.
    if let (Kind::Map, Some(keys)) = (of.get_type().kind(), of.as_container()) {
        return keys.contains(key);
    }
    let mismatch = || {
        let types = [of, key].map(|val| val.get_type().name().to_owned());
        ExecutionError::no_such_overload("has", types.to_vec())
    };
    match of.as_indexer().ok_or_else(mismatch)?.get(key) {
        Ok(_) => Ok(true),
        Err(ExecutionError::NoSuchKey(_) | ExecutionError::IndexOutOfBounds(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// `@first(list)`: its first element, or null.
fn first<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let list = args.first().ok_or_else(ExecutionError::missing_argument_or_target)?;
    match list.as_iterable().and_then(|list| list.iter().next()) {
        Some(first) => Ok(CowVal::Owned(first.clone_as_boxed())),
        None => Ok(CowVal::owned(CelNull)),
    }
}

/// `@cookie(list)`: the first cookie of a request, with all fields that one of a response has. Such
/// without a value are empty; times without one are not there.
fn cookie(of: AnyVal<'_>) -> Result<Value, ExecutionError> {
    let mut of = of.as_iterable().ok_or_else(ExecutionError::missing_argument_or_target)?.iter();
    let Some(cookie) = of.next() else { return Ok(Value::Null) };
    let Value::Map(known) = convert::to_value(cookie)? else { return Ok(Value::Null) };
    let zero = [
        ("domain", Value::from("")),
        ("http_only", Value::Bool(false)),
        ("name", Value::from("")),
        ("path", Value::from("")),
        ("same_site", Value::from("")),
        ("secure", Value::Bool(false)),
        ("unparsed_attributes", value::map::<&str, Value>([])),
        ("value", Value::from("")),
    ];
    let zero = zero.map(|(name, value)| (name.to_owned(), value)).into_iter();
    Ok(value::map(
        zero.chain(known.map.iter().map(|(key, value)| (key.to_string(), value.clone()))),
    ))
}

/// `@distinct(list)`: its elements, without those that equal an earlier one.
fn distinct<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let list = args.first().ok_or_else(ExecutionError::missing_argument_or_target)?;
    let fail = || ExecutionError::function_error("distinct", "not a list");
    let mut items = list.as_iterable().ok_or_else(fail)?.iter();
    let mut kept: Vec<Box<dyn Val + 'v>> = Vec::new();
    while let Some(item) = items.next() {
        let n_steps = kept.len() / COMPARISONS_PER_STEP;
        limits::count_steps(n_steps)?;
        if !kept.iter().any(|seen| item.equals(seen.as_ref())) {
            kept.push(item.clone_as_boxed());
        }
    }
    let list = CelList::from(kept);
    limits::count_size(limits::size_of(&list))?;
    Ok(CowVal::owned(list))
}

fn range(n: i64) -> Result<Value, ExecutionError> {
    match n {
        ..0 => Err(ExecutionError::function_error("lists.range", "the size is negative")),
        0..=MAX_RANGE => Ok(value::list(0..n)),
        _ => {
            limits::count_size(usize::MAX)?;
            Err(ExecutionError::function_error("lists.range", "the range is too long"))
        }
    }
}

pub(super) fn register(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_overload("@distinct", "@distinct", vec![DYN_TYPE], distinct)?;
    env.add_overload("@first", "@first", vec![DYN_TYPE], first)?;
    define!(env, "@cookie", |of: AnyVal<'_>| -> Result<Value, ExecutionError> { cookie(of) })?;
    define!(env, "@has", |of: AnyVal<'_>, key: AnyVal<'_>| -> Result<bool, ExecutionError> {
        has(of, key)
    })?;
    define!(env, "@lists.range", |n: i64| -> Result<Value, ExecutionError> { range(n) })
}
