//! Lists the files of the page, so that they are embedded without being named one by one.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
};

/// What a browser may be given. Anything else in the directory is not embedded.
const TYPES: [&str; 8] = ["css", "html", "ico", "js", "png", "svg", "txt", "woff2"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("web");
    let mut files = Vec::new();
    list(&root, &mut files)?;
    let mut named = Vec::new();
    for file in files {
        let parts: Vec<_> = file.strip_prefix(&root)?.iter().map(|p| p.to_string_lossy()).collect();
        named.push((parts.join("/"), file));
    }
    // By name, as the program looks for them.
    named.sort();
    let mut table = fs::File::create(Path::new(&env::var("OUT_DIR")?).join("files.rs"))?;
    writeln!(table, "&[")?;
    for (name, file) in &named {
        writeln!(table, "    ({name:?}, include_bytes!({file:?})),")?;
    }
    writeln!(table, "]")?;
    Ok(())
}

fn list(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    println!("cargo::rerun-if-changed={}", directory.display());
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_some_and(|e| TYPES.iter().any(|t| e == *t)) {
            files.push(path);
        }
    }
    Ok(())
}
