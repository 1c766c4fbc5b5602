//! What is in a component, without running any of it.

use std::{fs, path::Path};

use adit_wasm::{Inspection, Manifest};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::component::explain;

/// Longest file that is looked at, in bytes; a policy's may be this long at most.
const MAX_LEN: u64 = 64 * 1024 * 1024;

/// What is in a component.
#[derive(Clone, Debug)]
pub(super) struct Contents(Inspection);

impl Contents {
    /// Of a file.
    pub(super) fn of_file(path: &Path) -> Result<Self> {
        let at = || path.display().to_string();
        let len = fs::metadata(path).with_context(at)?.len();
        if len > MAX_LEN {
            bail!("{}: {len} bytes; a component may have {MAX_LEN}", at());
        }
        Self::of(&fs::read(path).with_context(at)?).with_context(at)
    }

    /// Of its bytes.
    pub(super) fn of(bytes: &[u8]) -> Result<Self> {
        Ok(Self(adit_wasm::inspect(bytes)?))
    }

    /// Its octets.
    pub(super) const fn size(&self) -> usize {
        self.0.size
    }

    /// SHA-256, in hex.
    pub(super) fn digest(&self) -> String {
        self.0.digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The label that `adit policy build` leaves.
    pub(super) const fn label(&self) -> Option<&Manifest> {
        self.0.manifest.as_ref()
    }

    /// Its name: what the label says, or else the file's.
    pub(super) fn name(&self, file: &Path) -> String {
        let stem = || file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.label().and_then(|label| label.name.clone()).unwrap_or_else(stem)
    }

    /// The contract's version, when it names one.
    pub(super) fn abi(&self) -> Option<&str> {
        self.0.abi.as_deref()
    }

    /// Exported interfaces that are called for visitors.
    pub(super) fn hooks(&self) -> Vec<String> {
        self.0.hooks.iter().map(ToString::to_string).collect()
    }

    /// Imported interfaces of the contract, with the functions.
    pub(super) fn imports(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.imports.iter().map(|(name, functions)| (name.as_str(), functions.as_slice()))
    }

    /// What it imports from elsewhere.
    pub(super) fn foreign(&self) -> &[String] {
        &self.0.foreign
    }

    /// Imports that the configuration must grant.
    pub(super) fn needs_grants(&self) -> impl Iterator<Item = &str> {
        self.0.grants()
    }

    /// Whether it looks at HTTP at all.
    pub(super) fn sees_http(&self) -> bool {
        let hooks = self.hooks();
        hooks
            .iter()
            .any(|hook| ["request", "response", "finish"].iter().any(|h| hook.starts_with(h)))
    }

    /// What is wrong with it as a policy.
    pub(super) fn not_a_policy(&self) -> Option<String> {
        if let Some(import) = self.foreign().iter().find(|name| !name.starts_with("adit:policy/")) {
            return Some(explain(import));
        }
        self.0.check().err().map(|error| error.to_string())
    }

    /// All of it, for programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "size": self.size(),
            "sha256": self.digest(),
            "abi": self.abi(),
            "label": self.label(),
            "hooks": self.hooks(),
            "configurable": self.0.has_setup,
            "imports": self.0.imports,
            "grants": self.needs_grants().collect::<Vec<_>>(),
            "foreign": self.foreign(),
            "problem": self.not_a_policy(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_component_is_shown_as_what_it_is() {
        let text = r#"(component
            (import "wasi:cli/environment@0.2.0"
                (instance (export "get-arguments" (func (result (list string))))))
            (import "adit:policy/clock@0.1.0" (instance (export "now" (func (result u64)))))
        )"#;
        let contents = Contents::of(&wat::parse_str(text).unwrap()).unwrap();
        assert_eq!(contents.abi(), Some("0.1.0"));
        let imports: Vec<_> = contents.imports().collect();
        assert_eq!(imports, [("clock", &["now".to_owned()][..])]);
        assert_eq!(contents.foreign(), ["wasi:cli/environment@0.2.0"]);
        assert!(contents.not_a_policy().unwrap().contains("no files, sockets or environment"));
    }
}
