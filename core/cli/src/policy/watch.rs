//! Rebuilding a policy when its sources change.
//!
//! Which files those are, cargo knows: it leaves a list beside what it builds. Looking at their
//! times a few times a second costs nothing worth a library for it, works on every file system,
//! and sees an editor's rename as well as a write.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant, SystemTime},
};

use super::{args::ProfileArgs, build, cargo::Crate, text};
use crate::output;

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(150);
/// Most files that are looked at.
const MAX_FILES: usize = 2_000;

/// What is known of the files of a crate.
#[derive(Debug, PartialEq, Eq)]
struct Seen(BTreeMap<PathBuf, Option<(SystemTime, u64)>>);

impl Seen {
    fn look(files: &[PathBuf]) -> Self {
        let state = |path: &PathBuf| {
            let meta = fs::metadata(path).ok()?;
            Some((meta.modified().ok()?, meta.len()))
        };
        Self(files.iter().map(|path| (path.clone(), state(path))).collect())
    }
}

/// Rebuilds until `stop` says so, or its other end is gone. Whoever serves the component watches
/// its file.
pub(super) fn rebuild(of: &Crate, profile: ProfileArgs, stop: Receiver<()>) {
    let mut files = sources(of);
    let mut seen = Seen::look(&files);
    while matches!(stop.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout)) {
        let now = Seen::look(&files);
        if now == seen {
            continue;
        }
        let began = Instant::now();
        match build::build(of, profile, None) {
            Ok(built) => output::line(format_args!(
                "Rebuilt     {} in {:.1} s ({})",
                of.name,
                began.elapsed().as_secs_f64(),
                text::size(built.contents.size())
            )),
            Err(error) => output::error(&format!("{error:#}\nthe policy from before stays")),
        }
        // What changed while it was compiled is seen as a change.
        let next = sources(of);
        seen = if next == files { now } else { Seen::look(&next) };
        files = next;
    }
}

/// The files that a crate is made of.
pub(super) fn sources(of: &Crate) -> Vec<PathBuf> {
    let mut files = vec![of.manifest.clone()];
    let listed = of.sources();
    if listed.is_empty() {
        gather(&of.dir().join("src"), &mut files);
    } else {
        files.extend(listed);
    }
    files.sort();
    files.dedup();
    files.truncate(MAX_FILES);
    files
}

fn gather(dir: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => gather(&path, files),
            Ok(kind) if kind.is_file() && files.len() < MAX_FILES => files.push(path),
            _ => {}
        }
    }
}
