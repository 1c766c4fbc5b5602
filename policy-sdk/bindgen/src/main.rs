//! Writes the committed bindings of `adit-policy-sdk`.
//!
//! One module holds everything that a policy may import. For each interface that a policy may
//! export there is a module of its own, whose imported types are those of the first module; so a
//! component exports exactly the hooks that its author named, and nobody who writes a policy
//! compiles a WIT parser.
//!
//! `--check` writes nothing and fails when the committed files are not what would be written.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use wit_bindgen_core::wit_parser::{Resolve, UnresolvedPackageGroup, WorldId};
use wit_bindgen_core::{Files, WorldGenerator as _};
use wit_bindgen_rust::{Opts, WithOption};

const EXPORTS: [&str; 9] = [
    "setup",
    "connection-hook",
    "close-hook",
    "stream-hook",
    "request-hook",
    "request-body-hook",
    "response-hook",
    "response-body-hook",
    "finish-hook",
];
const IMPORTS: [&str; 14] = [
    "types",
    "connections",
    "http",
    "outcomes",
    "agent",
    "log",
    "clock",
    "random",
    "kv",
    "rate",
    "metrics",
    "secrets",
    "crypto",
    "outbound",
];
const SDK: &str = "::adit_policy_sdk";

fn main() -> Result<()> {
    let check = std::env::args().any(|arg| arg == "--check");
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("has a parent")?;
    let mut stale = Vec::new();
    for (path, text) in generate(sdk)? {
        let committed = fs::read_to_string(&path).unwrap_or_default();
        if committed == text {
            continue;
        }
        match check {
            true => stale.push(path.display().to_string()),
            false => fs::write(&path, text).with_context(|| path.display().to_string())?,
        }
    }
    if !stale.is_empty() {
        bail!("not what the WIT says, run this tool without --check: {}", stale.join(", "));
    }
    Ok(())
}

fn generate(sdk: &Path) -> Result<Vec<(PathBuf, String)>> {
    let wit = sdk.join("wit/policy.wit");
    let text = fs::read_to_string(&wit).with_context(|| wit.display().to_string())?;
    let (resolve, worlds) = parse(&text)?;
    let folder = sdk.join("src/bindings");
    let mut out = vec![(folder.join("imports.rs"), module(&resolve, worlds[0], None)?)];
    for (export, world) in EXPORTS.iter().zip(&worlds[1..]) {
        let name = export.replace('-', "_");
        out.push((folder.join(format!("{name}.rs")), module(&resolve, *world, Some(&name))?));
    }
    Ok(out)
}

/// The contract, with one world of imports and one world for each export added to its package.
fn parse(text: &str) -> Result<(Resolve, Vec<WorldId>)> {
    let mut text = text.to_owned();
    text.push_str("\nworld sdk-imports {\n");
    for import in IMPORTS {
        text.push_str(&format!("  import {import};\n"));
    }
    text.push_str("}\n");
    for export in EXPORTS {
        text.push_str(&format!(
            "\nworld sdk-{export} {{\n  include sdk-imports;\n  export {export};\n}}\n"
        ));
    }
    let mut resolve = Resolve::default();
    let group = UnresolvedPackageGroup::parse("policy.wit", &text)
        .map_err(|(_, error)| anyhow::anyhow!("policy.wit: {error:?}"))?;
    let package = resolve.push_group(group)?;
    let names = ["sdk-imports".to_owned()].into_iter().chain(EXPORTS.map(|e| format!("sdk-{e}")));
    let worlds = names.map(|name| resolve.select_world(&[package], Some(&name)));
    let worlds = worlds.collect::<Result<_>>()?;
    Ok((resolve, worlds))
}

fn module(resolve: &Resolve, world: WorldId, export: Option<&str>) -> Result<String> {
    let mut opts = Opts {
        format: true,
        runtime_path: Some(format!("{SDK}::rt")),
        // Reads of a head are the common case: no copies into owned arguments.
        generate_all: true,
        ..Opts::default()
    };
    if let Some(export) = export {
        opts.generate_all = false;
        opts.pub_export_macro = true;
        opts.default_bindings_module = Some(format!("{SDK}::bindings::{export}"));
        for import in IMPORTS {
            let path = format!("{SDK}::bindings::imports::adit::policy::{}", import);
            opts.with.push((format!("adit:policy/{import}@0.1.0"), WithOption::Path(path)));
        }
        opts.with.push((
            format!("adit:policy/{}@0.1.0", export.replace('_', "-")),
            WithOption::Generate,
        ));
    }
    let mut files = Files::default();
    opts.build().generate(&mut resolve.clone(), world, &mut files)?;
    let Some((_, text)) = files.iter().next() else { bail!("nothing was generated") };
    Ok(String::from_utf8(text.to_vec())?)
}
