//! Reads the sections of a component itself: its types, imports and exports. Whether it is valid is
//! for the compiler to say.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use wasmparser::{
    BinaryReaderError, Chunk, ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind,
    ComponentType, ComponentTypeRef, InstanceTypeDeclaration, Parser, Payload,
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
    let mut types = Types::default();
    let read = sections(bytes, |payload| section(&mut inspection, &mut types, payload));
    read.map_err(|error| ComponentError::NotWasm(in_short(&error)))?;
    inspection.hooks.sort_unstable();
    inspection.hooks.dedup();
    Ok(inspection)
}

/// One line of what the parser says: it shows octets, each on a line of its own.
fn in_short(error: &BinaryReaderError) -> String {
    let text = error.message();
    text.split(" - expected=").next().unwrap_or(text).to_owned()
}

/// Functions of each type of the component, by the type's index; of all but instances there are
/// none.
#[derive(Default)]
struct Types(Vec<Vec<String>>);

/// Shows each section of the component itself. What is nested in it is skipped.
fn sections<'a>(
    bytes: &'a [u8],
    mut show: impl FnMut(Payload<'a>) -> Result<(), BinaryReaderError>,
) -> Result<(), BinaryReaderError> {
    let (mut parser, mut rest) = (Parser::new(0), bytes);
    loop {
        let Chunk::Parsed { consumed, payload } = parser.parse(rest, true)? else {
            // All of it is there: the parser never waits for more.
            return Ok(());
        };
        rest = rest.get(consumed..).unwrap_or_default();
        match payload {
            Payload::End(_) => return Ok(()),
            Payload::ModuleSection { unchecked_range: range, .. }
            | Payload::ComponentSection { unchecked_range: range, .. } => {
                rest = rest.get(range.len()..).unwrap_or_default();
            }
            payload => show(payload)?,
        }
    }
}

fn section(
    inspection: &mut Inspection,
    types: &mut Types,
    payload: Payload<'_>,
) -> Result<(), BinaryReaderError> {
    match payload {
        Payload::ComponentTypeSection(section) => {
            for ty in section {
                types.0.push(functions(&ty?));
            }
        }
        Payload::ComponentAliasSection(section) => {
            for alias in section {
                let is_type = matches!(
                    alias?,
                    ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. }
                        | ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, .. }
                );
                types.0.extend(is_type.then(Vec::new));
            }
        }
        Payload::ComponentImportSection(section) => {
            for import in section {
                let import = import?;
                let functions = match import.ty {
                    ComponentTypeRef::Instance(index) => usize::try_from(index).ok(),
                    _ => None,
                };
                let functions = functions.and_then(|index| types.0.get(index));
                inspection.import(import.name.name, functions);
                types.0.extend(matches!(import.ty, ComponentTypeRef::Type(_)).then(Vec::new));
            }
        }
        Payload::ComponentExportSection(section) => {
            for export in section {
                let export = export?;
                inspection.export(export.name.name);
                let is_type = export.kind == ComponentExternalKind::Type;
                types.0.extend(is_type.then(Vec::new));
            }
        }
        Payload::CustomSection(section) if section.name() == SECTION => {
            inspection.manifest = manifest(section.data());
        }
        _ => {}
    }
    Ok(())
}

/// The functions that an instance type exports, as the contract names them: `request.header`.
fn functions(ty: &ComponentType<'_>) -> Vec<String> {
    let ComponentType::Instance(declarations) = ty else { return Vec::new() };
    let name = |declaration: &InstanceTypeDeclaration<'_>| match declaration {
        InstanceTypeDeclaration::Export { name, ty: ComponentTypeRef::Func(_) } => {
            let name = name.name;
            let plain = name.strip_prefix("[method]").or_else(|| name.strip_prefix("[static]"));
            Some(plain.unwrap_or(name).to_owned())
        }
        _ => None,
    };
    declarations.iter().filter_map(name).collect()
}

fn manifest(data: &[u8]) -> Option<Manifest> {
    (data.len() <= MAX_MANIFEST).then(|| serde_json::from_slice(data).ok()).flatten()
}

impl Inspection {
    fn import(&mut self, name: &str, functions: Option<&Vec<String>>) {
        let Some((interface, version)) = ours(name) else {
            self.foreign.push(name.to_owned());
            return;
        };
        self.abi.get_or_insert_with(|| version.to_owned());
        let known = self.imports.entry(interface.to_owned()).or_default();
        known.extend(functions.into_iter().flatten().cloned());
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
