//! Reads a component's sections. Functions' bodies are left to the compiler, which checks them.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use wasmparser::{
    Encoding, Parser, Payload, Validator, WasmFeatures,
    component_types::ComponentEntityType,
    types::{Types, TypesRef},
};

use super::{
    CONTRACT, ComponentError, Inspection, Manifest, SERVED,
    manifest::{MAX_MANIFEST, SECTION},
};
use crate::hook::HookInterface;

const MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";
const ELF: [u8; 4] = *b"\x7fELF";

pub(super) fn inspect(bytes: &[u8]) -> Result<Inspection, ComponentError> {
    if bytes.starts_with(&MODULE) {
        return Err(ComponentError::CoreModule);
    }
    if bytes.starts_with(&ELF) {
        return Err(ComponentError::Precompiled);
    }
    let bad = |error: wasmparser::BinaryReaderError| ComponentError::NotWasm(error.to_string());
    let mut inspection = Inspection {
        digest: Sha256::digest(bytes).into(),
        size: bytes.len(),
        imports: BTreeMap::new(),
        foreign: Vec::new(),
        hooks: Vec::new(),
        has_setup: false,
        abi: None,
        manifest: None,
    };
    let mut names = Names::default();
    let types = sections(bytes, &mut names, &mut inspection).map_err(bad)?;
    let Some(types) = types else {
        return Err(ComponentError::NotWasm("it ends early".to_owned()));
    };
    let types = types.as_ref();
    for name in names.imports {
        inspection.import(&name, types);
    }
    for name in names.exports {
        inspection.export(&name);
    }
    inspection.hooks.sort_unstable();
    inspection.hooks.dedup();
    Ok(inspection)
}

/// Names of what the component itself imports and exports.
#[derive(Default)]
struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
}

fn sections(
    bytes: &[u8],
    names: &mut Names,
    inspection: &mut Inspection,
) -> Result<Option<Types>, wasmparser::BinaryReaderError> {
    let mut validator = Validator::new_with_features(WasmFeatures::default());
    let (mut depth, mut types) = (0_usize, None);
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        match &payload {
            Payload::Version { encoding: Encoding::Component | Encoding::Module, .. } => depth += 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section.clone() {
                    names.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section.clone() {
                    names.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::CustomSection(section) if depth == 1 && section.name() == SECTION => {
                inspection.manifest = manifest(section.data());
            }
            Payload::End(_) => depth -= 1,
            _ => {}
        }
        match validator.payload(&payload)? {
            wasmparser::ValidPayload::End(all) => types = Some(all),
            // The compiler checks bodies; here they would cost more than the rest.
            wasmparser::ValidPayload::Func(..)
            | wasmparser::ValidPayload::Ok
            | wasmparser::ValidPayload::Parser(_) => {}
        }
    }
    Ok(types)
}

fn manifest(data: &[u8]) -> Option<Manifest> {
    (data.len() <= MAX_MANIFEST).then(|| serde_json::from_slice(data).ok()).flatten()
}

impl Inspection {
    fn import(&mut self, name: &str, types: TypesRef<'_>) {
        let Some((interface, version)) = ours(name) else {
            self.foreign.push(name.to_owned());
            return;
        };
        self.abi.get_or_insert_with(|| version.to_owned());
        let functions = self.imports.entry(interface.to_owned()).or_default();
        let Some(item) = types.component_item_for_import(name) else { return };
        let ComponentEntityType::Instance(id) = item.ty else { return };
        for (export, item) in &types[id].exports {
            if matches!(item.ty, ComponentEntityType::Func(_)) {
                let plain = export.trim_start_matches("[method]").trim_start_matches("[static]");
                functions.push(plain.to_owned());
            }
        }
    }

    fn export(&mut self, name: &str) {
        let Some((interface, version)) = ours(name) else { return };
        self.abi.get_or_insert_with(|| version.to_owned());
        if interface == "setup" {
            self.has_setup = true;
        }
        self.hooks.extend(HookInterface::named(interface));
    }
}

/// Interface and version, of a name of the contract that is served.
fn ours(name: &str) -> Option<(&str, &str)> {
    let (interface, version) = name.strip_prefix(CONTRACT)?.strip_prefix('/')?.split_once('@')?;
    version.starts_with(SERVED).then_some((interface, version))
}
