//! What is in a component, without running any of it.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wasmparser::{Encoding, Parser, Payload};
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldItem, WorldKey};

use super::component::SECTION;

/// Longest file that is looked at, in bytes; a policy's may be this long at most.
const MAX_LEN: u64 = 64 * 1024 * 1024;
/// Package of the contract.
const PACKAGE: &str = "adit:policy/";
/// Interfaces that a policy may export.
const EXPORTS: [&str; 9] = [
    "setup",
    "connection-hook",
    "stream-hook",
    "close-hook",
    "request-hook",
    "request-body-hook",
    "response-hook",
    "response-body-hook",
    "finish-hook",
];
/// Interfaces that need a grant.
const GRANTED: [&str; 4] = ["kv", "rate", "secrets", "outbound"];

/// What is in a component.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) size: usize,
    pub(super) digest: String,
    /// The contract's version, when it names one.
    pub(super) abi: Option<String>,
    /// The label that `adit policy build` leaves.
    pub(super) label: Option<Value>,
    /// Exported interfaces of the contract, by their short names; `setup` is no hook.
    pub(super) exports: Vec<String>,
    /// Imported interfaces of the contract, with the functions.
    pub(super) imports: BTreeMap<String, Vec<String>>,
    /// What it imports from elsewhere, with the functions.
    pub(super) foreign_imports: BTreeMap<String, Vec<String>>,
    /// What it exports for somebody else.
    pub(super) foreign_exports: Vec<String>,
}

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
        let label = scan(bytes)?;
        let decoded = wit_component::decode(bytes)
            .map_err(|error| anyhow!("this component cannot be read: {error:#}"))?;
        let DecodedWasm::Component(resolve, world) = decoded else {
            bail!("this is an encoded WIT package, with no code in it");
        };
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        let mut contents = Self { size: bytes.len(), label, ..Self::default() };
        contents.digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let world = &resolve.worlds[world];
        for (key, item) in &world.imports {
            contents.import(&resolve, key, item);
        }
        for (key, item) in &world.exports {
            contents.export(&resolve, key, item);
        }
        Ok(contents)
    }

    fn import(&mut self, resolve: &Resolve, key: &WorldKey, item: &WorldItem) {
        let name = resolve.name_world_key(key);
        let functions = match item {
            WorldItem::Interface { id, .. } => {
                resolve.interfaces[*id].functions.keys().map(|name| plain(name)).collect()
            }
            WorldItem::Function(_) => Vec::new(),
            // A type at the top costs nothing and does nothing.
            WorldItem::Type { .. } => return,
        };
        match self.ours(&name) {
            Some(short) => self.imports.insert(short, functions),
            None => self.foreign_imports.insert(name, functions),
        };
    }

    fn export(&mut self, resolve: &Resolve, key: &WorldKey, item: &WorldItem) {
        let name = resolve.name_world_key(key);
        match self.ours(&name).filter(|short| EXPORTS.contains(&short.as_str())) {
            Some(short) if matches!(item, WorldItem::Interface { .. }) => self.exports.push(short),
            _ => self.foreign_exports.push(name),
        }
    }

    /// The short name of an interface of the contract, whose version is noted.
    fn ours(&mut self, name: &str) -> Option<String> {
        let (short, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
        self.abi = Some(version.to_owned());
        Some(short.to_owned())
    }

    /// Exports that are called for visitors.
    pub(super) fn hooks(&self) -> impl Iterator<Item = &str> {
        self.exports.iter().map(String::as_str).filter(|name| *name != "setup")
    }

    /// Imports that the configuration must grant.
    pub(super) fn needs_grants(&self) -> impl Iterator<Item = &'static str> {
        GRANTED.into_iter().filter(|name| self.imports.contains_key(*name))
    }

    /// What is wrong with it as a policy.
    pub(super) fn not_a_policy(&self) -> Option<String> {
        if let Some(import) = self.foreign_imports.keys().next() {
            return Some(super::component::explain(import));
        }
        if self.hooks().next().is_none() {
            return Some("it exports no hook, so nothing would ever call it".to_owned());
        }
        None
    }

    /// All of it, for programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "size": self.size,
            "sha256": self.digest,
            "abi": self.abi,
            "label": self.label,
            "hooks": self.hooks().collect::<Vec<_>>(),
            "configurable": self.exports.iter().any(|name| name == "setup"),
            "imports": self.imports,
            "grants": self.needs_grants().collect::<Vec<_>>(),
            "foreign": { "imports": self.foreign_imports, "exports": self.foreign_exports },
            "problem": self.not_a_policy(),
        })
    }
}

/// `[method]request.set-header` as people say it: `request.set-header`.
fn plain(name: &str) -> String {
    name.rsplit_once(']').map_or(name, |(_, name)| name).to_owned()
}

/// Finds out whether it is a component at all, and its label.
fn scan(bytes: &[u8]) -> Result<Option<Value>> {
    if bytes.get(..4) != Some(b"\0asm") {
        bail!("this is no WebAssembly file: it does not begin with \\0asm");
    }
    let mut label = None;
    // Sections of what is inside are inside: depth counts how many have begun and not ended.
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| anyhow!("this WebAssembly file is damaged: {error}"))? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                bail!("this is a core module; run `adit policy build` to make a component of it");
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 && section.name() == SECTION => {
                label = serde_json::from_slice(section.data()).ok();
            }
            _ => {}
        }
    }
    Ok(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        Contents::of(bytes).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_component_is_told_apart() {
        assert_eq!(refused(b"hello"), "this is no WebAssembly file: it does not begin with \\0asm");
        assert!(refused(&wat::parse_str("(module)").unwrap()).starts_with("this is a core module"));
        let component = wat::parse_str("(component (core module))").unwrap();
        let cut = component.get(..component.len() - 1).unwrap();
        assert!(refused(cut).starts_with("this WebAssembly file is damaged"), "{}", refused(cut));
    }

    #[test]
    fn a_foreign_component_is_shown_as_what_it_is() {
        let text = r#"(component
            (import "wasi:cli/environment@0.2.0" (instance (export "get-arguments" (func (result (list string))))))
            (import "adit:policy/clock@0.1.0" (instance (export "now" (func (result u64)))))
        )"#;
        let contents = Contents::of(&wat::parse_str(text).unwrap()).unwrap();
        assert_eq!(contents.abi.as_deref(), Some("0.1.0"));
        assert_eq!(contents.imports["clock"], ["now"]);
        assert_eq!(contents.foreign_imports["wasi:cli/environment@0.2.0"], ["get-arguments"]);
        assert!(contents.not_a_policy().unwrap().contains("no files, sockets or environment"));
    }
}
