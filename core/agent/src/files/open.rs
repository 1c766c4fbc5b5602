//! Opens what a visitor asked for, and only what is inside the directory.

use std::{
    fs::{self, File, Metadata},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::path::Target;

/// Entries of one directory that are listed at most. Reason: about 200 bytes of page each.
pub(super) const MAX_ENTRIES: usize = 10_000;
/// The file that stands for its directory.
const INDEX: &str = "index.html";

/// The system's number for links that lead in a circle, for which there is no stable kind yet.
/// Fact: `ELOOP` is 40 on Linux and 62 on the BSDs and macOS.
const TOO_MANY_LINKS: i32 = if cfg!(target_os = "linux") { 40 } else { 62 };

/// What there is.
#[derive(Debug)]
pub(super) enum Found {
    /// A file, open.
    File(OpenFile),
    /// A directory without an index.
    Listing(Listing),
    /// A directory whose path was written without its slash.
    Redirect,
}

/// A file that was opened and checked.
#[derive(Debug)]
pub(super) struct OpenFile {
    /// The handle.
    pub(super) file: File,
    /// Size in bytes when it was opened.
    pub(super) len: u64,
    /// When it was changed last, if the system knows.
    pub(super) modified: Option<SystemTime>,
    /// The path, for its extension.
    pub(super) path: PathBuf,
}

/// The entries of a directory.
#[derive(Debug)]
pub(super) struct Listing {
    /// In the order of the page.
    pub(super) entries: Vec<Entry>,
    /// Whether there were more than [`MAX_ENTRIES`].
    pub(super) cut: bool,
}

/// One line of a listing.
#[derive(Debug)]
pub(super) struct Entry {
    /// File name.
    pub(super) name: String,
    /// Size in bytes; `None` for directories.
    pub(super) len: Option<u64>,
    /// When it was changed last, if the system knows.
    pub(super) modified: Option<SystemTime>,
}

/// Looks up `target` below `root`. Blocks: not for the runtime's own threads.
///
/// # Errors
/// `NotFound` for everything that is not there or not for visitors: a stranger learns no
/// difference. Other kinds are the system's trouble.
pub(super) fn find(root: &Path, target: &Target) -> io::Result<Found> {
    let root = fs::canonicalize(root)?;
    let path = resolve(&root, &target.below(&root))?;
    let metadata = fs::metadata(&path)?;
    match (metadata.is_dir(), target.wants_dir) {
        (true, false) => Ok(Found::Redirect),
        (true, true) => match open(&root, &path.join(INDEX)) {
            Ok(file) => Ok(Found::File(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                list(&root, &path).map(Found::Listing)
            }
            Err(error) => Err(error),
        },
        (false, false) => open(&root, &path).map(Found::File),
        (false, true) => Err(io::ErrorKind::NotFound.into()),
    }
}

/// The path with all links followed, if it stays below `root`.
fn resolve(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let real = fs::canonicalize(path).map_err(absent)?;
    if real.starts_with(root) { Ok(real) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// Opens a regular file, and makes sure that what was opened is what was checked.
///
/// Somebody may replace a directory on the way by a link between the check and the opening. So the
/// path is resolved again afterwards, and has to lead to the very file that is open.
fn open(root: &Path, path: &Path) -> io::Result<OpenFile> {
    let path = resolve(root, path)?;
    // Looked at before it is opened: opening a named pipe would wait for its writer.
    if !fs::symlink_metadata(&path)?.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let file = File::open(&path).map_err(absent)?;
    let metadata = file.metadata()?;
    let again = resolve(root, &path)?;
    if again != path || !metadata.is_file() || !same(&metadata, &fs::symlink_metadata(&again)?) {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(OpenFile { file, len: metadata.len(), modified: metadata.modified().ok(), path })
}

#[cfg(unix)]
fn same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same(a: &Metadata, b: &Metadata) -> bool {
    a.len() == b.len() && a.modified().ok() == b.modified().ok()
}

/// Directories first, each group by name; links that lead out are left out.
fn list(root: &Path, dir: &Path) -> io::Result<Listing> {
    let mut entries = Vec::new();
    let mut cut = false;
    for entry in fs::read_dir(dir).map_err(absent)? {
        let entry = entry?;
        if entries.len() == MAX_ENTRIES {
            cut = true;
            break;
        }
        let is_link = entry.file_type()?.is_symlink();
        if is_link && resolve(root, &entry.path()).is_err() {
            continue;
        }
        let Ok(metadata) = fs::metadata(entry.path()) else { continue };
        if !metadata.is_dir() && !metadata.is_file() {
            continue;
        }
        entries.push(Entry {
            name: entry.file_name().to_string_lossy().into_owned(),
            len: metadata.is_file().then_some(metadata.len()),
            modified: metadata.modified().ok(),
        });
    }
    entries.sort_by(|a, b| (a.len.is_some(), &a.name).cmp(&(b.len.is_some(), &b.name)));
    Ok(Listing { entries, cut })
}

/// What is forbidden, loops or goes through a file is not there, as far as visitors are concerned.
fn absent(error: io::Error) -> io::Error {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound
        | Kind::PermissionDenied
        | Kind::NotADirectory
        | Kind::InvalidInput
        | Kind::InvalidFilename => Kind::NotFound.into(),
        _ if error.raw_os_error() == Some(TOO_MANY_LINKS) => Kind::NotFound.into(),
        _ => error,
    }
}
