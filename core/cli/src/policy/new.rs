//! `adit policy new`.

mod name;
mod template;

use std::{
    fs,
    path::{Component, Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail};

use self::{name::Name, template::Facts};
use super::{args::NewArgs, cargo, vendor};
use crate::output::line;

pub(super) fn run(args: &NewArgs) -> Result<()> {
    let name = Name::parse(&args.name)?;
    let dir = args.path.clone().unwrap_or_else(|| PathBuf::from(name.as_str()));
    if dir.symlink_metadata().is_ok() {
        bail!("{} exists already; choose another name, or a directory with --path", dir.display());
    }
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let written = write(&name, &dir);
    if written.is_err() {
        // It was not there before, so nothing of the user's is in it.
        let _ = fs::remove_dir_all(&dir);
    }
    let sdk = written?;
    line(format_args!("made {}, with the SDK {sdk}", dir.display()));
    line("");
    line("next:");
    if dir != Path::new(".") {
        line(format_args!("  cd {}", dir.display()));
    }
    line("  adit policy test                      # native tests, then the component's");
    line("  adit policy run -H 'x-api-key: a' /   # one request through it");
    line("  adit policy run -- 8080               # in front of your service, reloaded on change");
    Ok(())
}

/// Writes the crate; says where its SDK is.
fn write(name: &Name, dir: &Path) -> Result<String> {
    let dir = dir.canonicalize().with_context(|| dir.display().to_string())?;
    let (sdk, says) = match checkout(&dir) {
        Some(sdk) => {
            let path = between(&dir, &sdk);
            let says = format!("of this checkout ({path})");
            (path, says)
        }
        None => {
            vendor::write(&dir.join("sdk"))?;
            ("sdk".to_owned(), "in sdk/".to_owned())
        }
    };
    let facts = Facts { name, sdk: &sdk, own_workspace: true };
    template::write(&dir, &facts)?;
    if may_be_adopted(&dir) {
        // Only cargo knows what `members` and `exclude` mean together: ask it about the crate
        // without a workspace of its own.
        template::manifest(&dir, &Facts { own_workspace: false, ..facts })?;
        if !cargo_accepts(&dir) {
            template::manifest(&dir, &facts)?;
        }
    }
    Ok(says)
}

/// The SDK of the checkout of adit that `dir` is in.
fn checkout(dir: &Path) -> Option<PathBuf> {
    let is_sdk = |manifest: &Path| {
        fs::read_to_string(manifest)
            .is_ok_and(|text| text.lines().any(|line| line.trim() == "name = \"adit-policy-sdk\""))
    };
    dir.ancestors()
        .skip(1)
        .map(|dir| dir.join("policy-sdk"))
        .find(|sdk| is_sdk(&sdk.join("Cargo.toml")))
}

/// The way from one directory to another, both canonical.
fn between(from: &Path, to: &Path) -> String {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to.components().skip(shared)).collect();
    path.display().to_string()
}

fn may_be_adopted(dir: &Path) -> bool {
    let is_workspace = |dir: &Path| {
        fs::read_to_string(dir.join("Cargo.toml"))
            .is_ok_and(|text| text.lines().any(|line| line.trim() == "[workspace]"))
    };
    dir.ancestors().skip(1).any(is_workspace)
}

fn cargo_accepts(dir: &Path) -> bool {
    let mut command = cargo::cargo();
    command.args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"]);
    command.arg(dir.join("Cargo.toml")).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_sdk_is_relative() {
        let way = |from: &str, to: &str| between(Path::new(from), Path::new(to));
        assert_eq!(way("/a/examples/x", "/a/policy-sdk"), "../../policy-sdk");
        assert_eq!(way("/a/x", "/a/policy-sdk"), "../policy-sdk");
    }
}
