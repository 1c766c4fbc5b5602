//! The `grants:` of a plugin.
//!
//! ```yaml
//! grants:
//!   kv: [sessions]                        # or { sessions: { entries: 500, octets: 1MiB } }
//!   rate: [per-key]                       # or { per-key: { keys: 1000 } }
//!   secrets: [signing-key]                # from ADIT_SECRET_SIGNING_KEY; or { name: env:NAME }
//!   outbound: { authz: "http://127.0.0.1:9000" }   # or [endpoint]
//!   reroute: [canary]
//! ```

use std::{env, fs, path::Path};

use adit_chain::BuildError;
use serde_json::Value;
use tracing::warn;

use crate::{
    grants::{Grants, KvQuota, RateQuota, SecretValue},
    limits::byte_size,
};

use super::within;

/// Octets of a secret in a file.
const MAX_SECRET: u64 = 64 * 1024;

impl Grants {
    /// Reads the `grants:` of a plugin, and the secrets that it names. Places of errors start at
    /// the grants.
    ///
    /// # Errors
    /// A grant that is not written as it should be; a secret that is not
    /// there.
    pub fn from_json(value: &Value, base: &Path) -> Result<Self, BuildError> {
        let mut grants = Self::default();
        let Some(fields) = value.as_object() else {
            if value.is_null() {
                return Ok(grants);
            }
            return Err(BuildError::new("expected a map of grants"));
        };
        for (field, value) in fields {
            grants.read(field, value, base).map_err(within(field))?;
        }
        Ok(grants)
    }

    fn read(&mut self, field: &str, value: &Value, base: &Path) -> Result<(), BuildError> {
        match field {
            "kv" => {
                for (name, value) in entries(value)? {
                    let quota = kv(value).map_err(within(name))?;
                    self.kv.insert(name.to_owned(), quota);
                }
            }
            "rate" => {
                for (name, value) in entries(value)? {
                    let quota = rate(value).map_err(within(name))?;
                    self.rate.insert(name.to_owned(), quota);
                }
            }
            "secrets" => {
                for (name, value) in entries(value)? {
                    let secret = secret(name, value, base).map_err(within(name))?;
                    self.secrets.insert(name.to_owned(), secret);
                }
            }
            "outbound" => {
                for (name, value) in entries(value)? {
                    let target = outbound(name, value).map_err(within(name))?;
                    self.outbound.insert(name.to_owned(), target);
                }
            }
            "reroute" => {
                let names = entries(value)?;
                if names.iter().any(|(_, value)| !value.is_null()) {
                    return Err(BuildError::new("expected a list of endpoints"));
                }
                self.reroute.extend(names.into_iter().map(|(name, _)| name.to_owned()));
            }
            _ => {
                warn!("no grant {field:?}; there are kv, rate, secrets, outbound, reroute");
            }
        }
        Ok(())
    }
}

/// The names of a list, or names and values of a map.
fn entries(value: &Value) -> Result<Vec<(&str, &Value)>, BuildError> {
    match value {
        Value::Array(names) => {
            let name = |(i, name): (usize, &'_ Value)| match name {
                Value::String(name) if !name.is_empty() => Ok(()),
                _ => Err(BuildError::new("expected a name").at([i.to_string()])),
            };
            names.iter().enumerate().try_for_each(name)?;
            Ok(names.iter().filter_map(Value::as_str).map(|name| (name, &Value::Null)).collect())
        }
        Value::Object(map) => Ok(map.iter().map(|(name, value)| (name.as_str(), value)).collect()),
        _ => Err(BuildError::new("expected a list of names")),
    }
}

/// The fields of a bucket's quota.
fn quota<'a>(
    value: &'a Value,
    known: &[&str],
) -> Result<impl Iterator<Item = (&'a str, usize)>, BuildError> {
    let fields = match value {
        Value::Null => Vec::new(),
        Value::Object(fields) => fields.iter().collect(),
        _ => return Err(BuildError::new("expected a map of limits")),
    };
    let mut sizes = Vec::new();
    for (name, value) in fields {
        if !known.contains(&name.as_str()) {
            let known = known.join(", ");
            return Err(BuildError::new(format!("no such limit; there are {known}")).at([name]));
        }
        let size = byte_size(value).map_err(|e| BuildError::new(e.to_string()).at([name]))?;
        if size == 0 {
            return Err(BuildError::new("must be at least 1").at([name]));
        }
        sizes.push((name.as_str(), size));
    }
    Ok(sizes.into_iter())
}

