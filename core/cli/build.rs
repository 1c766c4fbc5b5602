//! Embeds the sources that a policy is written with, for `adit policy new`.

use std::{
    env,
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

/// What of the SDK a policy needs, beside its `.rs` files.
const WITH: [&str; 4] = ["toml", "md", "wit", "rs"];
/// Directories that are only for working on the SDK itself.
const WITHOUT: [&str; 5] = ["benches", "bindgen", "examples", "target", "tests"];

fn main() -> io::Result<()> {
    link();
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = here.join("../..");
    let sdk = root.join("policy-sdk");
    let mut files = Vec::new();
    if env::var_os("CARGO_FEATURE_WASM").is_some() {
        println!("cargo:rerun-if-changed={}", sdk.display());
        println!("cargo:rerun-if-changed={}", root.join("Cargo.toml").display());
        gather(&sdk, &mut files)?;
    }
    println!("cargo:rerun-if-changed=build.rs");
    files.sort();

    let mut code = format!("pub(super) static SDK: [(&str, &str); {}] = [\n", files.len());
    for file in &files {
        let path = file.strip_prefix(&sdk).unwrap_or(file).display().to_string();
        let _ = writeln!(code, "    ({path:?}, include_str!({:?})),", file.display().to_string());
    }
    code.push_str("];\n");
    let _ = writeln!(
        code,
        "pub(super) static ROOT: &str = include_str!({:?});",
        root.join("Cargo.toml").display().to_string()
    );
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("sdk.rs"), code)
}

/// A position-independent program of this size has a megabyte of relocations, which are read, and
/// stay resident, at each start. In the packed form they are a hundredth of that.
fn link() {
    let is = |key: &str, value: &str| env::var(key).is_ok_and(|found| found == value);
    // Reason: only there is the linker the one that comes with the toolchain, which knows the form,
    // and the C library surely new enough.
    if is("CARGO_CFG_TARGET_ENV", "gnu") && is("CARGO_CFG_TARGET_ARCH", "x86_64") {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

fn gather(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if entry.file_type()?.is_dir() {
            if !WITHOUT.contains(&name.as_str()) {
                gather(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| WITH.iter().any(|w| extension == *w)) {
            files.push(path);
        }
    }
    Ok(())
}
