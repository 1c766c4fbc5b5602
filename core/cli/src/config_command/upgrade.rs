//! `adit config upgrade`: a later version of the same file, and a copy of the old one.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use adit_config::{location::Persona, upgrade};
use anyhow::{Context, Result, bail};
use tracing::warn;

use super::{
    args::UpgradeArgs,
    whereabouts,
    write::{self, Access},
};
use crate::{args::GlobalArgs, output::line};

pub(super) fn run(persona: Persona, global: &GlobalArgs, args: &UpgradeArgs) -> Result<ExitCode> {
    let path = whereabouts::one(persona, global)?;
    let Some(bytes) = write::read(&path)? else {
        bail!("there is no configuration file at {}", path.display());
    };
    let upgraded = upgrade::upgrade(&path.display().to_string(), &bytes, args.version)?;
    let target = match args.relocate {
        true => Some(whereabouts::default(persona)?).filter(|target| !same(target, &path)),
        false => None,
    };
    if let Some(target) = target.as_ref().filter(|target| target.exists()) {
        bail!("--relocate: there is already a file at {}", target.display());
    }
    let changed = upgraded.from != upgraded.to;
    if !args.dry_run {
        if changed {
            let backup = backup(&path, upgraded.from);
            fs::copy(&path, &backup)
                .with_context(|| format!("{}: cannot write the backup", backup.display()))?;
        }
        let new = target.as_ref().unwrap_or(&path);
        if changed || target.is_some() {
            write::write(new, upgraded.text.as_bytes(), Access::Kept)?;
        }
        if target.is_some() {
            fs::remove_file(&path)
                .with_context(|| format!("{}: cannot remove the file", path.display()))?;
        }
    }
    // Fact: wrappers kill the program at the first byte that it prints, so this comes last.
    for note in &upgraded.notes {
        warn!(path = %path.display(), "{note}");
    }
    match (changed, target) {
        (true, _) => line(upgraded.text.trim_end_matches(['\r', '\n'])),
        (false, Some(target)) if args.dry_run => {
            line(format_args!("{} would move to {}", path.display(), target.display()));
        }
        (false, Some(target)) => {
            line(format_args!("{} moved to {}", path.display(), target.display()));
        }
        (false, None) => {
            line(format_args!("{} already has version {}", path.display(), upgraded.to));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `ngrok.yml.v1.bak`. Fact: tools that upgrade a file look for it there.
fn backup(path: &Path, version: u8) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".v{version}.bak"));
    name.into()
}

/// Whether both are one file.
fn same(a: &Path, b: &Path) -> bool {
    a == b || matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}
