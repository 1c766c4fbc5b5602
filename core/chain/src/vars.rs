//! Values that handlers leave for each other, by name.

use std::collections::BTreeMap;

use serde_json::Value;

/// Names that one exchange or connection may have.
///
/// Reason: handlers hand each other a few facts; a name per visitor would be a leak.
const MAX_NAMES: usize = 64;

/// Bytes of one name.
const MAX_NAME: usize = 256;

/// Bytes of one value; of one that is not text, as JSON.
const MAX_VALUE: usize = 4 * 1024;

/// Values that handlers of one exchange or connection leave for each other, by name.
pub type Vars = BTreeMap<String, Value>;

/// A variable was not set, because it is too long or there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VarLimit {
    /// The name is empty or too long.
    #[error("a variable's name has 1 to {MAX_NAME} bytes")]
    Name,
    /// There are as many as there may be.
    #[error("there are {MAX_NAMES} variables already")]
    Names,
    /// The value is too long.
    #[error("a variable's value has at most {MAX_VALUE} bytes")]
    Value,
}

/// Sets a variable, within the limits.
///
/// # Errors
/// The limit that forbids it; then nothing changed.
pub(crate) fn set(vars: &mut Vars, name: &str, value: Value) -> Result<(), VarLimit> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(VarLimit::Name);
    }
    let len = match &value {
        Value::String(text) => text.len(),
        other => other.to_string().len(),
    };
    if len > MAX_VALUE {
        return Err(VarLimit::Value);
    }
    if vars.len() >= MAX_NAMES && !vars.contains_key(name) {
        return Err(VarLimit::Names);
    }
    vars.insert(name.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_have_limits_and_known_names_can_always_be_set_again() {
        let mut vars = Vars::new();
        for n in 0..MAX_NAMES {
            set(&mut vars, &format!("n{n}"), "x".into()).unwrap();
        }
        assert_eq!(set(&mut vars, "one-more", "x".into()), Err(VarLimit::Names));
        assert_eq!(set(&mut vars, "n0", "y".repeat(MAX_VALUE).into()), Ok(()));
        assert_eq!(set(&mut vars, "n0", "y".repeat(MAX_VALUE + 1).into()), Err(VarLimit::Value));
        assert_eq!(set(&mut vars, &"n".repeat(MAX_NAME + 1), "x".into()), Err(VarLimit::Name));
        assert_eq!(set(&mut vars, "", "x".into()), Err(VarLimit::Name));
        assert_eq!(vars["n0"].as_str().map(str::len), Some(MAX_VALUE));
    }
}
