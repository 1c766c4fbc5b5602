//! Configurations that expressions asked for lately. Making one parses certificates and keys, and
//! sessions can only be resumed with the one that they were made with.

use adit_builtin::server_tls::{ServerTls, SetupError};
use adit_chain::TlsMode;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

/// How many are kept.
///
/// Reason: an expression that chooses between certificates has a handful to choose from; each
/// configuration holds up to a MiB of sessions.
const MAX_KEPT: usize = 16;

/// A digest of what a configuration is made from, so that no key is kept for comparing.
type Key = [u8; 32];

/// Configurations, the last used one at the end.
#[derive(Default)]
pub(super) struct Cache(Mutex<Vec<(Key, TlsMode)>>);

impl Cache {
    /// The configuration for this set-up; `build` makes it if it is not there.
    pub(super) fn get_or_build(
        &self,
        tls: &ServerTls,
        build: impl FnOnce() -> Result<TlsMode, SetupError>,
    ) -> Result<TlsMode, SetupError> {
        let key = key(tls);
        if let Some(mode) = self.find(key) {
            return Ok(mode);
        }
        let mode = build()?;
        self.put(key, mode.clone());
        Ok(mode)
    }

    /// The configuration of this digest, which is the last used one then.
    fn find(&self, key: Key) -> Option<TlsMode> {
        let mut kept = self.0.lock();
        let i = kept.iter().position(|(other, _)| *other == key)?;
        kept[i..].rotate_left(1);
        kept.last().map(|(_, mode)| mode.clone())
    }

    fn put(&self, key: Key, mode: TlsMode) {
        let mut kept = self.0.lock();
        // Another connection may have been faster.
        kept.retain(|(other, _)| *other != key);
        if kept.len() == MAX_KEPT {
            kept.remove(0);
        }
        kept.push((key, mode));
    }
}

/// Of everything that expressions can change: the rest is the same for all of a cache.
fn key(tls: &ServerTls) -> Key {
    let mut digest = Sha256::new();
    let mut add = |text: &str| {
        digest.update(text.len().to_be_bytes());
        digest.update(text);
    };
    if let Some(identity) = &tls.identity {
        add(&identity.certificate);
        add(&identity.private_key);
    }
    for authority in &tls.authorities {
        add(authority);
    }
    digest.finalize().into()
}
