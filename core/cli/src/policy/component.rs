//! From a core module to a component with a label.

use anyhow::{Result, anyhow, bail};
use serde_json::{Value, json};
use wit_component::ComponentEncoder;

use super::cargo::{Compiled, Crate};

/// The custom section that says whose component it is.
pub(super) const SECTION: &str = "adit:policy";
/// The oldest agent that has every function of the contract's present version.
const MIN_AGENT: &str = "0.1.0";

/// A component of what the compiler left.
pub(super) fn componentize(module: &[u8]) -> Result<Vec<u8>> {
    if let Some(import) = foreign(module) {
        bail!(explain(&import));
    }
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| anyhow!("no component can be made of it: {error:#}"))
}

/// Adds the label.
pub(super) fn label(component: &mut Vec<u8>, of: &Crate, compiled: &Compiled) {
    let min = of.metadata["min-agent"].as_str().unwrap_or(MIN_AGENT);
    let mut label = json!({ "name": of.name, "version": of.version, "min-agent": min });
    let optional = [("sdk", &compiled.sdk), ("description", &of.description)];
    for (key, value) in optional {
        if let Some(value) = value {
            label[key] = Value::from(value.as_str());
        }
    }
    append(component, SECTION, label.to_string().as_bytes());
}

/// Adds a label to what was not compiled from a crate.
pub(super) fn label_as(component: &mut Vec<u8>, name: &str) {
    let label = json!({ "name": name, "min-agent": MIN_AGENT });
    append(component, SECTION, label.to_string().as_bytes());
}

/// Appends a custom section: `0`, length, length of the name, name, data.
fn append(component: &mut Vec<u8>, name: &str, data: &[u8]) {
    let mut body = leb128(name.len());
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(data);
    component.push(0);
    component.extend(leb128(body.len()));
    component.extend(body);
}

fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// The first thing that a core module wants from somebody who is not there.
fn foreign(module: &[u8]) -> Option<String> {
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let wasmparser::Payload::ImportSection(imports) = payload.ok()? else { continue };
        let modules = imports.into_imports().filter_map(|import| Some(import.ok()?.module));
        let mut foreign = modules.filter(|module| !is_of_a_component(module));
        if let Some(module) = foreign.next() {
            return Some(module.to_owned());
        }
    }
    None
}

/// Bindings import from `namespace:package/interface`, exported resources from `[export]…`, and
/// functions of a world from `$root`.
fn is_of_a_component(module: &str) -> bool {
    (module.contains(':') && !module.starts_with("wasi:")) || module == "$root"
}

/// Why a policy cannot have that import, and what to do.
pub(super) fn explain(import: &str) -> String {
    if import.starts_with("wasi") {
        format!(
            "it imports {import}: a policy has no files, sockets or environment of its own. Build \
             it for wasm32-unknown-unknown (not wasm32-wasip1 or -wasip2); if it was, a crate that \
             it depends on brings the import: find it with `cargo tree`, and use the SDK's clock, \
             random and log instead"
        )
    } else if import.starts_with("__wbindgen") || import.starts_with("wbg") {
        format!(
            "it imports {import}, which only a browser has: a crate that it depends on takes \
             wasm32 for a browser; find it with `cargo tree` and turn its feature \"js\" or \
             \"wasm-bindgen\" off"
        )
    } else {
        format!(
            "it imports {import}, which no agent has: some code in it declares a function that \
             nobody defines, often a C library that was not built for this target"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_little_endian_in_groups_of_seven_bits() {
        assert_eq!(leb128(0), [0]);
        assert_eq!(leb128(127), [0x7f]);
        assert_eq!(leb128(128), [0x80, 1]);
        assert_eq!(leb128(624_485), [0xe5, 0x8e, 0x26]);
    }

    #[test]
    fn a_module_that_wants_a_browser_or_an_operating_system_is_explained() {
        let wants = |module: &str| {
            let text = format!("(module (import \"{module}\" \"f\" (func)))");
            componentize(&wat::parse_str(text).unwrap()).unwrap_err().to_string()
        };
        assert!(wants("wasi_snapshot_preview1").contains("no files, sockets or environment"));
        assert!(wants("__wbindgen_placeholder__").contains("only a browser has"));
        assert!(wants("env").starts_with("it imports env, which no agent has"));
    }
}
