//! Memory of instances, as the system counts it.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};

use crate::policy::{
    given::{Given, Subject},
    stage::{Setting, Stage},
};

/// Instances that are made to see what one takes.
const INSTANCES: usize = 64;
/// Octets of a page, as `/proc` counts them.
const PAGE: usize = 4096;

/// What one instance that was configured takes. `None` where the system does not tell.
pub(super) fn of_instance(subject: &Subject, given: &Given) -> Result<Option<usize>> {
    let one = Stage::new(subject, given, Setting { warm: 1, ..Setting::default() })?;
    let Some(before) = resident() else { return Ok(None) };
    let many = Stage::new(subject, given, Setting { warm: INSTANCES + 1, ..Setting::default() })?;
    let after = resident();
    drop((one, many));
    Ok(after.map(|after| after.saturating_sub(before) / INSTANCES))
}

/// Octets of this process in memory.
fn resident() -> Option<usize> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    Some(text.split_whitespace().nth(1)?.parse::<usize>().ok()? * PAGE)
}

/// A directory of our own that goes when this is dropped.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| anyhow!("no random bytes: {error}"))?;
        let name = format!("adit-bench-{:016x}", u64::from_le_bytes(random));
        let dir = std::env::temp_dir().join(name);
        // Compiled code is never taken from a directory that others can write to.
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&dir)
            .with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Self(dir))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
