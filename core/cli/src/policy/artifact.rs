//! A component in a file: where it is, what it is called, what its neighbours say about it.

use std::path::{Path, PathBuf};

use super::{
    contents::Contents,
    given::{self, CASES},
    text,
};

/// The component's place beside the manifest of its crate.
pub(super) fn beside(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.wasm"))
}

/// The entry of the configuration file for it.
pub(super) fn entry(contents: &Contents, file: &Path) -> String {
    let wasm = file.file_name().unwrap_or_default().to_string_lossy();
    // Whoever wrote cases knows the names; without them, or with bad ones, none are shown.
    let cases = given::load(&file.with_file_name(CASES)).unwrap_or_default();
    text::entry(contents, &contents.name(file), &format!("./{wasm}"), &cases["grants"])
}
