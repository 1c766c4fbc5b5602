//! Modules that some other compiler made, in whatever language.
//!
//! What the SDK's bindings leave in a module, and a component is made by, is a description of its
//! types. Where there is none it follows from the names of what the module exports: the hooks.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use wasmparser::{Parser, Payload};
use wit_component::StringEncoding;
use wit_parser::Resolve;

use super::{args::BuildArgs, build, component};

/// The contract that all policies share.
const CONTRACT: &str = include_str!("../../../../policy-sdk/wit/policy.wit");
/// How the contract's interfaces begin in a module's names.
const PACKAGE: &str = "adit:policy/";

/// Makes a component of the module that was named.
pub(super) fn build(file: &Path, args: &BuildArgs) -> Result<build::Built> {
    let at = || file.display().to_string();
    let module = described(fs::read(file).with_context(at)?).with_context(at)?;
    let mut bytes = component::componentize(&module).with_context(at)?;
    let to = args.output.clone().unwrap_or_else(|| beside(file));
    if to == file {
        bail!("{} would be written over; name another file with --output", at());
    }
    let name = to.file_stem().unwrap_or_default().to_string_lossy();
    component::label_as(&mut bytes, &name);
    build::finish(&bytes, &name, &to)
}

/// `name.wasm` for `name.core.wasm`.
fn beside(file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{}.wasm", stem.trim_end_matches(".core")))
}

/// The module with a description of its types: its own if it has one.
fn described(mut module: Vec<u8>) -> Result<Vec<u8>> {
    let Found { has_types, interfaces } = Found::of(&module)?;
    if has_types {
        return Ok(module);
    }
    if interfaces.is_empty() {
        bail!(
            "it exports nothing of a policy; a function for a hook is called, for example, \
             {PACKAGE}request-hook@0.1.0#on-request"
        );
    }
    let exports: String = interfaces
        .iter()
        .filter(|name| *name != "setup")
        .map(|name| format!("    export {name};\n"))
        .collect();
    let text = format!("{CONTRACT}\nworld this-policy {{\n    include base;\n{exports}}}\n");
    let mut resolve = Resolve::default();
    let world = resolve
        .push_source("policy.wit", &text)
        .and_then(|package| resolve.select_world(&[package], Some("this-policy")))
        .map_err(|error| anyhow!("it exports a hook that there is not: {error:#}"))?;
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .map_err(|error| anyhow!("its types cannot be described: {error:#}"))?;
    Ok(module)
}

/// What a module says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    has_types: bool,
    /// Interfaces of the contract that it exports functions of.
    interfaces: BTreeSet<String>,
}

impl Found {
    fn of(module: &[u8]) -> Result<Self> {
        let mut found = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload.context("not a WebAssembly module")? {
                Payload::Version { encoding: wasmparser::Encoding::Component, .. } => {
                    bail!("it is a component already");
                }
                Payload::CustomSection(section) => {
                    found.has_types |= section.name().starts_with("component-type");
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let name = export.context("not a WebAssembly module")?.name;
                        found.interfaces.extend(interface(name).map(str::to_owned));
                    }
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

/// `request-hook` of `adit:policy/request-hook@0.1.0#on-request`.
fn interface(export: &str) -> Option<&str> {
    let (interface, _function) = export.strip_prefix(PACKAGE)?.split_once('#')?;
    Some(interface.split_once('@').map_or(interface, |(name, _version)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module by hand: it takes every configuration and lets every request pass.
    const PASS: &str = r#"(module
        (import "adit:policy/clock@0.1.0" "now" (func (result i64)))
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 64)
        (func (export "adit:policy/setup@0.1.0#configure") (param i32 i32) (result i32) i32.const 0)
        (func (export "adit:policy/request-hook@0.1.0#on-request") (param i32 i32) (result i32)
            (drop (call 0)) i32.const 0)
    )"#;

    fn wasm(text: &str) -> Vec<u8> {
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn a_module_of_any_compiler_becomes_a_component() {
        let module = described(wasm(PASS)).unwrap();
        let bytes = component::componentize(&module).unwrap();
        let contents = adit_wasm::inspect(&bytes).unwrap();
        assert_eq!(contents.imports["clock"], ["now"]);
        assert_eq!(contents.hooks.len(), 1);
        assert!(contents.has_setup && contents.foreign.is_empty());
    }

    #[test]
    fn what_is_no_policy_is_told_so() {
        let told = |text: &str| described(wasm(text)).unwrap_err().to_string();
        assert!(told("(module)").contains("request-hook@0.1.0#on-request"));
        assert_eq!(told("(component)"), "it is a component already");
        let odd = r#"(module (func (export "adit:policy/tea-hook@0.1.0#on-tea")))"#;
        assert!(told(odd).starts_with("it exports a hook that there is not"), "{}", told(odd));
    }

    #[test]
    fn a_description_that_is_there_stays() {
        let text = r#"(module (@custom "component-type:x" "y"))"#;
        assert_eq!(described(wasm(text)).unwrap(), wasm(text));
    }

    #[test]
    fn the_component_stands_beside_the_module() {
        assert_eq!(beside(Path::new("a/b.core.wasm")), Path::new("a/b.wasm"));
        assert_eq!(beside(Path::new("b.wasm")), Path::new("b.wasm"));
    }
}
