//! What the engine computed, as a value that owns all of itself.

use cel::{
    ExecutionError, Value,
    common::{
        types::{CelBool, CelInt, CelString, Kind},
        value::Val,
    },
    objects::Key,
};

use crate::value;

/// Copies a value. Lists and maps that compute what they hold are asked for all of it; what cannot
/// be read of them is left out.
pub(super) fn to_value(val: &dyn Val) -> Result<Value, ExecutionError> {
    match val.get_type().kind() {
        Kind::List => {
            let mut items = Vec::new();
            let mut iter = val.as_iterable().ok_or_else(|| not_a_value(val))?.iter();
            while let Some(item) = iter.next() {
                items.push(to_value(item)?);
            }
            Ok(value::list(items))
        }
        Kind::Map => {
            let mut entries = std::collections::HashMap::new();
            let indexer = val.as_indexer().ok_or_else(|| not_a_value(val))?;
            let mut keys = val.as_iterable().ok_or_else(|| not_a_value(val))?.iter();
            while let Some(key) = keys.next() {
                if let Ok(entry) = indexer.get(key) {
                    entries.insert(to_key(key)?, to_value(entry.as_ref())?);
                }
            }
            Ok(Value::from(entries))
        }
        _ => Value::try_from(val),
    }
}

fn to_key(key: &dyn Val) -> Result<Key, ExecutionError> {
    if let Some(string) = key.downcast_ref::<CelString<'_>>() {
        return Ok(Key::from(string.inner()));
    }
    if let Some(number) = key.downcast_ref::<CelInt>() {
        return Ok(Key::from(*number.inner()));
    }
    if let Some(is) = key.downcast_ref::<CelBool>() {
        return Ok(Key::from(*is.inner()));
    }
    Value::try_from(key)?.try_into().map_err(ExecutionError::unsupported_key_type)
}

fn not_a_value(val: &dyn Val) -> ExecutionError {
    ExecutionError::UnexpectedType {
        got: val.get_type().name().to_owned(),
        want: "a value".to_owned(),
    }
}

/// The value for the engine again.
pub(super) fn to_val<'v>(value: Value) -> Result<Box<dyn Val + 'v>, ExecutionError> {
    Box::<dyn Val>::try_from(value)
}