fn kv(value: &Value) -> Result<KvQuota, BuildError> {
    let mut kv = KvQuota::default();
    for (name, size) in quota(value, &["entries", "octets"])? {
        match name {
            "entries" => kv.max_entries = size,
            _ => kv.max_octets = size,
        }
    }
    Ok(kv)
}

fn rate(value: &Value) -> Result<RateQuota, BuildError> {
    let mut rate = RateQuota::default();
    for (_, size) in quota(value, &["keys"])? {
        rate.max_keys = size;
    }
    Ok(rate)
}

/// The environment variable of a secret that is only named.
fn variable(name: &str) -> String {
    let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("ADIT_SECRET_{}", name.chars().map(upper).collect::<String>())
}

fn secret(name: &str, value: &Value, base: &Path) -> Result<SecretValue, BuildError> {
    let from_env = |variable: &str| {
        let value = env::var(variable);
        value
            .map(SecretValue::new)
            .map_err(|_| BuildError::new(format!("the environment variable {variable} is not set")))
    };
    match value {
        Value::Null => from_env(&variable(name)),
        Value::String(text) => {
            if let Some(variable) = text.strip_prefix("env:") {
                from_env(variable)
            } else if let Some(path) = text.strip_prefix("file:") {
                from_file(&base.join(path))
            } else {
                Ok(SecretValue::new(text.as_str()))
            }
        }
        _ => Err(BuildError::new("expected a text, env:NAME or file:PATH")),
    }
}

fn from_file(path: &Path) -> Result<SecretValue, BuildError> {
    let failed = |error| BuildError::new(format!("could not read {}: {error}", path.display()));
    if fs::metadata(path).map_err(failed)?.len() > MAX_SECRET {
        return Err(BuildError::new(format!("{} is longer than 64KiB", path.display())));
    }
    let mut value = fs::read(path).map_err(failed)?;
    if value.ends_with(b"\n") {
        value.pop();
    }
    if value.ends_with(b"\r") {
        value.pop();
    }
    Ok(SecretValue::new(value))
}

fn outbound(name: &str, value: &Value) -> Result<String, BuildError> {
    match value {
        Value::Null => Ok(name.to_owned()),
        Value::String(url) if url.starts_with("http://") || url.starts_with("https://") => {
            Ok(url.clone())
        }
        _ => Err(BuildError::new("expected a URL, http:// or https://")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<Grants, BuildError> {
        Grants::from_json(value, Path::new("/nowhere"))
    }

    #[test]
    fn grants_are_lists_of_names_or_maps_with_more() {
        let grants = read(&json!({
            "kv": ["a", "b"],
            "rate": { "r": { "keys": 10 } },
            "secrets": { "s": "value" },
            "outbound": { "o": "https://api.example:8443" },
            "reroute": ["next"],
        }));
        let grants = grants.unwrap();
        assert_eq!(grants.kv.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(grants.rate["r"], RateQuota { max_keys: 10 });
        assert_eq!(grants.secrets["s"].expose(), b"value");
        assert_eq!(grants.outbound["o"], "https://api.example:8443");
        assert!(grants.reroute.contains("next"));
        assert!(!format!("{grants:?}").contains("value"));
    }

    #[test]
    fn a_secret_that_is_only_named_comes_from_the_environment() {
        assert_eq!(variable("signing-key"), "ADIT_SECRET_SIGNING_KEY");
        let error = read(&json!({ "secrets": ["no-such-secret"] })).unwrap_err();
        assert_eq!(error.at, ["secrets", "no-such-secret"]);
        let message = "the environment variable ADIT_SECRET_NO_SUCH_SECRET is not set";
        assert_eq!(error.message, message);
    }

    #[test]
    fn a_secret_in_a_file_ends_before_the_line_does() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("key"), "abc\r\n").unwrap();
        let value = json!({ "secrets": { "k": "file:key" } });
        let grants = Grants::from_json(&value, dir.path()).unwrap();
        assert_eq!(grants.secrets["k"].expose(), b"abc");
    }

    #[test]
    fn a_grant_that_there_is_not_grants_nothing() {
        assert_eq!(read(&json!({ "disk": ["/"] })).unwrap(), Grants::default());
    }

    #[test]
    fn mistakes_have_their_place() {
        let at = |value| read(&value).unwrap_err().at;
        assert_eq!(at(json!({ "kv": ["a", 1] })), ["kv", "1"]);
        assert_eq!(at(json!({ "kv": { "a": { "keys": 1 } } })), ["kv", "a", "keys"]);
        assert_eq!(at(json!({ "outbound": { "o": "ftp://x" } })), ["outbound", "o"]);
        assert_eq!(at(json!({ "reroute": { "x": 1 } })), ["reroute"]);
    }
}
