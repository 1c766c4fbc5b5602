//! What a file says about a plugin.

mod grants;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use adit_chain::BuildError;
use serde_json::Value;

use crate::{grants::Grants, limits::Limits};

/// Whether instances serve more than one phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Instances {
    /// They are used again: the fast way, and what the contract expects of state.
    #[default]
    Reuse,
    /// Each phase gets a new one, and no visitor meets what another left.
    Fresh,
}

/// A plugin: a component, and what it may do.
#[derive(Clone, Debug)]
pub struct PluginSpec {
    /// Its name, by which chains ask for it.
    pub name: Arc<str>,
    /// The component's file.
    pub wasm: PathBuf,
    /// What the file's SHA-256 must be.
    pub sha256: Option<[u8; 32]>,
    /// Its powers.
    pub grants: Grants,
    /// How much of the machine it may use.
    pub limits: Limits,
    /// Whether instances serve more than one phase.
    pub instances: Instances,
}

impl PluginSpec {
    /// A plugin with no powers and the usual limits.
    pub fn new(name: &str, wasm: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            wasm: wasm.into(),
            sha256: None,
            grants: Grants::default(),
            limits: Limits::default(),
            instances: Instances::default(),
        }
    }

    /// Reads a plugin's entry of a file. Relative paths start at `base`. Places of errors start at
    /// the entry.
    ///
    /// # Errors
    /// A field that there is not, or a value that makes no sense.
    pub fn from_json(name: &str, value: &Value, base: &Path) -> Result<Self, BuildError> {
        let Some(fields) = value.as_object() else {
            return Err(BuildError::new("expected a map with at least `wasm`, the file"));
        };
        let Some(wasm) = fields.get("wasm") else {
            return Err(BuildError::new("`wasm` is missing: the component's file"));
        };
        let wasm = wasm.as_str().filter(|path| !path.is_empty());
        let wasm = wasm.ok_or_else(|| BuildError::new("expected a path").at(["wasm"]))?;
        let mut spec = Self::new(name, base.join(wasm));
        for (field, value) in fields {
            match field.as_str() {
                "wasm" => {}
                "sha256" => {
                    let pin = value.as_str().and_then(unhex).ok_or_else(|| {
                        BuildError::new("expected 64 hex digits, the file's SHA-256").at([field])
                    })?;
                    spec.sha256 = Some(pin);
                }
                "grants" => spec.grants = Grants::from_json(value, base).map_err(within(field))?,
                "limits" => spec.limits = Limits::from_json(value).map_err(within(field))?,
                "instances" => {
                    spec.instances = match value.as_str() {
                        Some("reuse") => Instances::Reuse,
                        Some("fresh") => Instances::Fresh,
                        _ => {
                            return Err(BuildError::new("expected reuse or fresh").at([field]));
                        }
                    }
                }
                _ => {
                    return Err(BuildError::new(format!(
                        "no field {field:?}; there are wasm, sha256, grants, limits, instances"
                    ))
                    .at([field]));
                }
            }
        }
        Ok(spec)
    }
}

/// Puts an error's place within a field.
fn within(field: &str) -> impl Fn(BuildError) -> BuildError {
    move |mut error| {
        error.at.insert(0, field.to_owned());
        error
    }
}

/// A digest, from its 64 hex digits.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let bytes: Vec<u8> =
        digits?.chunks(2).map(|pair| pair.iter().fold(0, |n, d| n << 4 | d)).collect();
    (text.len() == 64).then(|| bytes.try_into().ok()).flatten()
}

/// A digest in hex.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<PluginSpec, BuildError> {
        PluginSpec::from_json("p", value, Path::new("/etc/adit"))
    }

    #[test]
    fn a_path_starts_at_the_file_and_the_rest_has_defaults() {
        let spec = read(&json!({ "wasm": "./policies/p.wasm", "instances": "fresh" })).unwrap();
        assert_eq!(spec.wasm, Path::new("/etc/adit/./policies/p.wasm"));
        assert_eq!(spec.instances, Instances::Fresh);
        assert_eq!((spec.limits, spec.grants), (Limits::default(), Grants::default()));
        let pin = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let spec = read(&json!({ "wasm": "/p.wasm", "sha256": pin })).unwrap();
        assert_eq!(Hex(&spec.sha256.unwrap()).to_string(), pin);
    }

    #[test]
    fn mistakes_have_their_place() {
        let at = |value| read(&value).unwrap_err().at;
        assert_eq!(at(json!({})), [""; 0]);
        assert_eq!(at(json!({ "wasm": 1 })), ["wasm"]);
        assert_eq!(at(json!({ "wasm": "p", "sha256": "abc" })), ["sha256"]);
        assert_eq!(at(json!({ "wasm": "p", "limits": { "cpu": 1 } })), ["limits", "cpu"]);
        assert_eq!(at(json!({ "wasm": "p", "grants": { "kv": 1 } })), ["grants", "kv"]);
        assert_eq!(at(json!({ "wasm": "p", "path": 1 })), ["path"]);
    }
}
