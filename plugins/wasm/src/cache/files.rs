//! Files that are ours alone.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::SystemTime,
};

/// Makes the directory if there is none, and makes sure that it is ours alone.
pub(super) fn prepare(dir: &Path) -> io::Result<()> {
    if !dir.exists() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir)?;
    }
    let metadata = fs::symlink_metadata(dir)?;
    if !metadata.is_dir() {
        return Err(io::Error::other("it is not a directory"));
    }
    check_owner(&metadata)
}

/// Reads a file that is ours alone. `None`: it is not there.
pub(super) fn read_own(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.is_file() => {
            return Err(io::Error::other("it is not a regular file"));
        }
        Ok(metadata) => check_owner(&metadata)?,
    }
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Whether a file or directory belongs to us and to nobody else.
#[cfg(unix)]
fn check_owner(metadata: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it belongs to somebody else"));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(io::Error::other("others may use it; its mode must be 0700 or 0600"));
    }
    Ok(())
}

/// There is no owner to look at here: nothing is taken from a cache.
#[cfg(not(unix))]
fn check_owner(_: &fs::Metadata) -> io::Result<()> {
    Err(io::Error::other("this system cannot say whose it is"))
}

/// Writes a file under another name and gives it its own when it is whole.
pub(super) fn write(dir: &Path, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let n = NEXT.fetch_add(1, Relaxed);
    let temporary = dir.join(format!(".{}-{n}.tmp", std::process::id()));
    let written = write_new(&temporary, parts).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // What is left of it is of no use to anybody.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_new(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    parts.iter().try_for_each(|part| file.write_all(part))
}

/// Notes that a file was used.
pub(super) fn touch(path: &Path) {
    let touched = File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
    if let Err(error) = touched {
        tracing::debug!(path = %path.display(), %error, "its use is not noted");
    }
}

/// A file of the cache.
pub(super) struct Kept {
    pub(super) path: PathBuf,
    size: u64,
    used: SystemTime,
}

/// The files with that extension.
pub(super) fn list(dir: &Path, extension: &str) -> Vec<Kept> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let kept = |entry: fs::DirEntry| {
        let (path, metadata) = (entry.path(), entry.metadata().ok()?);
        let is_ours = path.extension().is_some_and(|found| found == extension);
        let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        (is_ours && metadata.is_file()).then_some(Kept { path, size: metadata.len(), used })
    };
    entries.flatten().filter_map(kept).collect()
}

/// Removes the files that were used longest ago, until the others are small enough together.
pub(super) fn prune(dir: &Path, extension: &str, most: u64) {
    let mut files = list(dir, extension);
    files.sort_by_key(|file| std::cmp::Reverse(file.used));
    let mut total = 0_u64;
    for file in files {
        total = total.saturating_add(file.size);
        if total > most
            && let Err(error) = fs::remove_file(&file.path)
        {
            tracing::debug!(path = %file.path.display(), %error, "not removed");
        }
    }
}
