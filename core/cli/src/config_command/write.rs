//! Writes a configuration file: all of it, or nothing.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Who may read a file that holds a secret.
const PRIVATE: u32 = 0o600;
/// Who may look into a directory that was made for one.
const PRIVATE_DIR: u32 = 0o700;

/// Who may read a file after it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Whoever could before; the owner, if it is new.
    Kept,
    /// The owner.
    Owner,
}

/// What a file says; `None` if there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    use io::Read;
    let read = File::open(path).and_then(|file| {
        let mut bytes = Vec::new();
        file.take(adit_config::MAX_FILE_LEN + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    match read {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(error).with_context(|| format!("{}: cannot read the file", path.display()))
        }
    }
}

/// Writes a file and makes the directories that it needs. When this returns, it is on the disk.
pub(super) fn write(path: &Path, text: &[u8], access: Access) -> Result<()> {
    write_at(path, text, access)
        .with_context(|| format!("{}: cannot write the file", path.display()))
}

fn write_at(path: &Path, text: &[u8], access: Access) -> io::Result<()> {
    // A link stays one: what it leads to is written.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    DirBuilder::new().recursive(true).mode(PRIVATE_DIR).create(dir)?;
    let old = fs::metadata(&path).ok().map(|meta| meta.permissions().mode() & 0o777);
    let mode = match (access, old) {
        (Access::Kept, Some(mode)) => mode,
        _ => PRIVATE,
    };
    let temporary = beside(&path);
    let whole = new_file(&temporary, text, mode).and_then(|()| fs::rename(&temporary, &path));
    match whole {
        Ok(()) => File::open(dir)?.sync_all(),
        Err(_) => {
            let _ = fs::remove_file(&temporary);
            // A file that is mounted by itself cannot be replaced, nor one in a directory of
            // somebody else; it can be written.
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(mode)
                .open(&path)?;
            file.write_all(text)?;
            file.sync_all()
        }
    }
}

fn new_file(path: &Path, text: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path)?;
    file.write_all(text)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

/// A name that nothing has, in the same directory.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}
