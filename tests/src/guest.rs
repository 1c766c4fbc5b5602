//! Policies of these tests, compiled as a user compiles theirs.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Compiles a policy of the checkout with `adit policy build`, and says where the component is.
/// `adit` is the program under test, `dir` the crate, seen from the top of the tree.
///
/// # Panics
/// If it cannot be built; the text says why, and what is missing.
pub fn built(adit: &str, dir: &str, into: &str) -> PathBuf {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let name = Path::new(dir).file_name().expect("a crate has a name").to_string_lossy();
    let file = Path::new(into).join(format!("{name}.wasm"));
    let mut command = Command::new(adit);
    command.args(["policy", "build", "-o"]).arg(&file).arg(top.join(dir));
    // Where the usual compiler lacks the target, `tests/wasm/install` finds another one.
    if let Some(rustc) = std::env::var_os("ADIT_POLICY_RUSTC") {
        command.env("RUSTC", rustc);
    }
    let output = command.output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{dir} was not built (tests/wasm/install helps): {said}");
    file
}
