//! What a policy may leave behind: kept bytes, variables, identity, keys and values.

use crate::limits;
use crate::refused::Refused;

/// The value of `keep`.
pub fn keep(state: &[u8]) -> Result<(), Refused> {
    fits("kept state", state.len(), limits::KEEP)
}

/// The name and value of a variable. `others` is the number of variables with another name.
pub fn var(name: &str, value: &str, others: usize) -> Result<(), Refused> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(Refused::invalid(format!("{name:?} is not a variable's name")));
    }
    fits("variable's name", name.len(), limits::VAR_NAME)?;
    fits("variable", value.len(), limits::VAR_VALUE)?;
    match others >= limits::VARS {
        true => Err(Refused::limit(format!("more than {} variables", limits::VARS))),
        false => Ok(()),
    }
}

/// An identity: text without control characters, not empty.
pub fn identity(subject: &str) -> Result<(), Refused> {
    if subject.is_empty() || subject.chars().any(char::is_control) {
        return Err(Refused::invalid(format!("{subject:?} is not an identity")));
    }
    fits("identity", subject.len(), limits::IDENTITY)
}

/// A key in a `kv` or `rate` bucket.
pub fn key(key: &str) -> Result<(), Refused> {
    fits("key", key.len(), limits::KV_KEY)
}

/// A value in a `kv` bucket.
pub fn value(value: &[u8]) -> Result<(), Refused> {
    fits("value", value.len(), limits::KV_VALUE)
}

fn fits(what: &str, len: usize, most: usize) -> Result<(), Refused> {
    match len > most {
        true => Err(Refused::too_long(what, len, "limit", most)),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refused::Kind;

    #[test]
    fn each_piece_of_state_has_its_limit() {
        assert_eq!(keep(&[0; 16 * 1024]), Ok(()));
        assert_eq!(
            keep(&[0; 16 * 1024 + 1]).unwrap_err().to_string(),
            "kept state has 16385 octets, limit is 16384"
        );
        assert_eq!(var("a", &"x".repeat(4096), 63), Ok(()));
        assert_eq!(var("a", &"x".repeat(4097), 0).unwrap_err().kind, Kind::Limit);
        assert_eq!(var("a", "", 64).unwrap_err().kind, Kind::Limit);
        assert_eq!(identity(&"x".repeat(1025)).unwrap_err().kind, Kind::Limit);
        assert_eq!(key(&"x".repeat(257)).unwrap_err().kind, Kind::Limit);
        assert_eq!(value(&[0; 64 * 1024 + 1]).unwrap_err().kind, Kind::Limit);
    }

    #[test]
    fn names_and_identities_cannot_forge_lines() {
        assert_eq!(identity("ann\nroot").unwrap_err().kind, Kind::Invalid);
        assert_eq!(identity("").unwrap_err().kind, Kind::Invalid);
        assert_eq!(var("", "x", 0).unwrap_err().kind, Kind::Invalid);
    }
}
