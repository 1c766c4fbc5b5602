//! What outlives the process: files in the state directory, readable by their owner only.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::random;

/// Length of the key that cookies and bind tokens are authenticated with.
const KEY_LEN: usize = 32;
const KEY_FILE: &str = "session.key";

/// Where state is kept. Without a directory it lives as long as the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct StateDir(Option<PathBuf>);

/// A file of the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("could not {action} {path}")]
pub struct StateError {
    /// `read`, `create`, …
    pub action: &'static str,
    /// The file.
    pub path: String,
    /// What the system said.
    pub source: io::Error,
}

impl StateDir {
    /// Uses the directory, and creates it if need be.
    pub(crate) fn open(dir: Option<&Path>) -> Result<Self, StateError> {
        if let Some(dir) = dir {
            create_dir(dir).map_err(|source| StateError {
                action: "create the state directory",
                path: dir.display().to_string(),
                source,
            })?;
        }
        Ok(Self(dir.map(Path::to_path_buf)))
    }

    /// Where a file is, for messages.
    pub(crate) fn path_of(&self, name: &str) -> String {
        self.0
            .as_deref()
            .map_or_else(|| name.to_owned(), |dir| dir.join(name).display().to_string())
    }

    /// The contents of a file; `None` if there is no such file or no directory.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StateError> {
        let Some(dir) = &self.0 else { return Ok(None) };
        let path = dir.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => {
                Err(StateError { action: "read", path: path.display().to_string(), source })
            }
        }
    }

    /// Writes a file whole or not at all, in the place of what was there.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StateError> {
        let Some(dir) = &self.0 else { return Ok(()) };
        let path = dir.join(name);
        let failed =
            |source| StateError { action: "write", path: path.display().to_string(), source };
        let fresh = Fresh::write(dir, name, bytes).map_err(failed)?;
        fs::rename(&fresh.0, &path).map_err(failed)
    }

    /// Writes a file that is not there yet, whole or not at all. If it is there, or appears
    /// meanwhile, what it holds is returned.
    pub(crate) fn create(&self, name: &str, bytes: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let Some(dir) = &self.0 else { return Ok(None) };
        let path = dir.join(name);
        let failed =
            |source| StateError { action: "create", path: path.display().to_string(), source };
        let fresh = Fresh::write(dir, name, bytes).map_err(failed)?;
        match fs::hard_link(&fresh.0, &path) {
            Ok(()) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.read(name),
            // Not every file system has links; without them the last one wins.
            Err(_) => fs::rename(&fresh.0, &path).map(|()| None).map_err(failed),
        }
    }

    /// The key of this edge, made on first start.
    pub(crate) fn key(&self) -> Result<[u8; KEY_LEN], StateError> {
        let known = match self.read(KEY_FILE)? {
            Some(known) => known,
            None => {
                let mut key = [0; KEY_LEN];
                random::fill(&mut key);
                match self.create(KEY_FILE, &key)? {
                    Some(known) => known,
                    None => return Ok(key),
                }
            }
        };
        known.try_into().map_err(|_| StateError {
            action: "use",
            path: self.path_of(KEY_FILE),
            source: io::Error::new(
                io::ErrorKind::InvalidData,
                "it must have 32 bytes; restore it, or remove it to get a new one: agents begin new \
                 sessions then",
            ),
        })
    }
}

/// A file under a name of its own, gone when dropped unless it was renamed.
struct Fresh(PathBuf);

impl Fresh {
    fn write(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<Self> {
        let fresh = Self(dir.join(format!(".{name}.{}", random::id("new"))));
        write_private(&fresh.0, bytes)?;
        Ok(fresh)
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // Not there any more: it was renamed. Otherwise there is nothing that could be done.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(unix)]
fn create_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn create_dir(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(Some(&dir.path().join("state"))).unwrap();
        let key = state.key().unwrap();
        assert_eq!(state.key().unwrap(), key);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let meta = fs::metadata(dir.path().join("state").join(KEY_FILE)).unwrap();
            assert_eq!(meta.permissions().mode() & 0o777, 0o600);
        }
        let names: Vec<_> = fs::read_dir(dir.path().join("state")).unwrap().collect();
        assert_eq!(names.len(), 1);
    }

    #[test]
    fn a_damaged_key_is_an_error_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(KEY_FILE), b"short").unwrap();
        let state = StateDir::open(Some(dir.path())).unwrap();
        let error = state.key().unwrap_err();
        let path = dir.path().join(KEY_FILE);
        assert_eq!(error.to_string(), format!("could not use {}", path.display()));
        let remedy = "it must have 32 bytes; restore it, or remove it to get a new one: agents \
                      begin new sessions then";
        assert_eq!(error.source.to_string(), remedy);
    }

    #[test]
    fn without_a_directory_nothing_is_kept() {
        let state = StateDir::open(None).unwrap();
        assert_ne!(state.key().unwrap(), state.key().unwrap());
    }
}
