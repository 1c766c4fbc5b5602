//! The SDK's sources, as they are written into a policy's directory.
//!
//! The SDK's manifests lean on the workspace that they live in. Written elsewhere they must say
//! everything themselves, and need nothing that is only for working on the SDK.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

/// Sections that only the SDK's own tests and lints need.
const LEFT_OUT: [&str; 4] = ["lints", "[test", "[bench", "[example"];

/// Writes the SDK to `dir`, which is made.
pub(super) fn write(dir: &Path) -> Result<()> {
    for (path, text) in SDK {
        let file = dir.join(path);
        let at = || format!("cannot write {}", file.display());
        fs::create_dir_all(file.parent().unwrap_or(dir)).with_context(at)?;
        if path.ends_with("Cargo.toml") {
            let text = manifest(path, text, ROOT)?;
            fs::write(&file, text).with_context(at)?;
        } else {
            fs::write(&file, text).with_context(at)?;
        }
    }
    Ok(())
}

/// A manifest that stands alone: what it takes from the workspace is filled in from `root`.
fn manifest(path: &str, text: &str, root: &str) -> Result<String> {
    let mut out = String::new();
    let mut section = String::new();
    let mut left_out = false;
    for line in text.lines() {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end().trim_end_matches(']').to_owned();
            left_out = section.ends_with("dev-dependencies")
                || LEFT_OUT.iter().any(|name| section.starts_with(name));
        }
        if left_out {
            continue;
        }
        match inherited(line) {
            Some((key, rest)) => {
                let from = if section == "package" { "package" } else { "dependencies" };
                let value = of_workspace(root, from, key)
                    .with_context(|| format!("{path}: {key} of the workspace"))?;
                out.push_str(&format!("{key} = {}\n", joined(path, key, value, rest)?));
            }
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    Ok(out.trim_end().to_owned() + "\n")
}

/// `serde.workspace = true` and `serde = { workspace = true, optional = true }`: the key, and what
/// is said beside it.
fn inherited(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    if let Some(key) = key.strip_suffix(".workspace") {
        return (value == "true").then_some((key, ""));
    }
    let inside = value.strip_prefix('{')?.strip_suffix('}')?.trim();
    let rest = inside.strip_prefix("workspace = true")?;
    Some((key, rest.trim_start_matches(',').trim()))
}

/// What the workspace says for a key, which stands on one line.
fn of_workspace<'a>(root: &'a str, section: &str, key: &str) -> Option<&'a str> {
    let header = format!("[workspace.{section}]");
    let lines = root.lines().skip_while(|line| line.trim() != header).skip(1);
    let mut lines = lines.take_while(|line| !line.starts_with('['));
    lines.find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then_some(value.trim())
    })
}

/// The workspace's value with what the member adds.
fn joined(path: &str, key: &str, value: &str, rest: &str) -> Result<String> {
    let inside = match value.strip_prefix('{').and_then(|value| value.strip_suffix('}')) {
        Some(inside) => inside.trim().to_owned(),
        None if rest.is_empty() && !value.ends_with('[') => return Ok(value.to_owned()),
        None if value.starts_with('"') => format!("version = {value}"),
        None => bail!("{path}: {key} of the workspace is not written on one line"),
    };
    // Our own crates lie beside each other as they do in the tree: policy-sdk is the top.
    let above = if path.contains('/') { "../" } else { "" };
    let inside = inside.replace("\"policy-sdk/", &format!("\"{above}"));
    let features = |text: &str| {
        let (_, rest) = text.split_once("features = [")?;
        Some(rest.split_once(']')?.0.trim().to_owned())
    };
    let Some(mine) = features(rest) else {
        let rest = if rest.is_empty() { String::new() } else { format!(", {rest}") };
        return Ok(format!("{{ {inside}{rest} }}"));
    };
    Ok(match features(&inside) {
        Some(theirs) => {
            let rest = rest.replace(
                &format!("features = [{mine}]"),
                &format!("features = [{theirs}, {mine}]"),
            );
            let inside = inside.replace(&format!(", features = [{theirs}]"), "");
            format!("{{ {inside}, {rest} }}")
        }
        None => format!("{{ {inside}, {rest} }}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT_EXAMPLE: &str = r#"
[workspace.package]
version = "0.1.0"
[workspace.dependencies]
adit-policy-macro = { path = "policy-sdk/macro" }
serde = { version = "1", features = ["derive", "rc"] }
serde_json = "1"
[profile.dev]
serde_json = "wrong"
"#;

    fn line(path: &str, section: &str, line: &str) -> String {
        let text = format!("[{section}]\n{line}\n");
        let text = manifest(path, &text, ROOT_EXAMPLE).unwrap();
        text.lines().nth(1).unwrap().to_owned()
    }

    #[test]
    fn what_a_manifest_inherits_is_filled_in() {
        let dependency = |text| line("Cargo.toml", "dependencies", text);
        assert_eq!(
            line("Cargo.toml", "package", "version.workspace = true"),
            r#"version = "0.1.0""#
        );
        assert_eq!(dependency("serde_json.workspace = true"), r#"serde_json = "1""#);
        assert_eq!(
            dependency("serde_json = { workspace = true, optional = true }"),
            r#"serde_json = { version = "1", optional = true }"#
        );
        assert_eq!(
            dependency(r#"serde = { workspace = true, features = ["alloc"] }"#),
            r#"serde = { version = "1", features = ["derive", "rc", "alloc"] }"#
        );
        assert_eq!(
            dependency("adit-policy-macro.workspace = true"),
            r#"adit-policy-macro = { path = "macro" }"#
        );
        assert_eq!(
            line("macro/Cargo.toml", "dependencies", "adit-policy-macro.workspace = true"),
            r#"adit-policy-macro = { path = "../macro" }"#
        );
    }

    #[test]
    fn sections_for_working_on_the_sdk_are_left_out() {
        let text = "[lints]\nworkspace = true\n\n[[test]]\nname = \"a\"\n\n[features]\na = []\n";
        assert_eq!(manifest("Cargo.toml", text, ROOT_EXAMPLE).unwrap(), "[features]\na = []\n");
    }

    #[test]
    fn every_manifest_of_the_sdk_can_stand_alone() {
        let manifests = SDK.iter().filter(|(path, _)| path.ends_with("Cargo.toml"));
        let mut n = 0;
        for (path, text) in manifests {
            let text = manifest(path, text, ROOT).unwrap();
            assert!(!text.contains("workspace"), "{path}: {text}");
            n += 1;
        }
        assert_eq!(n, 3);
    }
}
