//! A component in a file: where it is, what it is called, what its neighbours say about it.

use std::path::{Path, PathBuf};

use super::{contents::Contents, text};

/// The component's place beside the manifest of its crate.
pub(super) fn beside(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.wasm"))
}

/// The entry of the configuration file for it.
pub(super) fn entry(contents: &Contents, file: &Path) -> String {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let label = contents.label.as_ref().and_then(|label| label["name"].as_str());
    let name = label.map(str::to_owned).or(stem).unwrap_or_else(|| "policy".to_owned());
    let wasm = file.file_name().unwrap_or_default().to_string_lossy();
    text::entry(contents, &name, &format!("./{wasm}"), &[])
}
