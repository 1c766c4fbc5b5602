//! The files of a new policy.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::name::Name;

/// What the files say.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) name: &'a Name,
    /// Path of the SDK, from the crate.
    pub(super) sdk: &'a str,
    pub(super) own_workspace: bool,
}

const MANIFEST: &str = include_str!("../../../templates/policy/Cargo.toml.in");
/// At the end of the manifest, unless a workspace takes the crate in: its root decides profiles.
const WORKSPACE: &str = include_str!("../../../templates/policy/workspace.toml.in");
const FILES: [(&str, &str); 5] = [
    (".gitignore", include_str!("../../../templates/policy/gitignore.in")),
    ("README.md", include_str!("../../../templates/policy/README.md.in")),
    ("adit.yml", include_str!("../../../templates/policy/adit.yml.in")),
    ("cases.yml", include_str!("../../../templates/policy/cases.yml.in")),
    ("src/lib.rs", include_str!("../../../templates/policy/lib.rs.in")),
];

/// Writes all of them.
pub(super) fn write(dir: &Path, facts: &Facts<'_>) -> Result<()> {
    fs::create_dir_all(dir.join("src")).with_context(|| dir.display().to_string())?;
    for (path, text) in FILES {
        put(&dir.join(path), &filled(text, facts))?;
    }
    manifest(dir, facts)
}

/// Writes the manifest.
pub(super) fn manifest(dir: &Path, facts: &Facts<'_>) -> Result<()> {
    let mut text = filled(MANIFEST, facts);
    if facts.own_workspace {
        text.push_str(&filled(WORKSPACE, facts));
    }
    put(&dir.join("Cargo.toml"), &text)
}

fn filled(text: &str, facts: &Facts<'_>) -> String {
    text.replace("{{name}}", facts.name.as_str())
        .replace("{{type}}", &facts.name.type_name())
        .replace("{{sdk}}", facts.sdk)
}

fn put(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
