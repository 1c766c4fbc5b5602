//! Compiled code on disk, so that a start takes milliseconds and not seconds.
//!
//! ```text
//! <dir>/<key>.policy = machine code (ELF) │ trailer: key │ SHA-256 of the code │ its length │ magic
//! key = SHA-256(component's digest, wasmtime's version, the engine's settings)
//! ```
//!
//! Machine code is run as it is found: whoever can write it runs as us. So the directory must be
//! ours and closed to everybody else, and so must the file; anything that is not exactly as it
//! should be is compiled again and replaced. The trailer finds damage, not forgery.

mod files;

use std::{
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use tracing::{debug, warn};
use wasmtime::{Engine, component::Component};

use crate::plugin::Hex;

const MAGIC: [u8; 8] = *b"aditcwc1";
const TRAILER: usize = 32 + 32 + 8 + MAGIC.len();
/// Octets of all files together.
const MAX_CACHE: u64 = 256 * 1024 * 1024;
const EXTENSION: &str = "policy";

/// Where compiled code is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CachePolicy {
    /// In this directory, which is made if there is none.
    Dir(PathBuf),
    /// Nowhere.
    #[default]
    Off,
}

#[derive(Debug)]
pub(crate) struct Cache {
    dir: Option<PathBuf>,
    most: u64,
}

impl Cache {
    pub(crate) fn new(policy: CachePolicy) -> Self {
        let dir = match policy {
            CachePolicy::Dir(dir) => Some(dir),
            CachePolicy::Off => None,
        };
        Self { dir, most: MAX_CACHE }
    }

    /// The compiled component: from the cache, or compiled and put there.
    ///
    /// # Errors
    /// It cannot be compiled. A cache that does not work is told in the log.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        bytes: &[u8],
        digest: &[u8; 32],
    ) -> wasmtime::Result<Component> {
        let Some(dir) = self.dir.as_deref() else { return Component::from_binary(engine, bytes) };
        if let Err(error) = files::prepare(dir) {
            warn!(dir = %dir.display(), %error, "compiled policies are not kept");
            return Component::from_binary(engine, bytes);
        }
        let key = key(engine, digest);
        let path = dir.join(format!("{}.{EXTENSION}", Hex(&key)));
        match load(engine, &path, &key) {
            Ok(Some(component)) => return Ok(component),
            Ok(None) => {}
            Err(error) => debug!(path = %path.display(), %error, "compiled again"),
        }
        let component = Component::from_binary(engine, bytes)?;
        let stored = component.serialize().and_then(|code| self.store(dir, &path, &code, &key));
        if let Err(error) = stored {
            warn!(path = %path.display(), %error, "a compiled policy is not kept");
        }
        Ok(component)
    }

    fn store(&self, dir: &Path, path: &Path, code: &[u8], key: &[u8; 32]) -> wasmtime::Result<()> {
        let length = (code.len() as u64).to_le_bytes();
        let digest: [u8; 32] = Sha256::digest(code).into();
        files::write(dir, path, &[code, key, &digest, &length, &MAGIC])?;
        files::prune(dir, EXTENSION, self.most);
        Ok(())
    }
}

/// What the code depends on.
fn key(engine: &Engine, digest: &[u8; 32]) -> [u8; 32] {
    let mut hash = Keyed(Sha256::new());
    hash.write(digest);
    hash.write(env!("CARGO_PKG_VERSION").as_bytes());
    hash.write(b"wasmtime-48");
    // Settings, target, features of the processor, and the exact version.
    engine.precompile_compatibility_hash().hash(&mut hash);
    hash.0.finalize().into()
}

/// Lets values that know how to be hashed be hashed by a digest.
struct Keyed(Sha256);

impl Hasher for Keyed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// `None`: it is not there.
#[expect(unsafe_code, reason = "code that we compiled is run without compiling it again")]
fn load(engine: &Engine, path: &Path, key: &[u8; 32]) -> wasmtime::Result<Option<Component>> {
    let Some(bytes) = files::read_own(path)? else { return Ok(None) };
    check(&bytes, key)?;
    // SAFETY: the file is a regular file of ours that nobody else can write, in a directory for
    // which the same holds, and its octets are those that we wrote after compiling: key, length
    // and digest are right. It never comes from the network or from a path in the configuration.
    // Who can write it nevertheless runs code as us already.
    let component = unsafe { Component::deserialize_file(engine, path)? };
    files::touch(path);
    Ok(Some(component))
}

fn check(bytes: &[u8], key: &[u8; 32]) -> wasmtime::Result<()> {
    let split = bytes.len().checked_sub(TRAILER);
    let Some((code, trailer)) = split.and_then(|n| bytes.split_at_checked(n)) else {
        wasmtime::bail!("the file is too short");
    };
    let digest = Sha256::digest(code);
    let length = (code.len() as u64).to_le_bytes();
    let expected = [&key[..], &digest, &length, &MAGIC].concat();
    wasmtime::ensure!(trailer == expected, "the file is damaged or of another key");
    Ok(())
}

/// Removes what is kept of compiled code.
///
/// # Errors
/// A file could not be removed.
pub fn clear_cache(dir: &Path) -> std::io::Result<()> {
    for file in files::list(dir, EXTENSION) {
        fs::remove_file(file.path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
